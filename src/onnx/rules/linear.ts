/** Matrix products and convolutions. */

import type { Value } from "../../ir/ir.ts";
import { sameShape } from "../../ir/types.ts";
import { decline, extentOf, type NodeView, type Rule } from "../node.ts";

function scaled(at: NodeView, x: Value, factor: number): Value {
  return factor === 1 ? x : at.emit("mul", [x, at.constant(x.element, factor)]);
}

/** alpha * A' * B' + beta * C, where the attributes say whether A and B are transposed. A linear layer becomes `linear`. */
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

/** SAME padding: the result has ceil(extent / stride) elements. An odd zero is before the data for SAME_LOWER, else behind. */
function samePads(at: NodeView, x: Value, kernel: readonly number[], isLower: boolean): number[] {
  const total = kernel.map((size, i) => {
    const [stride, dilation] = [at.ints("strides")?.[i] ?? 1, at.ints("dilations")?.[i] ?? 1];
    const reach = dilation * (size - 1) + 1;
    if (stride === 1) return reach - 1;
    const extent = extentOf(x, i + 2);
    return Math.max(0, (Math.ceil(extent / stride) - 1) * stride + reach - extent);
  });
  const half = total.map((zeros) => (isLower ? Math.ceil(zeros / 2) : Math.floor(zeros / 2)));
  return [...half, ...total.map((zeros, i) => zeros - (half[i] as number))];
}

const conv: Rule = (at) => {
  const [x, weight, bias] = [at.input(0), at.input(1), at.optional(2)];
  const kernel = weight.shape.slice(2).map((_, i) => extentOf(weight, i + 2));
  const auto = at.text("auto_pad", "NOTSET");
  const pads = auto.startsWith("SAME")
    ? samePads(at, x, kernel, auto === "SAME_LOWER")
    : auto === "VALID"
      ? []
      : (at.ints("pads") ?? []);
  if (pads.some((zeros) => zeros < 0)) decline("its padding is negative");
  const isNot = (usual: number) => (value: number) => value !== usual;
  const listed = (list: readonly number[], usual: number) => (list.some(isNot(usual)) ? [...list] : []);
  return at.emit("conv", [x, weight, bias], {
    strides: listed(at.ints("strides") ?? [], 1),
    pads: listed(pads, 0),
    dilations: listed(at.ints("dilations") ?? [], 1),
    group: at.int("group", 1),
  });
};

export const linearRules: Readonly<Record<string, Rule>> = {
  ":MatMul": (at) => at.emit("matmul", [at.input(0), at.input(1)]),
  ":Gemm": gemm,
  ":Conv": conv,
};
