/** Type inference for matrix products and attention. */

import { types } from "../data-types.ts";
import { add, type Extent, multiply } from "../extent.ts";
import { broadcast } from "./shapes.ts";
import { decline, shaped, type Typed, type TypeRule, type TypeView } from "./view.ts";

type Open = Extent | undefined;

/** `[..., m, k]` by `[..., k, n]`; a vector is a row on the left and a column on the right, without that axis in the result. */
function product(at: TypeView, a: readonly Open[], b: readonly Open[]): Open[] {
  if (a.length === 0 || b.length === 0) decline("one of its operands is a scalar");
  const batch = broadcast(at, [a.slice(0, -2), b.slice(0, -2)]);
  return [...batch, ...(a.length === 1 ? [] : [a.at(-2)]), ...(b.length === 1 ? [] : [b.at(-1)])];
}

/** The product of inputs `left` and `right`. */
const productOf =
  (left: number, right: number, element?: number): TypeRule =>
  (at) => [{ element: element ?? at.element(left), shape: product(at, at.shape(left), at.shape(right)) }];

const swapped = (shape: readonly Extent[], isSwapped: boolean): Open[] =>
  isSwapped && shape.length > 1 ? [...shape.slice(0, -2), shape.at(-1), shape.at(-2)] : [...shape];

const gemm = shaped((at) => {
  const [a, b] = [swapped(at.shape(0), at.int("transA", 0) === 1), swapped(at.shape(1), at.int("transB", 0) === 1)];
  return [a[0], b[1]];
});

const fusedMatMul = shaped((at) => {
  if (at.int("transBatchA", 0) === 1 || at.int("transBatchB", 0) === 1) decline("it transposes its batch axis");
  const [a, b] = [swapped(at.shape(0), at.int("transA", 0) === 1), swapped(at.shape(1), at.int("transB", 0) === 1)];
  return product(at, a, b);
});

/** A product by a block-quantized weight with N rows. */
const byBlocks = shaped((at) => [...at.shape(0).slice(0, -1), at.int("N", 0)]);

/** A letter stands for an axis, an ellipsis for all axes without a letter. */
const einsum = shaped((at) => {
  const text = at.text("equation", "").replaceAll(" ", "");
  const [left, right] = text.split("->") as [string, string?];
  const terms = left.split(",");
  if (terms.length !== at.inputCount) decline(`its equation has ${terms.length} terms for ${at.inputCount} operands`);
  const extents = new Map<string, Open>();
  const rests: (readonly Extent[])[] = [];
  const counts = new Map<string, number>();
  for (const [i, term] of terms.entries()) {
    const shape = at.shape(i);
    const [before, after] = term.split("...") as [string, string?];
    const letters = before + (after ?? "");
    if (letters.length > shape.length) decline("its equation does not match the ranks of its operands");
    if (after !== undefined) rests.push(shape.slice(before.length, shape.length - after.length));
    for (const [j, letter] of [...letters].entries()) {
      const extent = shape[j < before.length ? j : j - letters.length + shape.length];
      const known = extents.get(letter);
      extents.set(letter, known === undefined ? extent : at.extents.broadcast([known, extent as Extent]));
      counts.set(letter, (counts.get(letter) ?? 0) + 1);
    }
  }
  const once = [...counts].filter(([, count]) => count === 1).map(([letter]) => letter);
  const result = right ?? `${rests.length > 0 ? "..." : ""}${once.sort().join("")}`;
  const [before, after] = result.split("...") as [string, string?];
  const dims = (letters: string) => [...letters].map((letter) => extents.get(letter));
  const rest = after === undefined ? [] : broadcast(at, rests);
  return [...dims(before), ...rest, ...dims(after ?? "")];
});

const det = shaped((at) => at.shape(0).slice(0, -2));

/** Attention of opset 23: heads are an axis of their own, or part of the last one. */
const attention: TypeRule = (at) => {
  const [q, k, v] = [at.shape(0), at.shape(1), at.shape(2)];
  const past = (index: number) => (at.has(index) ? at.shape(index) : undefined);
  const total = (shape: readonly Extent[], earlier: readonly Extent[] | undefined): Open => {
    const own = shape.at(-2) as Extent;
    const before = earlier?.at(-2);
    return earlier === undefined ? own : before === undefined ? undefined : add(before, own);
  };
  const [pastKey, pastValue] = [past(4), past(5)];
  const heads = at.int("kv_num_heads", 0);
  const size = (shape: readonly Extent[]): Open =>
    shape.length === 4 ? shape[3] : at.extents.floorDivide(shape[2] as Extent, heads);
  const queries = q.length === 4 ? q[1] : at.int("q_num_heads", 0);
  const keys = (shape: readonly Extent[]): Open => (shape.length === 4 ? shape[1] : heads);
  const valueSize = size(v);
  const width = valueSize === undefined ? undefined : multiply(at.int("q_num_heads", 0), valueSize);
  const result = q.length === 4 ? [q[0], q[1], q[2], valueSize] : [q[0], q[1], width];
  const scores: Typed = at.like(0, { shape: [q[0], queries, q.at(-2), total(k, pastKey)] });
  return [
    at.like(0, { shape: result }),
    at.like(1, { shape: [k[0], keys(k), total(k, pastKey), size(k)] }),
    at.like(2, { shape: [v[0], keys(v), total(v, pastValue), valueSize] }),
    scores,
  ];
};

/** Attention of com.microsoft: one weight for query, key and value. */
const packedAttention = shaped((at) => {
  const [b, s] = at.shape(0);
  const sizes = at.ints("qkv_hidden_sizes");
  const weight = at.info(1).shape;
  const width = sizes?.[2] ?? (weight?.[1] === undefined ? undefined : at.extents.floorDivide(weight[1], 3));
  return [b, s, width];
});

/** MultiHeadAttention of com.microsoft: the result is as wide as the values, which come in three layouts. */
const multiHead = shaped((at) => {
  const q = at.shape(0);
  const heads = at.int("num_heads", 1);
  const v = at.has(2) ? at.shape(2) : undefined;
  const last = v?.at(-1);
  // [b, s, heads, 3, size] packed, [b, heads, s, size] of another attention, or [b, s, width].
  if (q.length === 5) return [q[0], q[1], multiply(heads, q[4] as Extent)];
  const width = v?.length === 4 && last !== undefined ? multiply(heads, last) : (last ?? q[2]);
  return [q[0], q[1], width];
});

/** Keys and values have fewer heads than queries; all three may be packed in the first input. */
const groupQuery: TypeRule = (at) => {
  const q = at.shape(0);
  const [heads, groups] = [at.int("num_heads", 1), at.int("kv_num_heads", 1)];
  const last = q[2];
  const size = last === undefined ? undefined : at.extents.floorDivide(last, heads + 2 * groups);
  const packed = size === undefined ? undefined : multiply(size, heads);
  const width = at.has(1) ? last : packed;
  const present = (index: number): Typed | undefined =>
    at.has(index) ? at.like(index, { shape: at.shape(index).map((one, i) => (i === 2 ? undefined : one)) }) : undefined;
  return [at.like(0, { shape: [q[0], q[1], width] }), present(3), present(4)];
};

export const productTypes: Readonly<Record<string, TypeRule>> = {
  MatMul: productOf(0, 1),
  MatMulInteger: productOf(0, 1, types.int32),
  QLinearMatMul: (at) => [{ element: at.element(7), shape: product(at, at.shape(0), at.shape(3)) }],
  Gemm: gemm,
  Einsum: einsum,
  Det: det,
  Attention: attention,
};

export const productTypesOfMicrosoft: Readonly<Record<string, TypeRule>> = {
  FusedMatMul: fusedMatMul,
  FusedMatMulActivation: fusedMatMul,
  TransposeMatMul: fusedMatMul,
  FusedGemm: gemm,
  GemmFloat8: gemm,
  GemmFastGelu: productOf(0, 1),
  QGemm: (at) => {
    const [a, b] = [swapped(at.shape(0), at.int("transA", 0) === 1), swapped(at.shape(3), at.int("transB", 0) === 1)];
    const element = at.has(8) ? at.element(8) : types.float;
    return [{ element, shape: [a[0], b[1]] }];
  },
  MatMulNBits: byBlocks,
  MatMulBnb4: byBlocks,
  MatMulFpQ4: shaped((at) => [...at.shape(0).slice(0, -1), at.itemsIfKnown(2)?.[1]]),
  MatMulIntegerToFloat: (at) => [{ element: at.element(2), shape: product(at, at.shape(0), at.shape(1)) }],
  MatMulInteger16: productOf(0, 1, types.int32),
  DynamicQuantizeMatMul: productOf(0, 1),
  Attention: packedAttention,
  QAttention: (at) => [{ ...(packedAttention(at)[0] as Typed), element: at.element(3) }],
  DecoderMaskedSelfAttention: packedAttention,
  PackedAttention: shaped((at) => [at.shape(0)[0], at.extents.floorDivide(at.shape(1)[1] as Extent, 3)]),
  MultiHeadAttention: multiHead,
  DecoderMaskedMultiHeadAttention: multiHead,
  GroupQueryAttention: groupQuery,
  SparseAttention: groupQuery,
};
