/**
 * `node scripts/compile-times.mjs KIND STATEMENTS`: prints the milliseconds of parsing, passes and code generation for
 * a generated program, and the memory used, as JSON. Needs dist/. bench-compile.mjs runs it in a new process each time.
 */
import { pathToFileURL } from "node:url";

const line = (value, text) => `  let ${value} = ${text}`;
const steps = ["v + y", "v * 0.5", "tanh(v)", "v - x", "maximum(v, y)"];

/** The `i`th statement, which defines `v${i + 1}`; `v0` is x. */
export const kinds = {
  /** A chain of elementwise ops. */
  chain: (i) => steps[i % steps.length].replaceAll("v", `v${i}`),
  /** Each value is used again much later. */
  lattice: (i) => `v${i} * 0.5 + v${Math.floor(i / 2)}`,
  /** The same expressions over and over, for `cse`. */
  repeats: (i) => `v${i - (i % 2)} + exp(x * y)`,
  /** Only identities, for `canonicalize`. */
  identities: (i) => `-(-(v${i} * 1 + 0)) / 1`,
  /** One norm per statement: as many reductions in sequence. */
  norms: (i) => `layernorm(v${i}, axes = [-1]) + y`,
  /** One reduction per statement, without a norm. */
  sums: (i) => `v${i} + y * mean(v${i}, axes = [-1], keepdims = true)`,
  /** A residual stream with a centered norm in each step. */
  residual: (i) => `v${i} + tanh(layernorm(v${i}, axes = [-1]))`,
  /** A residual stream of centered branches, which the proof follows to the end. */
  stream: (i) => `v${i} + center(y * ${(i % 7) + 1}, axes = [-1])`,
};

function programOf(kind, statements) {
  const lines = Array.from({ length: statements }, (_, i) => line(`v${i + 1}`, kinds[kind](i)));
  return `fn f(x: f32[rows, 512], y: f32[rows, 512]) -> (z: f32[rows, 512]) {\n${[line("v0", "x"), ...lines].join("\n")}\n  return ${
    kind === "stream" ? `layernorm(v${statements}, axes = [-1])` : `v${statements}`
  }\n}\n`;
}

const [kind, count] = process.argv.slice(2);
if (process.argv[1] === new URL(import.meta.url).pathname) {
  const dist = (path) => import(pathToFileURL(`${import.meta.dirname}/../dist/${path}`).href);
  const { generateKernel, optimize, parse, portableTarget } = await dist("src/index.js");
  const text = programOf(kind, Number(count));
  const times = {};
  const timed = (name, work) => {
    const start = performance.now();
    const result = work();
    times[name] = performance.now() - start;
    return result;
  };
  const module = timed("parse", () => parse(text));
  const after = timed("passes", () => optimize(module).module);
  const { wgsl } = timed("codegen", () => generateKernel(after.fns[0], portableTarget));
  console.log(JSON.stringify({ ...times, megabytes: process.resourceUsage().maxRSS / 1024, wgsl: wgsl.length }));
}
