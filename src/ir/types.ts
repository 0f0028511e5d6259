/**
 * Types of values.
 *
 * - element type: the type of one element of a tensor.
 * - dimension: an integer, or a name that stands for the same extent in the whole function.
 * - shape: a list of dimensions; empty for a scalar.
 */

/** The properties of an element type. */
interface ElementInfo {
  readonly kind: "float" | "integer" | "truth";
  /** The size of an element in a buffer. Elements of less than 4 bytes share a word. */
  readonly bytes: 1 | 2 | 4;
  /** The type in which kernels compute with it. */
  readonly computed: "f32" | "i32" | "u32" | "bool";
  /** The smallest and the largest number; for floats the smallest above 0, and the largest finite one. */
  readonly range: readonly [number, number];
  /** Values of the type are moved, converted and stored, but not computed with. */
  readonly isStorage?: true;
  /** A float without infinities. */
  readonly noInfinity?: true;
}

/** The largest finite f32: (2 - 2^-23) * 2^127. */
const maxF32 = (2 - 2 ** -23) * 2 ** 127;

/** All element types. */
export const elementTypes = ["f32", "f16", "bf16", "f8e4m3", "f8e5m2", "i32", "u32", "i8", "u8", "bool"] as const;
/** The type of one element of a tensor. */
export type ElementType = (typeof elementTypes)[number];

/** Narrow types are for storage only: they are loaded into f32, i32 or u32, and rounded or truncated when they are stored. */
export const elementInfo: Readonly<Record<ElementType, ElementInfo>> = {
  f32: { kind: "float", bytes: 4, computed: "f32", range: [2 ** -149, maxF32] },
  f16: { kind: "float", bytes: 2, computed: "f32", range: [2 ** -24, 65504] },
  bf16: { kind: "float", bytes: 2, computed: "f32", range: [2 ** -133, (2 - 2 ** -7) * 2 ** 127] },
  f8e4m3: { kind: "float", bytes: 1, computed: "f32", range: [2 ** -9, 448], isStorage: true, noInfinity: true },
  f8e5m2: { kind: "float", bytes: 1, computed: "f32", range: [2 ** -16, 57344], isStorage: true },
  i32: { kind: "integer", bytes: 4, computed: "i32", range: [-(2 ** 31), 2 ** 31 - 1] },
  u32: { kind: "integer", bytes: 4, computed: "u32", range: [0, 2 ** 32 - 1] },
  i8: { kind: "integer", bytes: 1, computed: "i32", range: [-128, 127], isStorage: true },
  u8: { kind: "integer", bytes: 1, computed: "u32", range: [0, 255], isStorage: true },
  bool: { kind: "truth", bytes: 4, computed: "bool", range: [0, 1] },
};

/** Integers of one byte. */
export type ByteType = "i8" | "u8";
/** Floats of one byte. */
export type Float8 = "f8e4m3" | "f8e5m2";
/** Floats of one or two bytes: they are computed in f32, and rounded when they are stored. */
export type NarrowFloat = "f16" | "bf16" | Float8;

export const isByte = (element: ElementType): element is ByteType =>
  isInteger(element) && elementInfo[element].bytes === 1;
export const isNarrow = (element: ElementType): element is NarrowFloat =>
  isFloat(element) && elementInfo[element].bytes < 4;
export const isFloat8 = (element: ElementType): element is Float8 =>
  isNarrow(element) && elementInfo[element].bytes === 1;
/** Whether ops compute with values of this type, so that they have a gradient. */
export const isComputedFloat = (element: ElementType): boolean => isFloat(element) && !elementInfo[element].isStorage;

/** An extent, or the name of one. */
export type Dim = number | string;
/** The extents of a tensor, the outermost first; none for a scalar. */
export type Shape = readonly Dim[];

/** Element type and shape of a value. */
export interface TensorType {
  readonly element: ElementType;
  readonly shape: Shape;
  /** The type is unknown, or not one of the language: `element` and `shape` are meaningless. */
  readonly opaque?: true;
}

/** The type of a result of an `extern` op without a declared type. Only `extern` ops accept such a value. */
export const opaqueType: TensorType = Object.freeze({ element: "i32", shape: [], opaque: true });

export function isElementType(text: string): text is ElementType {
  return Object.hasOwn(elementInfo, text);
}

export function isFloat(element: ElementType): boolean {
  return elementInfo[element].kind === "float";
}

export function isInteger(element: ElementType): boolean {
  return elementInfo[element].kind === "integer";
}

export function tensorType(element: ElementType, shape: Shape): TensorType {
  return { element, shape };
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i]);
}

export function sameType(a: TensorType, b: TensorType): boolean {
  return a.element === b.element && sameShape(a.shape, b.shape) && a.opaque === b.opaque;
}

/** A shape as in messages: `[rows, 768]`. */
export function printShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** A type as in the language: `f32[rows, 768]`, or `f32` for a scalar. */
export function printType(type: TensorType): string {
  if (type.opaque) return "opaque";
  return type.shape.length === 0 ? type.element : type.element + printShape(type.shape);
}

/** NumPy's rule for a pair of dimensions; `undefined` if they do not broadcast. */
function broadcastDim(a: Dim, b: Dim): Dim | undefined {
  if (a === b || b === 1) return a;
  return a === 1 ? b : undefined;
}

/**
 * The shape that all of `shapes` broadcast to by NumPy's rules (aligned at the last dimension), or `undefined`.
 * A symbolic dimension broadcasts with itself and with 1.
 */
export function broadcastShapes(...shapes: Shape[]): Shape | undefined {
  const rank = Math.max(0, ...shapes.map((s) => s.length));
  const result: Dim[] = new Array<Dim>(rank).fill(1);
  for (const shape of shapes) {
    const offset = rank - shape.length;
    for (const [i, dim] of shape.entries()) {
      const merged = broadcastDim(result[offset + i] as Dim, dim);
      if (merged === undefined) return undefined;
      result[offset + i] = merged;
    }
  }
  return result;
}

/** Axes counted from the end (-1 is the last) and sorted, which is their canonical form in the IR. */
export function normalizeAxes(axes: readonly number[], rank: number): number[] {
  return axes.map((axis) => (axis < 0 ? axis : axis - rank)).sort((a, b) => a - b);
}

/** The shape after a reduction of `axes` (of any sign). */
export function reducedShape(shape: Shape, axes: readonly number[], keepdims: boolean): Shape {
  const reduced = new Set(axes.map((axis) => (axis < 0 ? axis + shape.length : axis)));
  if (keepdims) return shape.map((dim, i) => (reduced.has(i) ? 1 : dim));
  return shape.filter((_, i) => !reduced.has(i));
}

/** Whether a number is in the range of an element type, for literals and casts; for integers, also whether it is whole. */
export function holds(element: ElementType, value: number): boolean {
  const { range, noInfinity = false } = elementInfo[element];
  const [least, most] = range;
  if (!isFloat(element)) return Number.isInteger(value) && value >= least && value <= most;
  const size = Math.abs(value);
  if (Number.isNaN(value) || value === 0) return true;
  return size === Infinity ? !noInfinity : size >= least && size <= most;
}
