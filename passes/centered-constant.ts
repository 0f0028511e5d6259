/**
 * A constant computed by centering the rows of another.
 *
 * axes:    center(w, axes)
 * block:   center of w with the blocks as a separate axis, reshaped to the shape of w
 * scales:  center(w * s, axes), with s along the axis
 */

import type { Const } from "../src/ir/ir.ts";
import type { PassContext } from "../src/pass/define-pass.ts";
import type { Rows } from "./rows.ts";

export function centeredConstant(
  name: string,
  { axes, block, scales = [] }: Rows,
  { consts, computed }: Pick<PassContext<unknown>, "consts" | "computed">,
): Const {
  const { shape } = (consts.find((constant) => constant.name === name) as Const).type;
  const [axis] = axes as [number];
  const rank = shape.length;
  const reshaped = (of: string, to: readonly number[], hint: string) =>
    computed({ op: "reshape", operands: [of], attributes: { shape: [...to] } }, hint).name;
  const scaled = scales.reduce((of, { constant, length }) => {
    const lay = shape.map((_, i) => (i === axis + rank ? length : 1));
    const vector = reshaped(constant, lay, `${constant}_along`);
    return computed({ op: "mul", operands: [of, vector], attributes: {} }, `${name}_scaled`).name;
  }, name);
  const centered = (of: string) => computed({ op: "center", operands: [of], attributes: { axes } }, `${name}_centered`);
  if (block === undefined) return centered(scaled);
  const dims = shape as number[];
  const cut = dims.toSpliced(axis + rank, 1, (dims.at(axis) as number) / block, block);
  const inBlocks = centered(reshaped(scaled, cut, `${name}_in_blocks`));
  return computed({ op: "reshape", operands: [inBlocks.name], attributes: { shape: [...dims] } }, `${name}_centered`);
}
