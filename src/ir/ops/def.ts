/**
 * What a row of the op table says. Parsing, inference, verification, printing, interpretation, WGSL and the docs all
 * read these fields; nothing else in the compiler knows an op by its name except rewrites that are about that op.
 */

import type { Diagnostic, Span } from "../../diagnostics/diagnostic.ts";
import type { Expression } from "../../kernel/expression.ts";
import type { Reduction, ReductionResult } from "../../kernel/reduction.ts";
import type { Scalar, Type } from "../../kernel/types.ts";
import type { Value } from "../ir.ts";
import type { Tensor } from "../tensor.ts";
import { type Dim, type ElementType, elementTypes, type Shape } from "../types.ts";
import type { AttributeDefs, AttributesOf } from "./attributes.ts";
import type { Emitter } from "./emitter.ts";
import type { ElementwiseMeaning, LinearMeaning, Operands, ReductionMeaning } from "./meaning.ts";
import type { Numerics } from "./numerics.ts";
import type { PartialReduction } from "./parts.ts";
import type { Vjp } from "./vjp.ts";

/** An element type of arithmetic. */
export type NumberType = Exclude<ElementType, "bool">;

/** An operand of an op. */
export interface OperandDef {
  readonly name: string;
  readonly optional?: boolean;
  /** `bool` for a condition, `index` for i32 or u32; by default the element type that all operands of the op share. */
  readonly element?: "bool" | "index";
}

/** Algebraic properties that passes may rely on. */
export interface Facts {
  /** f(a, b) = f(b, a). */
  readonly commutative?: true;
  /** f(x, e) = x in real arithmetic, for this e on the right. */
  readonly rightIdentity?: number;
  /** f(f(x)) = f(x). */
  readonly idempotent?: true;
  /** f(f(x)) = x. */
  readonly involution?: true;
  /**
   * How a row mean of zero is propagated:
   * `sum`: it stays if every operand has it; `scale`: if one has it and the others are constant along the row;
   * `quotient`: if the first has it and the others are constant along the row;
   * `choice`: if the first is constant along the row and the others have it;
   * `sum of products`: if one of the first two and the third have it, and the other is constant along the row;
   * `result`: the result has it for any operand. For norms this holds for the row before gamma and beta.
   * For a reduction it refers to rows along axes that are not reduced.
   */
  readonly rowMeanZero?: "sum" | "scale" | "quotient" | "choice" | "sum of products" | "result";
  /** f(x + y) = f(x) + f(y), and f commutes with means over any axes. */
  readonly linear?: true;
  /** Discontinuous: the last bit of the first operand may decide between results that are far apart. */
  readonly jumps?: true;
  /** f(x + c, ...) = f(x, ...) for every c that is constant along the op's axes. */
  readonly ignoresShift?: true;
}

interface Common<A extends AttributeDefs = AttributeDefs> {
  /** What it computes, in one line for the reference. */
  readonly summary: string;
  readonly operands: readonly OperandDef[];
  readonly attributes: A;
  /** Element types of its operands (conditions aside). */
  readonly elements: readonly ElementType[];
  readonly facts: Facts;
}

/** The context of an op's kernel expression: the types in which it computes, and the attributes. */
export interface KernelContext<A extends AttributeDefs = AttributeDefs> {
  /** The element type that the operands are computed in (f16 is computed in f32). */
  readonly element: Scalar;
  readonly attributes: AttributesOf<A>;
  /** The type of a value of this element type, as wide as the expression. */
  type(element: ElementType): Type;
  /** A literal of the operands' type, as wide as the expression. */
  literal(value: number): Expression;
  /** The number of an operand, if it is a constant. */
  constant(operand: number): number | undefined;
}

/** The cost of an element: `low` is about that of an addition, `high` several times as much. */
export type Cost = "low" | "high";

/** An op that computes each element independently. */
export interface ElementwiseDef<A extends AttributeDefs = AttributeDefs> extends Common<A> {
  readonly kind: "elementwise";
  readonly cost: Cost;
  /** Whether it is undefined for some integers (x / 0), so that WGSL rejects it as a constant expression. */
  readonly isPartial?: true;
  readonly operands: readonly (OperandDef & { readonly element?: "bool" })[];
  /** The element type of the result: that of the operands, `bool`, or the attribute `to`. */
  readonly result: "same" | "bool" | "to";
  /** One element in float64. `element` is the operands' type; integer results are wrapped by the caller. */
  readonly scalar: (
    a: number,
    b: number,
    c: number,
    at: { readonly element: ElementType; readonly attributes: AttributesOf<A> },
  ) => number;
  /** The expression that a kernel computes. */
  readonly kernel: (args: Operands<Expression>, context: KernelContext<A>) => Expression;
  /** The error bounds of kernels, and their results for NaN, infinities and -0. */
  readonly numerics: Numerics;
  /** Its meaning over a field. */
  readonly exact: ElementwiseMeaning<A>;
  readonly vjp: Vjp;
}

/** An op that reduces its operand along axes. */
export interface ReductionDef<A extends AttributeDefs = AttributeDefs> extends Common<A> {
  readonly kind: "reduction";
  /** Numbers only, as lanes exchange no bools. */
  readonly elements: readonly NumberType[];
  /** The reduction that kernels compute, with each of the results. */
  readonly reduction: Reduction;
  /** How it follows from reductions of parts. Without it, only a monoid with itself as its result is split among kernels. */
  readonly parts?: PartialReduction;
  /** The results, in order. */
  readonly results: readonly ReductionResult[];
  /** The element type of the results, if it differs from the operand's. */
  readonly resultElement?: "i32";
  /** Reduces the elements of a row in float64, to one number per result. */
  readonly reduce: (row: Float64Array, attributes: AttributesOf<A>) => readonly number[];
  /** Its meaning over a field. */
  readonly exact: ReductionMeaning<A>;
  readonly vjp: Vjp;
}

/** A view of a norm's operand as rows x columns. */
export interface NormView {
  /** The shape of the view, with the same number of elements. */
  readonly view: Shape;
  /** The axes of the view that are columns, counted from the end. */
  readonly axes: readonly number[];
  /** The shape that gamma and beta must have. */
  readonly affine: Shape;
  /** The shape in which gamma and beta broadcast against the view. */
  readonly affineView: Shape;
}

/** An op over rows of its operand, with gamma and beta if it takes them. */
export interface NormDef<A extends AttributeDefs = AttributeDefs> extends Common<A> {
  readonly kind: "norm";
  /** The error if a tensor of this shape has no such rows. */
  readonly refuse?: (shape: Shape, attributes: AttributesOf<A>) => Refusal | undefined;
  /** The view of a tensor of this shape as rows and columns. */
  readonly view: (shape: Shape, attributes: AttributesOf<A>) => NormView;
  /** Normalizes a row in float64, before gamma and beta. */
  readonly normalize: (row: Float64Array, attributes: AttributesOf<A>) => Float64Array;
  /**
   * The same in primitive ops, over the columns `axes` of `x`, before gamma and beta. `eps` is missing where it is 0.
   * A norm that has one gives the same for s x and s^2 eps as for x and eps, for every s > 0.
   */
  readonly define: (emit: Emitter, x: Value, axes: readonly number[], eps: Value | undefined) => Value;
  readonly vjp: Vjp;
}

/** An op that only moves elements. */
export interface ShapeDef<A extends AttributeDefs = AttributeDefs> extends Common<A> {
  readonly kind: "shape";
  /** `regroup`: the same elements in the same order; `permute`: the axes of `perm`; `repeat`: broadcast to the shape. */
  readonly move: "regroup" | "permute" | "repeat";
  /** The shape of the result, or the reason why there is none. */
  readonly infer: (shape: Shape, attributes: AttributesOf<A>) => Shape | string;
  /** The elements in the row-major order of the result. */
  readonly evaluate: (x: Tensor, shape: readonly number[], attributes: AttributesOf<A>) => Float64Array;
  readonly vjp: Vjp;
}

/** A diagnostic that points at an operand, by its index, or at an attribute, by its name. */
export type Refusal = (at: (part: number | string) => Span) => Diagnostic;

/** The rows of a tensor: along axes, counted from the end, or blocks of `block` elements along a single axis. */
export interface Rows {
  readonly axes: readonly number[];
  readonly block?: number | undefined;
}

/** The condition that the mean of each such row of an operand is zero. */
export interface ZeroMean extends Rows {
  readonly operand: number;
}

/** Conditions on operands that together imply a mean of zero for the result. */
export interface ZeroMeanWay {
  readonly means: readonly ZeroMean[];
  /** Whether centering these operands is the same as centering the result. */
  readonly exact: boolean;
}

/**
 * A kernel that computes a single op, for plans without a library of products (codegen/product.ts): a matrix product, a
 * product with a transposed second operand, a convolution, and a sum of rows by their index.
 */
export type PlainKernel = "product" | "product by rows" | "convolution" | "rows by number";

/** How an op is computed that is not part of a loop nest over rows and columns. */
interface Outside {
  /** Why it is not: a clause. */
  readonly because: string;
  /** Its plain kernel, if it has one. */
  readonly plain?: PlainKernel;
}

/** A product, linear in each of the first two operands and in the third, which is added; or sums of elements. */
export interface LinearDef<A extends AttributeDefs = AttributeDefs> extends Common<A> {
  readonly kind: "linear";
  /** The shape of the result, or the error. */
  readonly infer: (shapes: readonly (Shape | undefined)[], attributes: AttributesOf<A>) => Shape | Refusal;
  /** Evaluates it in float64. @throws TircError at `span` if an operand has an invalid value. */
  readonly evaluate: (
    operands: readonly (Tensor | undefined)[],
    attributes: AttributesOf<A>,
    span: Span,
  ) => Float64Array;
  /** How it is evaluated over a field by `evaluate`. */
  readonly exact: LinearMeaning;
  /** The alternatives under which the mean of the result's rows is zero. */
  readonly zeroMean: (
    rows: Rows,
    shapes: readonly (Shape | undefined)[],
    attributes: AttributesOf<A>,
  ) => readonly ZeroMeanWay[];
  /** Extents whose product is the number of terms in an element of the result, from the shapes of the operands. */
  readonly terms: (shapes: readonly Shape[]) => Shape;
  /** Extents of the operands on which attributes depend; none by default. */
  readonly fixesExtents?: (shapes: readonly Shape[]) => Shape;
  /**
   * Missing for a scan, which kernels accumulate along the attribute `axis`, from the end if `reverse` is set, and without the
   * element itself if `exclusive` is.
   */
  readonly outside?: Outside;
  readonly vjp: Vjp;
}

/** A segment along an axis, and its source: element i is element `start + step * i` of an operand. */
export interface Segment {
  readonly extent: Dim;
  /** The index of the operand; without one, the elements are the map's `fill`. */
  readonly operand?: number;
  /** `last` is the last element of the operand. */
  readonly start?: number | "last";
  readonly step?: number;
}

/**
 * The source of an element of a result. All axes but one are those of the operands.
 * - segments: along the attribute `axis`, one segment after the other.
 * - lookup: an operand's element whose position along one axis another operand gives. `axes` has for each axis of the operand
 *   the axis of the result, and `undefined` for the looked-up one; `indexAxes` the same for the operand with the positions.
 * - position: the element is its own position along the attribute `axis`, or its row-major index over all axes.
 * - count: the only element is the number of elements of the attribute `shape`.
 */
export type IndexMap =
  | { readonly kind: "segments"; readonly segments: readonly Segment[]; readonly fill?: number }
  | {
      readonly kind: "lookup";
      readonly operand: number;
      readonly index: number;
      readonly axes: readonly (number | undefined)[];
      readonly indexAxes: readonly number[];
    }
  | { readonly kind: "position"; readonly isLinear?: true }
  | { readonly kind: "count" };

/** An op that moves elements by an index map. */
export interface IndexDef<A extends AttributeDefs = AttributeDefs> extends Common<A> {
  readonly kind: "index";
  /** The shape of the result, or the error. */
  readonly infer: LinearDef<A>["infer"];
  /** Evaluates it in float64, in the result's shape. @throws TircError at `span` if an operand has an invalid value. */
  readonly evaluate: (
    operands: readonly (Tensor | undefined)[],
    attributes: AttributesOf<A>,
    at: { readonly span: Span; readonly shape: readonly number[] },
  ) => Float64Array;
  /** The source of an element of the result. */
  readonly map: (shapes: readonly (Shape | undefined)[], attributes: AttributesOf<A>) => IndexMap;
  /** Whether attributes depend on the extent of the axis. */
  readonly fixesExtent?: true;
  /** The alternatives under which the mean of the result's rows is zero. */
  readonly zeroMean: LinearDef<A>["zeroMean"];
  readonly vjp: Vjp;
}

/** An unknown op of another program: it takes any operands, and its results are declared. */
export interface ExternDef extends Common {
  readonly kind: "extern";
  readonly outside: Outside;
  readonly vjp: Vjp;
}

/** An op that the parser expands into other ops. The result has the shape and element type of its first operand. */
export interface CompositeDef<A extends AttributeDefs = AttributeDefs> extends Common<A> {
  readonly kind: "composite";
  /** The error for operands of these shapes or for the attributes, if there is one. */
  readonly refuse: (shapes: readonly (Shape | undefined)[], attributes: AttributesOf<A>) => Refusal | undefined;
  /** Builds the ops. The value returned is the result. */
  readonly define: (emit: Emitter, operands: readonly (Value | undefined)[], attributes: AttributesOf<A>) => Value;
  readonly vjp: Vjp;
}

/** A literal, or a constant of the module. */
export interface ConstantDef extends Common {
  readonly kind: "constant" | "global";
  readonly vjp: Vjp;
}

/** A row of the op table. */
export type OpDef =
  | ElementwiseDef
  | ReductionDef
  | NormDef
  | ShapeDef
  | IndexDef
  | LinearDef
  | CompositeDef
  | ExternDef
  | ConstantDef;

/** Whether an extent is negative. */
export const hasNegative = (shape: Shape): boolean => shape.some((dim) => typeof dim === "number" && dim < 0);

export const floats: readonly NumberType[] = ["f32", "f16", "bf16"];
export const numbers: readonly NumberType[] = [...floats, "i32", "u32"];
export const signed: readonly ElementType[] = [...floats, "i32"];
export const anyElement = elementTypes;
