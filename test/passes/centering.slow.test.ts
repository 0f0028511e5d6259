/** Each fact of the algebra of row means that is made wrong on purpose is found by the checks on random programs. */

import { describe, expect, test } from "vitest";
import type { Facts, LinearDef } from "../../src/ir/ops/def.ts";
import { type IndexName, type LinearName, ops } from "../../src/ir/ops/index.ts";
import { parse } from "../../src/parse/parse.ts";
import { checkProofs, checkRewrite } from "../support/check-centering.ts";
import { isDeep } from "../support/deep.ts";
import { sampleRowPrograms } from "../support/row-programs.ts";
import { withoutExact } from "../support/without-exact.ts";

// The numbers alone are to find it.
withoutExact();

/** Two that random ones are seldom: a centered row less what does not vary along it, and a stream that `l2norm` reads. */
const rare = [
  `fn f(x: f32[3, 4], y: f32[3, 1]) -> (n: f32[3, 4]) {
  let c = center(x, axes = [-1])
  let s = c - y
  let n = center(s, axes = [-1])
  return n
}
`,
  `fn f(x: f32[3, 4], y: f32[3, 4]) -> (n: f32[3, 4], o: f32[3, 4], m: f32[3, 4]) {
  let n = layernorm(x, axes = [-1])
  let c = center(y, axes = [-1])
  let h = x + c
  let o = layernorm(h, axes = [-1])
  let m = l2norm(h, axes = [-1])
  return n, o, m
}
`,
];
const programs = [...rare.map((text) => ({ text, module: parse(text) })), ...sampleRowPrograms(1000)];

type Row = { facts: Facts } & Partial<Pick<LinearDef, "zeroMean">>;
const row = (name: keyof typeof ops) => ops[name] as Row;
type Mutation = readonly [string, keyof typeof ops, Partial<Row>];
const claim = (rowMeanZero: Exclude<Facts["rowMeanZero"], undefined>, name: keyof typeof ops): Mutation => [
  `${name}: ${rowMeanZero}`,
  name,
  { facts: { ...row(name).facts, rowMeanZero } },
];
const meansOf: LinearDef["zeroMean"] = row("conv").zeroMean as LinearDef["zeroMean"];
const always: LinearDef["zeroMean"] = () => [{ means: [], exact: false }];
const exactly = (name: LinearName | IndexName): LinearDef["zeroMean"] => {
  const { zeroMean } = row(name);
  return (...args) => (zeroMean as LinearDef["zeroMean"])(...args).map((way) => ({ ...way, exact: true }));
};

const mutations: readonly Mutation[] = [
  claim("sum", "mul"),
  claim("scale", "add"),
  claim("scale", "sub"),
  claim("scale", "div"),
  claim("sum", "relu"),
  claim("sum", "tanh"),
  claim("scale", "where"),
  claim("result", "rmsnorm"),
  claim("result", "l2norm"),
  claim("result", "softmax"),
  claim("scale", "softmax"),
  claim("sum", "max"),
  ["matmul: always", "matmul", { zeroMean: always }],
  ["linear: always", "linear", { zeroMean: always }],
  ["embedding: always", "embedding", { zeroMean: always }],
  ["concat: always", "concat", { zeroMean: always }],
  ["slice: always", "slice", { zeroMean: always }],
  ["pad: always", "pad", { zeroMean: always }],
  ["flip: always", "flip", { zeroMean: always }],
  ["gather: always", "gather", { zeroMean: always }],
  ["conv: always", "conv", { zeroMean: always }],
  ["conv: as if it had no groups", "conv", { zeroMean: (rows, shapes) => meansOf(rows, shapes, { group: 1 }) }],
  ["concat: exact along its axis", "concat", { zeroMean: exactly("concat") }],
  ["rmsnorm ignores shifts", "rmsnorm", { facts: { ...row("rmsnorm").facts, ignoresShift: true } }],
  ["l2norm ignores shifts", "l2norm", { facts: { ...row("l2norm").facts, ignoresShift: true } }],
];

const isWrong = (among = programs) =>
  among.find(({ module }) => checkProofs(module).wrong !== undefined || checkRewrite(module).off > 1e-6)?.text;

// centering.test.ts has the first of them.
test("the facts as they are", () => {
  expect(isWrong(isDeep ? programs : programs.slice(-200))).toBe(undefined);
}, 120_000);

describe("a fact that is made wrong is found", () => {
  test.each(mutations)("%s", (_, name, change) => {
    const original = { ...row(name) };
    Object.assign(row(name), change);
    try {
      expect(isWrong()).toBeDefined();
    } finally {
      Object.assign(row(name), original);
    }
    expect(row(name).facts).toEqual(original.facts);
  });
});
