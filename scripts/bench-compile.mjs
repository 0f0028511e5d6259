/**
 * `npm run bench:compile`: how long starting and compiling take, and how compiling grows with the program. Needs dist/.
 * Exits 1 where something takes more than is asked for.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const cli = `${root}dist/src/cli/main.js`;
const asked = { startRatio: 5, seconds: 10, megabytes: 500, growth: 2.5 };
const rounds = Number(process.argv[2] ?? 21);

if (!existsSync(cli)) {
  console.error("dist/ is missing: run `npm run build` first");
  process.exit(1);
}

function milliseconds(args) {
  const start = process.hrtime.bigint();
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  const end = process.hrtime.bigint();
  if (status !== 0) throw new Error(`node ${args.join(" ")} failed:\n${stderr}`);
  return Number(end - start) / 1e6;
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** The two commands in turn, so that what else the machine does weighs on both alike. */
function measureStart() {
  const bare = [];
  const compile = [];
  for (let round = 0; round < rounds + 1; round++) {
    const a = milliseconds(["-e", "0"]);
    const b = milliseconds([cli, "compile", "examples/bert-output.tir"]);
    // The first round reads the files from the disk.
    if (round === 0) continue;
    bare.push(a);
    compile.push(b);
  }
  return { bare: median(bare), compile: median(compile), ratio: median(compile) / median(bare) };
}

/** Runs in a process of its own: an elementwise chain of so many statements, from text to one kernel. */
const chainScript = `
import { compile } from ${JSON.stringify(pathToFileURL(`${root}dist/src/compile.js`).href)};
import { parse } from ${JSON.stringify(pathToFileURL(`${root}dist/src/parse/parse.js`).href)};
const statements = Number(process.argv[1]);
const steps = ["v + y", "v * 0.5", "tanh(v)", "v - x", "maximum(v, y)"];
const lines = Array.from({ length: statements }, (_, i) => {
  return "  let v" + (i + 1) + " = " + steps[i % steps.length].replaceAll("v", "v" + i);
});
const text = ["fn chain(x: f32[rows, 512], y: f32[rows, 512]) -> f32[rows, 512] {", "  let v0 = x", ...lines,
  "  return v" + statements, "}"].join("\\n");
const start = performance.now();
const { kernels } = compile(parse(text));
const seconds = (performance.now() - start) / 1000;
if (kernels.length !== 1) throw new Error("not one kernel");
console.log(JSON.stringify({ seconds, megabytes: process.resourceUsage().maxRSS / 1024, wgsl: kernels[0].wgsl.length }));
`;

function measureChain(statements) {
  const runs = Array.from({ length: 3 }, () => {
    const args = ["--input-type=module", "--eval", chainScript, String(statements)];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
    if (status !== 0) throw new Error(`a chain of ${statements} statements failed:\n${stderr}`);
    return JSON.parse(stdout);
  });
  return {
    seconds: median(runs.map((run) => run.seconds)),
    megabytes: Math.max(...runs.map((run) => run.megabytes)),
    wgsl: runs[0].wgsl,
  };
}

let missed = 0;
function report(what, value, unit, most) {
  const ok = value <= most;
  if (!ok) missed++;
  console.log(
    `${what.padEnd(58)} ${value.toFixed(2).padStart(8)} ${unit.padEnd(3)} (at most ${most}) ${ok ? "ok" : "MISSED"}`,
  );
}

const start = measureStart();
console.log(
  `node -e 0: ${start.bare.toFixed(1)} ms; tirc compile examples/bert-output.tir: ${start.compile.toFixed(1)} ms`,
);
report(`tirc compile against node -e 0, median of ${rounds}`, start.ratio, "x", asked.startRatio);
const chain = measureChain(10_000);
report("10,000 statements to one kernel", chain.seconds, "s", asked.seconds);
report("10,000 statements, memory at most", chain.megabytes, "MB", asked.megabytes);
const twice = measureChain(20_000);
console.log(`20,000 statements: ${twice.seconds.toFixed(2)} s, ${twice.megabytes.toFixed(0)} MB`);
report("20,000 statements against 10,000", twice.seconds / chain.seconds, "x", asked.growth);
process.exit(missed === 0 ? 0 : 1);
