/** Matrix products, joined and cut tensors and looked up rows in the language: read, printed, optimized, interpreted. */

import { expect, test } from "vitest";
import { TircError } from "../../src/diagnostics/diagnostic.ts";
import { renderShort } from "../../src/diagnostics/short.ts";
import { optimize } from "../../src/index.ts";
import { sameModule } from "../../src/ir/equal.ts";
import { interpret } from "../../src/ir/interpret.ts";
import type { Fn } from "../../src/ir/ir.ts";
import { print } from "../../src/ir/print.ts";
import { specialize } from "../../src/ir/specialize.ts";
import { verifyFn } from "../../src/ir/verify.ts";
import { parse } from "../../src/parse/parse.ts";
import { randomInputs } from "../../src/testing/random-inputs.ts";
import { expectSameNumbers } from "../support/expect-numbers.ts";

/** One layer of an attention that is written out; `x` twice over, so that there is something to merge. */
const attention = `fn attention(x: f32[batch, n, 8], wqkv: f32[24, 8], bqkv: f32[24], wo: f32[8, 8]) -> (y: f32[batch, n, 8]) {
  let h = layernorm(x, axes = [-1])
  let again = layernorm(x, axes = [-1])
  let q = slice(linear(h, wqkv, bqkv), axis = 2, start = 0, end = 8)
  let k = slice(linear(h, wqkv, bqkv), axis = -1, start = 8, end = 16)
  let v = slice(linear(again, wqkv, bias = bqkv), axis = -1, start = -8, end = 24)
  let unused = concat(q, k, v, axis = -1)
  let scores = softmax(matmul(q, transpose(k, perm = [0, 2, 1])) * 0.35, axes = [-1])
  return x + linear(matmul(scores, v), wo)
}
`;

test.each([
  attention,
  "fn f(ids: i32[b, n], table: f32[9, 4]) -> f32[b, n, 4] { return embedding(ids, table) }",
  "fn f(table: f32[9, 4]) -> f32[4] { return embedding(8, table) }",
  "fn f(table: f32[9, 4]) -> f32[4] { let id: u32 = 8  return embedding(id, table) }",
  "fn f(a: i32[2], b: i32[1], d: i32[3]) -> i32[6] { return concat(a, b, d = d, axis = 0) }",
  "fn f(a: f32[n, k], b: f32[k, m]) -> f32[n, m] { return matmul(a, b) + matmul(a, b) }",
])("what is printed reads back as the same: %#", (text) => {
  const module = parse(text);
  const printed = print(module);
  expect(sameModule(parse(printed), module)).toBe(true);
  expect(print(parse(printed))).toBe(printed);
  expect(module.fns.flatMap(verifyFn)).toEqual([]);
});

test("the passes merge and drop such ops like any other, and the numbers stay", () => {
  const before = parse(attention);
  const { module } = optimize(before);
  const text = print(module);
  expect(text.match(/linear\(/g)).toHaveLength(2);
  expect(text).not.toContain("concat");
  expect(text).toContain("let k = slice(t1, axis = -1, start = 8, end = 16)");
  expect(sameModule(parse(text), module)).toBe(true);
  const inputs = randomInputs(before.fns[0] as Fn);
  const [after, wanted] = [module, before].map(({ fns }) => interpret(fns[0] as Fn, inputs));
  expectSameNumbers(after ?? {}, wanted ?? {}, { relative: 1e-12, what: "attention" });
});

test("named dimensions that are fixed go through them", () => {
  const fixed = print(specialize(parse(attention), { batch: 2, n: 5 }));
  expect(fixed).toContain("-> (y: f32[2, 5, 8])");
});

/** `line:column: CODE` of all that is wrong. */
function problems(text: string): string[] {
  try {
    parse(text);
    return [];
  } catch (caught) {
    if (!(caught instanceof TircError)) throw caught;
    return caught.diagnostics.map(renderShort);
  }
}

test("what is wrong is said at the operand or attribute that is wrong, all of it at once", () => {
  const text = `fn f(x: f32[rows, 8], w: f32[8, 4], ids: f32[rows]) -> f32[rows, 4] {
  let a = linear(x, w)
  let b = concat(x, w, axis = -1)
  let c = slice(x, axis = 1, start = 2, end = 9)
  let d = embedding(ids, w)
  let e = matmul(x, 2)
  let g = slice(x, axis = 0, start = 0, end = 1)
  let h = concat(x, axis = 0)
  return matmul(x, w)
}`;
  expect(problems(text).map((line) => /:(\d+:\d+: error\[E\d+\])/.exec(line)?.[1])).toEqual([
    "2:21: error[E0231]",
    "3:21: error[E0233]",
    "4:47: error[E0235]",
    "5:21: error[E0204]",
    "6:21: error[E0230]",
    "7:17: error[E0234]",
    "8:11: error[E0206]",
  ]);
});

test("a number for ids must be whole, and literals alone make no tensor", () => {
  const look = (id: string) => problems(`fn f(t: f32[9, 4]) -> f32[4] { return embedding(${id}, t) }`);
  expect(look("2")).toEqual([]);
  expect(look("2.5")[0]).toContain("E0220");
  expect(problems("fn f(x: f32) -> f32 { return x * matmul(2, 3) }")[0]).toContain("E0221");
});
