/** Gradients through ops that a plugin adds. */

import { afterEach, expect, test } from "vitest";
import { type OwnOp, registerOps } from "../../src/ir/ops/own.ts";
import type { Vjp } from "../../src/ir/ops/vjp.ts";
import { binary, call, type Expression } from "../../src/kernel/expression.ts";
import { backwardOf, computed } from "../support/gradients.ts";

const softsign: OwnOp = {
  kind: "elementwise",
  summary: "`x / (1 + |x|)`.",
  operands: [{ name: "x" }],
  elements: ["f32"],
  cost: "low",
  result: "same",
  scalar: (x) => x / (1 + Math.abs(x)),
  kernel: ([x]) => binary("/", x as Expression, binary("+", call("abs", x as Expression), 1)),
};
/** 1 / (1 + |x|)^2. */
const vjp: Vjp = {
  by: [
    ({ operands: [x], cotangents: [dy], terms: t }) => {
      const size = t.add(t.abs(x as never), 1);
      return t.div(dy as never, t.mul(size, size));
    },
  ],
};
const text = "fn f(x: f32[rows, 2]) -> (y: f32[rows, 2]) { return own_softsign(x) * 2 }";

let remove = () => {};
afterEach(() => remove());

test("by the rule in its row", () => {
  remove = registerOps({ own_softsign: { ...softsign, vjp } });
  expect(computed(backwardOf(text), { x: [[1, -3]], d_y: [[1, 8]] }).d_x).toEqual([0.5, 1]);
});

test("without one it is refused", () => {
  remove = registerOps({ own_softsign: softsign });
  expect(() => backwardOf(text)).toThrow("E0803");
});
