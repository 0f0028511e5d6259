/**
 * Integers that a model computes from extents of its inputs (by Shape, Gather, Cast, Mul, ...) become `size` ops, whose
 * results are known at the launch:
 *
 *   s = Gather(Shape(x), 1)                        x: f32[batch, seq, 768]
 *   ->
 *   s = cast(size(shape = [seq]), to = i32)
 */

import type { Builder } from "../ir/builder.ts";
import type { Value } from "../ir/ir.ts";
import { types } from "./data-types.ts";
import type { Dimensions } from "./dimensions.ts";
import type { Extent } from "./extent.ts";
import { joined } from "./rules/shape.ts";
import type { TensorInfo } from "./types/view.ts";

/** The longest list of extents that is imported this way. */
const mostSizes = 8;

/** `factor` times the product of `dims`. */
interface SizeTerm {
  readonly factor: number;
  readonly dims: readonly string[];
}

/**
 * The value of an integer, or a list of integers, that are polynomials in known dimensions; undefined for anything else.
 * @param known the dimensions whose extents are known at the launch.
 */
export function sizesIn(
  info: TensorInfo | undefined,
  builder: Builder,
  dimensions: Dimensions,
  known: ReadonlySet<string>,
): Value | undefined {
  const { element, shape, items } = info ?? {};
  const isInteger = element === types.int64 || element === types.int32;
  if (!isInteger || shape === undefined || shape.length > 1 || items === undefined) return undefined;
  // A list of numbers alone is a constant, of which rules know more.
  if (items.length > mostSizes || items.every((item) => typeof item === "number")) return undefined;
  const terms = items.map((item) => (item === undefined ? undefined : termsOf(item, dimensions)));
  const areKnown = terms.every((list) => list?.every(({ dims }) => dims.every((dim) => known.has(dim))));
  if (!areKnown) return undefined;
  const values = (terms as (readonly SizeTerm[])[]).map((list) => {
    const sum = list.map((term) => numberOf(term, builder)).reduce((a, b) => builder.emit("add", [a, b]));
    return shape.length === 0 ? sum : builder.emit("broadcast", [sum], { shape: [1] });
  });
  return joined(builder, values, 0);
}

/** The terms of an extent; undefined if it is not a polynomial in dimensions. */
function termsOf(extent: Extent, dimensions: Dimensions): readonly SizeTerm[] | undefined {
  if (typeof extent === "number") return Number.isSafeInteger(extent) ? [{ factor: extent, dims: [] }] : undefined;
  const isPlain = extent.terms.every(({ atoms }) => atoms.every(({ operation }) => operation === undefined));
  if (!isPlain) return undefined;
  return extent.terms.map(({ factor, atoms }) => {
    return { factor, dims: atoms.map((atom) => dimensions.dim(dimensions.extents.dimension(atom.key)) as string) };
  });
}

function numberOf({ factor, dims }: SizeTerm, builder: Builder): Value {
  if (dims.length === 0) return builder.constant("i32", factor);
  const size = builder.emit("cast", [builder.emit("size", [], { shape: [...dims] })], { to: "i32" });
  return factor === 1 ? size : builder.emit("mul", [size, builder.constant("i32", factor)]);
}
