/** Products of matrices. */

import type { Value } from "../../ir/ir.ts";
import { sameShape } from "../../ir/types.ts";
import type { NodeView, Rule } from "../node.ts";

function scaled(at: NodeView, x: Value, factor: number): Value {
  return factor === 1 ? x : at.emit("mul", [x, at.constant(x.element, factor)]);
}

/** alpha * A' * B' + beta * C, with A' and B' transposed as the attributes say. A linear layer is `linear`. */
const gemm: Rule = (at) => {
  const [a, b, c] = [at.input(0), at.input(1), at.optional(2)];
  const transposed = (x: Value, flag: string) =>
    at.int(flag, 0) === 1 ? at.emit("transpose", [x], { perm: [1, 0] }) : x;
  const [alpha, beta] = [at.float("alpha", 1), at.float("beta", 1)];
  const rows = transposed(a, "transA");
  const out = at.int("transB", 0) === 1 ? b.shape[0] : b.shape[1];
  const isLayer = at.int("transB", 0) === 1 && alpha === 1 && (c === undefined || beta === 1);
  if (isLayer && out !== undefined && (c === undefined || sameShape(c.shape, [out])))
    return at.emit("linear", [rows, b, c]);
  const product = scaled(at, at.emit("matmul", [rows, transposed(b, "transB")]), alpha);
  return c === undefined || beta === 0 ? product : at.emit("add", [product, scaled(at, c, beta)]);
};

export const linearRules: Readonly<Record<string, Rule>> = {
  ":MatMul": (at) => at.emit("matmul", [at.input(0), at.input(1)]),
  ":Gemm": gemm,
};
