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
import type { Vjp } from "./vjp.ts";

/** An element type that is computed with. */
export type NumberType = Exclude<ElementType, "bool">;

/** An operand of an op. */
export interface OperandDef {
  readonly name: string;
  readonly optional?: boolean;
  /** `bool` for a condition, `index` for i32 or u32; otherwise the op's one element type, the same for all its operands. */
  readonly element?: "bool" | "index";
}

/** Algebra that passes may rely on. */
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
   * How a row mean of zero goes through:
   * `sum`: it stays if every operand has it; `scale`: if one has it and the others are constant along the row;
   * `quotient`: if the first has it and the others are constant along the row;
   * `choice`: if the first is constant along the row and the others have it;
   * `sum of products`: if one of the first two and the third have it, and the other is constant along the row;
   * `result`: the result has it whatever the operand is. For norms this is said of the row before gamma and beta.
   * Of a reduction it is said of the rows that it does not fold.
   */
  readonly rowMeanZero?: "sum" | "scale" | "quotient" | "choice" | "sum of products" | "result";
  /** f(x + y) = f(x) + f(y), and f commutes with means over any axes. */
  readonly linear?: true;
  /** Jumps: the last bit of the first operand may decide between results that are far apart. */
  readonly jumps?: true;
  /** f(x + c, ...) = f(x, ...) for every c that is constant along the op's axes. */
  readonly ignoresShift?: true;
}

interface Common<A extends AttributeDefs = AttributeDefs> {
  /** One line for the reference: what it computes. */
  readonly summary: string;
  readonly operands: readonly OperandDef[];
  readonly attributes: A;
  /** Element types of its operands (conditions aside). */
  readonly elements: readonly ElementType[];
  readonly facts: Facts;
}

/** Where a kernel's expression of an op stands: what it may use, and in which type it computes. */
export interface KernelContext<A extends AttributeDefs = AttributeDefs> {
  /** The element type that the operands are computed in (f16 is computed in f32). */
  readonly element: Scalar;
  readonly attributes: AttributesOf<A>;
  /** The type of a value of this element type, as wide as the expression. */
  type(element: ElementType): Type;
  /** A literal of the operands' type, as wide as the expression. */
  literal(value: number): Expression;
  /** The number of an operand that is a constant. */
  constant(operand: number): number | undefined;
}

/** Of an element: `low` about that of an addition, `high` several times as much. */
export type Cost = "low" | "high";

/** An op that computes each element by itself. */
export interface ElementwiseDef<A extends AttributeDefs = AttributeDefs> extends Common<A> {
  readonly kind: "elementwise";
  readonly cost: Cost;
  /** Whether it is undefined for some integers (x / 0), so that WGSL refuses a constant expression of them. */
  readonly isPartial?: true;
  readonly operands: readonly (OperandDef & { readonly element?: "bool" })[];
  /** The result's element type: that of the operands, `bool`, or the attribute `to`. */
  readonly result: "same" | "bool" | "to";
  /** One element in float64. `element` is the operands' type; integer results are wrapped by the caller. */
  readonly scalar: (
    a: number,
    b: number,
    c: number,
    at: { readonly element: ElementType; readonly attributes: AttributesOf<A> },
  ) => number;
  /** What a kernel computes, given the operands. */
  readonly kernel: (args: Operands<Expression>, context: KernelContext<A>) => Expression;
  /** How far kernels may be off, and what becomes of NaN, infinities and -0. */
  readonly numerics: Numerics;
  /** What it means over a field. */
  readonly exact: ElementwiseMeaning<A>;
  readonly vjp: Vjp;
}

/** An op that reduces axes. */
export interface ReductionDef<A extends AttributeDefs = AttributeDefs> extends Common<A> {
  readonly kind: "reduction";
  /** Lanes exchange numbers only. */
  readonly elements: readonly NumberType[];
  /** What kernels accumulate and merge; it has each of the results. */
  readonly reduction: Reduction;
  /** One for each result. */
  readonly results: readonly ReductionResult[];
  /** The element type of the results, where it is not that of the operand. */
  readonly resultElement?: "i32";
  /** The reduced elements in float64 to one number a result. */
  readonly reduce: (row: Float64Array, attributes: AttributesOf<A>) => readonly number[];
  /** What it means over a field. */
  readonly exact: ReductionMeaning<A>;
  readonly vjp: Vjp;
}

/** A norm's operand seen as rows x columns. */
export interface NormView {
  /** The shape it is seen in, with as many elements as its own. */
  readonly view: Shape;
  /** The axes of the view that are columns, counted from the end. */
  readonly axes: readonly number[];
  /** The shape that gamma and beta are declared with. */
  readonly affine: Shape;
  /** The shape in which gamma and beta broadcast against the view. */
  readonly affineView: Shape;
}

/** An op over rows of its operand, with gamma and beta where it takes them. */
export interface NormDef<A extends AttributeDefs = AttributeDefs> extends Common<A> {
  readonly kind: "norm";
  /** Why a tensor of this shape has no such rows; its place is operand 0. */
  readonly refuse?: (shape: Shape, attributes: AttributesOf<A>) => Refusal | undefined;
  /** How a tensor of this shape is rows and columns. */
  readonly view: (shape: Shape, attributes: AttributesOf<A>) => NormView;
  /** One row in float64, before gamma and beta. */
  readonly normalize: (row: Float64Array, attributes: AttributesOf<A>) => Float64Array;
  /**
   * The same in primitive ops, over the columns `axes` of `x`, before gamma and beta. `eps` is missing where it is 0.
   * A norm that has one gives the same for s x and s^2 eps as for x and eps, for every s > 0.
   */
  readonly define: (emit: Emitter, x: Value, axes: readonly number[], eps: Value | undefined) => Value;
  readonly vjp: Vjp;
}

/** An op that moves elements and computes nothing. */
export interface ShapeDef<A extends AttributeDefs = AttributeDefs> extends Common<A> {
  readonly kind: "shape";
  /** `regroup`: the same elements in the same order; `permute`: the axes of `perm`; `repeat`: broadcast to the shape. */
  readonly move: "regroup" | "permute" | "repeat";
  /** The result's shape, or words that say why there is none. */
  readonly infer: (shape: Shape, attributes: AttributesOf<A>) => Shape | string;
  /** The elements where the result has them, in row-major order. */
  readonly evaluate: (x: Tensor, shape: readonly number[], attributes: AttributesOf<A>) => Float64Array;
  readonly vjp: Vjp;
}

/** What is wrong, once the place of an operand (by its number) or of an attribute (by its name) is known. */
export type Refusal = (at: (part: number | string) => Span) => Diagnostic;

/** What is one row of a tensor: all along the axes, counted from the end; or `block` elements in turn along the only one. */
export interface Rows {
  readonly axes: readonly number[];
  readonly block?: number | undefined;
}

/** That the mean of each such row of an operand is zero. */
export interface ZeroMean extends Rows {
  readonly operand: number;
}

/** Means of operands that suffice together for the result to have mean zero. */
export interface ZeroMeanWay {
  readonly means: readonly ZeroMean[];
  /** Whether centering these operands is the same as centering the result. */
  readonly exact: boolean;
}

/**
 * A kernel that computes one op and nothing else, for plans that have no library of them (codegen/product.ts): a product of matrices, the
 * same by rows of the second one, a convolution, a sum of rows by their numbers.
 */
export type PlainKernel = "product" | "product by rows" | "convolution" | "rows by number";

/** What computes an op that is not part of a loop nest over rows and columns. */
interface Outside {
  /** Why it is part of none: a clause. */
  readonly because: string;
  /** A kernel of its own, if there is one. */
  readonly plain?: PlainKernel;
}

/** A product, linear in each of the first two operands and in the third, which is added; or sums of elements. */
export interface LinearDef<A extends AttributeDefs = AttributeDefs> extends Common<A> {
  readonly kind: "linear";
  /** The result's shape, or what is wrong. */
  readonly infer: (shapes: readonly (Shape | undefined)[], attributes: AttributesOf<A>) => Shape | Refusal;
  /** In float64. @throws TircError, with `span` as the place, where the numbers themselves are wrong. */
  readonly evaluate: (
    operands: readonly (Tensor | undefined)[],
    attributes: AttributesOf<A>,
    span: Span,
  ) => Float64Array;
  /** How `evaluate` serves over a field. */
  readonly exact: LinearMeaning;
  /** The ways in which the mean of the result's rows is zero. */
  readonly zeroMean: (
    rows: Rows,
    shapes: readonly (Shape | undefined)[],
    attributes: AttributesOf<A>,
  ) => readonly ZeroMeanWay[];
  /** Extents whose product is how many terms an element of the result is the sum of, from the shapes of the operands. */
  readonly terms: (shapes: readonly Shape[]) => Shape;
  /** Extents of the operands that attributes say something about; none if it is left out. */
  readonly fixesExtents?: (shapes: readonly Shape[]) => Shape;
  /**
   * Missing for a scan: kernels accumulate it along the attribute `axis`, from the end where `reverse` is set, and without the
   * element itself where `exclusive` is.
   */
  readonly outside?: Outside;
  readonly vjp: Vjp;
}

/** Elements that lie together along an axis, and from where they are taken: element i is element `start + step * i` of an operand. */
export interface Segment {
  readonly extent: Dim;
  /** By its number; where there is none, the elements are the map's `fill`. */
  readonly operand?: number;
  /** `last` is the last element of the operand. */
  readonly start?: number | "last";
  readonly step?: number;
}

/**
 * From where an element of a result comes; all but one axis are those of the operands.
 * - segments: along the attribute `axis`, one segment after the other.
 * - lookup: an operand's element whose place along one axis another operand says. `axes` names for each axis of the operand
 *   the one of the result that it is, and `undefined` for that one; `indexAxes` for each axis of the operand that says it.
 * - position: the element is its own place along the attribute `axis`, or its number in row-major order of all axes.
 * - count: the only element is how many the attribute `shape` has.
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

/** An op that moves elements: which one a result's is follows from its index. */
export interface IndexDef<A extends AttributeDefs = AttributeDefs> extends Common<A> {
  readonly kind: "index";
  /** The result's shape, or what is wrong. */
  readonly infer: LinearDef<A>["infer"];
  /** In float64, to the result's shape. @throws TircError, with `span` as the place, where the numbers themselves are wrong. */
  readonly evaluate: (
    operands: readonly (Tensor | undefined)[],
    attributes: AttributesOf<A>,
    at: { readonly span: Span; readonly shape: readonly number[] },
  ) => Float64Array;
  /** Which element of its operands an element of the result is. */
  readonly map: (shapes: readonly (Shape | undefined)[], attributes: AttributesOf<A>) => IndexMap;
  /** Whether attributes say something about the extent of the axis. */
  readonly fixesExtent?: true;
  /** The ways in which the mean of the result's rows is zero. */
  readonly zeroMean: LinearDef<A>["zeroMean"];
  readonly vjp: Vjp;
}

/** An op of another program, of which nothing is known: it takes any operands, and its results are declared. */
export interface ExternDef extends Common {
  readonly kind: "extern";
  readonly outside: Outside;
  readonly vjp: Vjp;
}

/** What is written out in other ops where a program is read; of the shape and the element type of its first operand. */
export interface CompositeDef<A extends AttributeDefs = AttributeDefs> extends Common<A> {
  readonly kind: "composite";
  /** What is wrong with operands of these shapes, or with the attributes. */
  readonly refuse: (shapes: readonly (Shape | undefined)[], attributes: AttributesOf<A>) => Refusal | undefined;
  /** The ops, of which the last one made is the result. */
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

/** Whether a number among the extents is below 0. */
export const hasNegative = (shape: Shape): boolean => shape.some((dim) => typeof dim === "number" && dim < 0);

export const floats: readonly NumberType[] = ["f32", "f16", "bf16"];
export const numbers: readonly NumberType[] = [...floats, "i32", "u32"];
export const signed: readonly ElementType[] = [...floats, "i32"];
export const anyElement = elementTypes;
