/** 8-bit weights as the floats that DequantizeLinear computes, (x - zero point) * scale, rounded as runtimes do. */

import { roundTo } from "../ir/float16.ts";
import { elementCount } from "../ir/tensor.ts";
import { microsoft } from "./norm-ops.ts";
import type { TensorNumbers } from "./tensors.ts";

/** Whether a node may dequantize a weight; blocked scales and other types are left to the runtime. */
export const isDequantization = ({ domain, opType }: { readonly domain: string; readonly opType: string }): boolean =>
  opType === "DequantizeLinear" && (domain === "" || domain === microsoft);

/** The scale is per tensor, or per index along `axis`. Returns undefined for any other scale. */
export function dequantized(
  x: TensorNumbers,
  scale: TensorNumbers,
  zero: TensorNumbers | undefined,
  axis: number,
): TensorNumbers | undefined {
  const { shape, numbers } = x;
  const count = scale.numbers.length;
  const at = axis < 0 ? axis + shape.length : axis;
  const inner = elementCount(shape.slice(at + 1));
  const isAlong = scale.shape.length === 1 && shape[at] === count;
  if (count !== 1 && !isAlong) return undefined;
  const round = roundTo[scale.type === "FLOAT16" ? "f16" : "f32"];
  const made = numbers.map((number, i) => {
    const row = count === 1 ? 0 : Math.floor(i / inner) % count;
    return round((number - (zero?.numbers[row] ?? 0)) * (scale.numbers[row] as number));
  });
  return { shape, type: scale.type, kind: "float", numbers: made };
}
