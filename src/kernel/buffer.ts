/** The buffers of a kernel: how elements are stored, and how lanes access them. */

import type { Span } from "../diagnostics/diagnostic.ts";
import type { WgslFunction } from "../ir/ops/wgsl-parts.ts";
import { type ElementType, elementInfo, isFloat8, isNarrow, type Shape } from "../ir/types.ts";
import type { LaunchBinding } from "../launch/manifest.ts";
import type { Type } from "./types.ts";

/** How elements are stored in a buffer. */
export type Storage = LaunchBinding["storage"];

/** How elements of a type are stored. @param hasHalves whether the device supports f16. */
export function storageOf(element: ElementType, hasHalves: boolean): Storage {
  if (element === "f16" && hasHalves) return "f16";
  const perWord = 4 / elementInfo[element].bytes;
  if (perWord > 1) return `${element}x${perWord}` as Packed;
  return element === "bool" ? "u32" : (element as "f32" | "i32" | "u32");
}

type Packed = Extract<Storage, `${string}x${2 | 4}`>;

/** The library function that returns the bits of a narrow float, in the lowest bits of a word. */
export const bitsOf = (element: ElementType): WgslFunction | undefined =>
  isNarrow(element) ? `${element}_bits` : undefined;

/** The library function that returns the number of these bits, where no expression does. */
export const numberOf = (element: ElementType): WgslFunction | undefined =>
  isFloat8(element) ? `${element}_value` : undefined;

/** The number of elements in a word. */
export const elementsInWord = (storage: Storage | "uniform"): 1 | 2 | 4 =>
  storage.endsWith("x2") ? 2 : storage.endsWith("x4") ? 4 : 1;

/** Whether elements are packed into words of type u32. */
export const isPacked = (storage: Storage | "uniform"): storage is Packed => elementsInWord(storage) > 1;

/** Whether an element is a part of a word that several lanes may store into, which they do atomically. */
export const isPartOfWord = ({ storage, type, access }: Buffer): boolean =>
  type.width < elementsInWord(storage) && access === "read_write";

/** Whether `width` elements can be loaded at a time: one, a vector of the buffer, or all of a word. */
export const isLoadable = (width: number, { storage, type }: Buffer): boolean =>
  width === 1 || width === type.width || (type.width < width && width === elementsInWord(storage));

/** Whether values of a type are whole words of a buffer whose elements are parts of words. */
export const isWordOf = (buffer: Buffer, { scalar, width }: Type): boolean =>
  scalar === buffer.type.scalar && isPartOfWord(buffer) && width === elementsInWord(buffer.storage);

/** A buffer of a kernel. */
export interface Buffer {
  /** Its name in the kernel. */
  readonly wgsl: string;
  /** The type of an element, scalar or vector, in a lane. */
  readonly type: Type;
  /** The shape of its tensor. */
  readonly shape: Shape;
  readonly element: ElementType;
  /** A scalar is a field of the uniform buffer. */
  readonly storage: Storage | "uniform";
  readonly access: "read" | "read_write";
  /** Where the program declares an input, or computes a result. */
  readonly span?: Span;
}
