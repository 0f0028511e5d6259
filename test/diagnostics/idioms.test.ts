/**
 * The replacements that messages propose for other frameworks' ops: each compiles, and computes the same as the
 * original op.
 */

import { describe, expect, test } from "vitest";
import {
  foreignArguments,
  foreignElements,
  foreignOpNames,
  foreignValues,
  idiomOf,
  pairwise,
  plainName,
  reasonAgainst,
  written,
} from "../../src/diagnostics/idioms.ts";
import { interpret } from "../../src/ir/interpret.ts";
import type { Module } from "../../src/ir/ir.ts";
import { callableNames, ops } from "../../src/ir/ops/index.ts";
import { elementCount, type Tensor } from "../../src/ir/tensor.ts";
import { type ElementType, elementTypes, printType } from "../../src/ir/types.ts";
import { parse } from "../../src/parse/parse.ts";
import { compileText } from "../support/compile.ts";
import { refused } from "../support/diagnostics.ts";

const [rows, columns] = [3, 64];

/** Of operands that are not `f32[rows, 64]`. */
const types: Readonly<Record<string, string>> = {
  p: "bool[rows, 64]",
  q: "bool[rows, 64]",
  ids: "i32[64]",
  label: "i32[rows, 1]",
  table: "f32[64, 8]",
  w: "f32[64, 32]",
  weight: "f32[32, 64]",
  image: "f32[rows, 3, 8, 6]",
  weights: "f32[16, 3, 1, 1]",
  row: "f32[64]",
  column: "f32[rows, 1]",
  square: "f32[64, 64]",
  square2: "f32[64, 64]",
  ...Object.fromEntries(["mean", "variance", "gamma", "beta"].map((name) => [name, "f32[64]"])),
};

/** The expression as a function of its operands, its result declared with the type that it turns out to have. */
function programOf(operands: readonly string[], write: readonly string[]): { text: string; module: Module } {
  const lines = write.map((line, i) => (i === write.length - 1 ? `let result = ${line}` : line));
  const names = [
    ...operands,
    ...(!operands.includes("ids") && write.some((line) => /\bids\b/.test(line)) ? ["ids"] : []),
  ];
  const params = names.map((name) => `${name}: ${types[name] ?? "f32[rows, 64]"}`).join(", ");
  const text = (type: string, value: string) =>
    `fn f(${params}) -> (y: ${type}) {\n  ${lines.join("\n  ")}\n  return ${value}\n}\n`;
  const first = names[0] as string;
  const untyped = parse(text(types[first] ?? "f32[rows, 64]", first));
  const [fn] = untyped.fns;
  const found = fn?.ops.flatMap((op) => op.results).find(({ name }) => name === "result");
  const type = found === undefined ? "f32[rows, 64]" : printType(found.type);
  const whole = text(type, "result");
  return { text: whole, module: parse(whole) };
}

/** From 0 to 1, without a pattern that a mistake could hide behind. */
const noise = (i: number) => Math.abs(Math.sin(12.9898 * (i + 1)) * 43758.5453) % 1;

interface Range {
  readonly from?: number;
  readonly to?: number;
}

function made(name: string, element: ElementType, shape: readonly number[], { from = -3, to = 3 }: Range): Tensor {
  const salt = [...name].reduce((sum, char) => 31 * sum + char.charCodeAt(0), 7) % 1000;
  const data = Float64Array.from({ length: elementCount(shape) }, (_, i) => {
    if (name === "ids") return i;
    if (name === "label") return 7 * i + 1;
    const value = noise(i + salt);
    return element === "bool" ? Number(value < 0.5) : from + (to - from) * value;
  });
  return { element, shape, data };
}

function run(module: Module, range: Range): { inputs: Record<string, Tensor>; output: Tensor } {
  const fn = module.fns[0] as Module["fns"][number];
  const inputs = Object.fromEntries(
    fn.params.map((param) => {
      const name = param.name as string;
      const shape = param.type.shape.map((dim) => (typeof dim === "string" ? rows : dim));
      return [name, made(name, param.type.element, shape, range)];
    }),
  );
  return { inputs, output: interpret(fn, inputs).y as Tensor };
}

interface Oracle extends Range {
  /** Of one element of each operand. */
  readonly each?: (...values: number[]) => number | boolean;
  /** Of one row of each operand: one number, or a row. */
  readonly row?: (...values: number[][]) => number | boolean | readonly number[];
  /** Where the elements only move: the type of the result. */
  readonly type?: string;
}

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
const mean = (values: readonly number[]) => sum(values) / values.length;
const variance = (values: readonly number[]) => mean(values.map((x) => (x - mean(values)) ** 2));
const softmax = (values: readonly number[]) => values.map((x) => Math.exp(x) / sum(values.map(Math.exp)));
const zip = (a: readonly number[], b: readonly number[], f: (x: number, y: number) => number) =>
  a.map((x, i) => f(x, b[i] as number));
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const softplus = (x: number) => Math.log(1 + Math.exp(x));
const clamp = (x: number, lo: number, hi: number) => Math.min(Math.max(x, lo), hi);
/** Abramowitz and Stegun 7.1.5. */
const erf = (x: number) => {
  let [term, total] = [x, x];
  for (let n = 1; n < 60; n++) {
    term *= (-x * x) / n;
    total += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * total;
};
const gelu = (x: number) => 0.5 * x * (1 + erf(x / Math.SQRT2));
const geluTanh = (x: number) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
const positive = { from: 0.1, to: 3 };
const unit = { from: 0.05, to: 0.95 };

const oracles: Readonly<Record<string, Oracle>> = {
  swish: { each: (x) => x * sigmoid(x) },
  hswish: { each: (x) => (x * clamp(x + 3, 0, 6)) / 6 },
  logistic: { each: sigmoid },
  absolute: { each: Math.abs },
  negative: { each: (x) => -x },
  inversesqrt: { each: (x) => 1 / Math.sqrt(x), ...positive },
  recip: { each: (x) => 1 / x },
  power: { each: (a, b) => a ** b, ...positive },
  arctan2: { each: Math.atan2 },
  relu6: { each: (x) => clamp(x, 0, 6), from: -3, to: 9 },
  saturate: { each: (x) => clamp(x, 0, 1) },
  hardtanh: { each: (x) => clamp(x, -1, 1) },
  clip: { each: clamp },
  clamp_min: { each: (a, b) => Math.max(a, b) },
  clamp_max: { each: (a, b) => Math.min(a, b) },
  rint: { each: Math.round },
  fix: { each: Math.trunc },
  softplus1: { each: softplus },
  gelu_new: { each: geluTanh },
  plus: { each: (a, b) => a + b },
  subtract: { each: (a, b) => a - b },
  rsub: { each: (a, b) => b - a },
  multiply: { each: (a, b) => a * b },
  divide: { each: (a, b) => a / b },
  fmod: { each: (a, b) => a % b },
  mod: { each: (a, b) => ((a % b) + b) % b },
  floor_divide: { each: (a, b) => Math.floor(a / b) },
  equal: { each: (a, b) => a === b },
  not_equal: { each: (a, b) => a !== b },
  greater: { each: (a, b) => a > b },
  greater_equal: { each: (a, b) => a >= b },
  less: { each: (a, b) => a < b },
  less_equal: { each: (a, b) => a <= b },
  logical_and: { each: (p, q) => p === 1 && q === 1 },
  logical_or: { each: (p, q) => p === 1 || q === 1 },
  logical_not: { each: (p) => p === 0 },
  logical_xor: { each: (p, q) => p !== q },
  isnan: { each: Number.isNaN },
  isinf: { each: () => false },
  isfinite: { each: Number.isFinite },
  nan_to_num: { each: (x) => x },
  masked_fill: { each: (x, p, value) => (p === 1 ? value : x) },
  if_else: { each: (p, a, b) => (p === 1 ? a : b) },
  sq: { each: (x) => x ** 2 },
  cube: { each: (x) => x ** 3 },
  cbrt: { each: Math.cbrt },
  hypot: { each: (a, b) => Math.hypot(a, b) },
  log10: { each: Math.log10, ...positive },
  exp10: { each: (x) => 10 ** x },
  logit: { each: (x) => Math.log(x) - Math.log(1 - x), ...unit },
  erfc: { each: (x) => 1 - erf(x) },
  asin: { each: Math.asin, from: -1, to: 1 },
  acos: { each: Math.acos, from: -1, to: 1 },
  atan: { each: Math.atan },
  sinh: { each: Math.sinh },
  cosh: { each: Math.cosh },
  asinh: { each: Math.asinh },
  acosh: { each: Math.acosh, from: 1, to: 5 },
  atanh: { each: Math.atanh, from: -0.99, to: 0.99 },
  radians: { each: (x) => (x * Math.PI) / 180 },
  degrees: { each: (x) => (x * 180) / Math.PI },
  frac: { each: (x) => x - Math.floor(x) },
  step: { each: (edge, x) => (x < edge ? 0 : 1) },
  smoothstep: {
    each: (lo, hi, x) => {
      const t = clamp((x - lo) / (hi - lo), 0, 1);
      return 3 * t ** 2 - 2 * t ** 3;
    },
  },
  lerp: { each: (a, b, t) => (1 - t) * a + t * b },
  fused_multiply_add: { each: (a, b, c) => a * b + c },
  mish: { each: (x) => x * Math.tanh(softplus(x)) },
  softsign: { each: (x) => x / (1 + Math.abs(x)) },
  tanhshrink: { each: (x) => x - Math.tanh(x) },
  softshrink: { each: (x) => (x > 0.5 ? x - 0.5 : x < -0.5 ? x + 0.5 : 0) },
  hardshrink: { each: (x) => (x > 0.5 || x < -0.5 ? x : 0) },
  hardsigmoid: { each: (x) => (x <= -3 ? 0 : x >= 3 ? 1 : x / 6 + 0.5), from: -5, to: 5 },
  logsigmoid: { each: (x) => Math.log(sigmoid(x)) },
  selu: { each: (x) => 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * (Math.exp(x) - 1)) },
  celu: { each: (x) => (x > 0 ? x : Math.exp(x) - 1) },
  quick_gelu: { each: (x) => x * sigmoid(1.702 * x) },
  squared_relu: { each: (x) => Math.max(x, 0) ** 2 },
  prelu: { each: (x, slope) => (x > 0 ? x : slope * x) },
  glu: { each: (a, b) => a * sigmoid(b) },
  swiglu: { each: (a, b) => a * sigmoid(a) * b },
  geglu: { each: (a, b) => gelu(a) * b },
  reglu: { each: (a, b) => Math.max(a, 0) * b },
  f32: { each: (x) => x },
  f64: { each: (x) => x },
  f16: { each: (x) => x },
  bf16: { each: (x) => x },
  f8e4m3: { each: (x) => x },
  f8e5m2: { each: (x) => x },
  i32: { each: Math.trunc },
  i16: { each: Math.trunc },
  i8: { each: (x) => Math.max(-128, Math.min(127, Math.trunc(x))) },
  u32: { each: Math.trunc, ...positive },
  u16: { each: Math.trunc, ...positive },
  u8: { each: (x) => Math.min(255, Math.trunc(x)), ...positive },
  bool: { each: (x) => x !== 0 },
  astype: { each: (x) => x },
  amax: { row: (x) => Math.max(...x) },
  amin: { row: (x) => Math.min(...x) },
  reduce_sum: { row: sum },
  reduce_mean: { row: mean },
  reduce_prod: { row: (x) => x.reduce((a, b) => a * b, 1), from: 0.9, to: 1.1 },
  variance: { row: variance },
  stddev: { row: (x) => Math.sqrt(variance(x)) },
  reduce_logsumexp: { row: (x) => Math.log(sum(x.map(Math.exp))) },
  sum_square: { row: (x) => sum(x.map((v) => v * v)) },
  mean_square: { row: (x) => mean(x.map((v) => v * v)) },
  rms: { row: (x) => Math.sqrt(mean(x.map((v) => v * v))) },
  norm: { row: (x) => Math.hypot(...x) },
  l1: { row: (x) => sum(x.map(Math.abs)) },
  ptp: { row: (x) => Math.max(...x) - Math.min(...x) },
  count_nonzero: { row: (x) => x.filter((v) => v !== 0).length },
  any: { row: (p) => p.some((v) => v === 1) },
  all: { row: (p) => p.every((v) => v === 1) },
  dot: { row: (a, b) => sum(zip(a, b, (x, y) => x * y)) },
  distance: { row: (a, b) => Math.hypot(...zip(a, b, (x, y) => x - y)) },
  cosine_similarity: { row: (a, b) => sum(zip(a, b, (x, y) => x * y)) / Math.hypot(...a) / Math.hypot(...b) },
  onehot: { row: ([label]) => Array.from({ length: columns }, (_, i) => Number(i === label)) },
  normalize: { row: (x) => x.map((v) => v / Math.hypot(...x)) },
  standardize: { row: (x) => x.map((v) => (v - mean(x)) / Math.sqrt(variance(x) + 1e-5)) },
  instance_norm: { type: "f32[rows, 64]" },
  softmin: { row: (x) => softmax(x.map((v) => -v)) },
  batch_norm: { each: (x, m, v, g, b) => ((x - m) / Math.sqrt(v + 1e-5)) * g + b, ...positive },
  mse: { row: (a, b) => mean(zip(a, b, (x, y) => (x - y) ** 2)) },
  mae: { row: (a, b) => mean(zip(a, b, (x, y) => Math.abs(x - y))) },
  smooth_l1_loss: {
    row: (a, b) => mean(zip(a, b, (x, y) => (Math.abs(x - y) < 1 ? (x - y) ** 2 / 2 : Math.abs(x - y) - 0.5))),
  },
  cross_entropy: { row: (x, target) => -sum(zip(softmax(x), target, (s, t) => t * Math.log(s))) },
  bce: { row: (p, t) => -mean(zip(p, t, (x, y) => y * Math.log(x) + (1 - y) * Math.log(1 - x))), ...unit },
  bce_with_logits: {
    row: (x, t) => -mean(zip(x, t, (v, y) => y * Math.log(sigmoid(v)) + (1 - y) * Math.log(1 - sigmoid(v)))),
  },
  kl_div: { row: (a, b) => sum(zip(a, b, (x, y) => x * Math.log(x / y))), ...unit },
  view: { type: "f32[rows, 8, 8]" },
  unsqueeze: { type: "f32[rows, 1, 64]" },
  squeeze: { type: "f32[rows]" },
  permute: { type: "f32[64, rows]" },
  expand: { type: "f32[8, 64]" },
  cat: { type: "f32[rows, 128]" },
  vstack: { type: "f32[128, 64]" },
  chunk: { type: "f32[rows, 32]" },
  take: { type: "f32[64, 8]" },
  reverse: { row: (x) => x.toReversed() },
  mm: { type: "f32[rows, 32]" },
  dense: { type: "f32[rows, 32]" },
  conv1d: { type: "f32[rows, 16, 8, 6]" },
  identity: { each: (x) => x },
  detach: { each: (x) => x },
};

/** Each idiom with the first of its names. */
const firstNames = foreignOpNames.filter(
  (name, i) => idiomOf(name) && foreignOpNames.findIndex((other) => idiomOf(other) === idiomOf(name)) === i,
);

test("every row has an oracle, and every oracle a row", () => {
  expect(Object.keys(oracles)).toEqual(firstNames);
});

/** Row `i` of a tensor that has one row for each, or of one that is the same for all. */
function rowOf({ shape, data }: Tensor, i: number): number[] {
  const width = shape.at(-1) as number;
  const start = shape.length < 2 ? 0 : i * width;
  return [...data.subarray(start, start + width)];
}

describe("the expression for", () => {
  test.each(firstNames)("%s compiles, and computes it", (name) => {
    const { operands, write } = idiomOf(name) as NonNullable<ReturnType<typeof idiomOf>>;
    const oracle = oracles[name] as Oracle;
    const { text, module } = programOf(operands, write);
    const { inputs, output } = run(module, oracle);
    if (oracle.type !== undefined) {
      const type = module.fns[0]?.results[0]?.value.type;
      expect(type && printType(type)).toBe(oracle.type);
    }
    const given = operands.map((operand) => inputs[operand] as Tensor);
    for (let i = 0; i < rows; i++) {
      const values = given.map((tensor) => rowOf(tensor, i));
      const got = rowOf(output, i);
      const digits = { f16: 2, bf16: 1, f8e4m3: 0, f8e5m2: 0 }[output.element as string] ?? 9;
      const want =
        oracle.row?.(...values) ??
        (oracle.each && got.map((_, k) => oracle.each?.(...values.map((row) => row[k] as number))));
      if (want === undefined) continue;
      const all = Array.isArray(want) ? want : [want];
      // A reduction gives a number for each row.
      const mine = Array.isArray(want) ? got : [output.data[i] as number];
      for (const [k, value] of all.entries()) expect(mine[k], `${text}[${i}, ${k}]`).toBeCloseTo(Number(value), digits);
    }
    if (!module.fns[0]?.ops.some((op) => ops[op.name].kind === "linear")) compileText(text);
  });
});

describe("all names", () => {
  test("are those of no op, and stand once", () => {
    const plain = foreignOpNames.map(plainName);
    expect(plain.filter((name, i) => plain.indexOf(name) !== i)).toEqual([]);
    const own = new Set<string>(callableNames.map(plainName));
    expect(plain.filter((name) => own.has(name))).toEqual([]);
  });

  test.each(foreignOpNames)("a call of %s says what to write", (name) => {
    const call = `${name}(h, k, l, m, o)`;
    const [found] = refused(
      `fn f(h: f32[n, 64], k: f32[n, 64], l: f32[n, 64], m: f32[n, 64], o: f32[n, 64]) -> f32[n, 64] { return ${call} }`,
    );
    const idiom = idiomOf(name);
    const given = ["h", "k", "l", "m", "o"];
    const lines = idiom && written(idiom, given).map((line) => `\`${line}\``);
    expect(found?.code).toBe("E0202");
    expect(found?.help).toEqual([lines === undefined ? reasonAgainst(name) : `write ${lines.join(", then ")}`]);
  });
});

test("operands of the call stand in the expression; where they are long, those of the table do", () => {
  const help = (call: string) =>
    refused(`fn f(h: f32[n, 64], k: f32[n, 64]) -> f32[n, 64] { return ${call} }`)[0]?.help[0];
  expect(help("squared_relu(h)")).toBe("write `relu(h) * relu(h)`");
  expect(help("mse(h, exp(k))")).toBe("write `mean((h - exp(k)) * (h - exp(k)), axes = [-1])`");
  expect(help("squared_relu(h + k)")).toBe("write `relu(x) * relu(x)`");
  expect(help("stddev(h, 0)")).toBe("write `std(h, axes = [0])`");
  expect(help("stddev(h, dim = [0, 1])")).toBe("write `std(h, axes = [0, 1])`");
  expect(help("huber(d, h)")).toMatch(/^write `let d = abs\(a - b\)/);
});

test("what arguments, element types and values are called here is in the language", () => {
  const known = new Set(
    callableNames.flatMap((name) => [...ops[name].operands.map((o) => o.name), ...Object.keys(ops[name].attributes)]),
  );
  expect([...foreignArguments.values()].flat().filter((name) => !known.has(name))).toEqual([]);
  expect([...foreignElements.values()].filter((name) => !(elementTypes as readonly string[]).includes(name))).toEqual(
    [],
  );
  for (const value of foreignValues.values()) {
    const isTruth = value === "true" || value === "false";
    const type = isTruth ? "bool" : "f32";
    expect(refused(`fn f(x: f32[n]) -> f32[n] { let c: ${type} = ${value} return x }`)).toEqual([]);
  }
});

test("an op of two tensors that is a reduction elsewhere is right as it is proposed", () => {
  for (const [op, make] of pairwise) {
    const program = (value: string) => `fn f(a: f32[n, 64], b: f32[n, 64]) -> f32[n, 64] { return ${value} }`;
    expect(refused(program(make("a", "b")))).toEqual([]);
    expect(refused(program(`${op}(a, b)`))[0]?.help[0]).toContain(make("a", "b"));
  }
});

test("what a reason says to write is in the language", () => {
  const inside = "x: f32[n, 64], w: f32[64], mask: bool[n, 64], ids: i32[64], label: i32[n, 1]";
  const snippets = [...new Set(foreignOpNames.flatMap((name) => reasonAgainst(name)?.match(/`[^`]+`/g) ?? []))];
  const checked = snippets.map((quoted) => quoted.slice(1, -1)).filter((text) => /^(const|let) |[(+]/.test(text));
  expect(checked.length).toBeGreaterThanOrEqual(5);
  for (const text of checked) {
    const statement = text.startsWith("let ") ? text : text.startsWith("const ") ? "" : `let y = ${text}`;
    const outside = text.startsWith("const ") ? text : "";
    const params = outside === "" ? inside : "x: f32[n, 64]";
    expect(refused(`${outside}\nfn f(${params}) -> f32[n, 64] {\n  ${statement}\n  return x\n}\n`)).toEqual([]);
  }
});
