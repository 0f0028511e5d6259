/** The buffers of a kernel: what lies in them, and what lanes see of them. */

import type { Span } from "../diagnostics/diagnostic.ts";
import { type ElementType, isByte, type Shape } from "../ir/types.ts";
import type { LaunchBinding } from "../launch/manifest.ts";
import type { Type } from "./types.ts";

/** How elements lie in a buffer. */
export type Storage = LaunchBinding["storage"];

/** How elements of a type lie, where the device has halves of its own or not. */
export function storageOf(element: ElementType, hasHalves: boolean): Storage {
  if (element === "f16") return hasHalves ? "f16" : "f16x2";
  if (element === "bf16") return "bf16x2";
  if (isByte(element)) return `${element}x4`;
  return element === "bool" ? "u32" : element;
}

/** The function of the library that gives the bits of a float of two bytes, in the lower half of a word. */
export const bitsOf = (element: ElementType): "half_bits" | "bfloat_bits" | undefined =>
  element === "f16" ? "half_bits" : element === "bf16" ? "bfloat_bits" : undefined;

type Packed = "f16x2" | "bf16x2" | "i8x4" | "u8x4";

/** How many elements share a word. */
export const elementsInWord = (storage: Storage | "uniform"): 1 | 2 | 4 =>
  storage.endsWith("x2") ? 2 : storage.endsWith("x4") ? 4 : 1;

/** Whether elements share words of type u32. */
export const isPacked = (storage: Storage | "uniform"): storage is Packed => elementsInWord(storage) > 1;

/** Whether an element is a part of a word into which several lanes may write: they do it atomically. */
export const isPartOfWord = ({ storage, type, access }: Buffer): boolean =>
  type.width < elementsInWord(storage) && access === "read_write";

/** Whether so many elements can be loaded at a time: as many as the buffer has, one of them, or those of a word that has several. */
export const isLoadable = (width: number, { storage, type }: Buffer): boolean =>
  width === 1 || width === type.width || (type.width < width && width === elementsInWord(storage));

/** Whether values of a type are words of the buffer, whose elements are parts of words. */
export const isWordOf = (buffer: Buffer, { scalar, width }: Type): boolean =>
  scalar === buffer.type.scalar && isPartOfWord(buffer) && width === elementsInWord(buffer.storage);

/** A buffer of a kernel. */
export interface Buffer {
  /** Its name in the kernel. */
  readonly wgsl: string;
  /** Its elements as lanes compute with them: single ones, or vectors. */
  readonly type: Type;
  /** Of the tensor that lies in it. */
  readonly shape: Shape;
  readonly element: ElementType;
  /** A scalar is a field of the uniform buffer. */
  readonly storage: Storage | "uniform";
  readonly access: "read" | "read_write";
  /** Where the program declares what is read, or computes what is written. */
  readonly span?: Span;
}
