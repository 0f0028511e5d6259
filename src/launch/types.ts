/** What a launcher is given, as types. */

import type { CompactManifest, LaunchArray } from "./compact.ts";
import type { ConstantsOf } from "./constants.ts";
import type { EntryFor } from "./entries.ts";
import type { integersOf } from "./integers.ts";
import type { Explain } from "./problems.ts";
import type { WriteScalar } from "./scalars.ts";

/** What a kernel takes and gives, as types: host arrays and numbers by name, and extents. */
export interface LaunchTypes {
  readonly inputs: object;
  readonly outputs: object;
  readonly dims: object;
}

/** What stands for an array of integers, of any width: each of them must be one of the element type. */
export type IntegerArray =
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** What is taken for an array. */
export type Accepted<A> = A extends Int8Array | Uint8Array | Int32Array | Uint32Array ? IntegerArray : A;

/** Of a kernel whose types are not known. */
export interface AnyTypes {
  readonly inputs: Readonly<Record<string, LaunchArray | number | boolean>>;
  readonly outputs: Readonly<Record<string, LaunchArray>>;
  readonly dims: Readonly<Record<string, number>>;
}

/** The variables that inputs are read by, where they are not their own: those of results that are written over them. */
export type ReadBy = Readonly<Record<string, string>>;

/** The text of a kernel; of one that may write results over inputs, for the variables that these are read by. */
export type Wgsl = string | ((readBy: ReadBy) => string);

/** A function compiled for one target: its WGSL, and how it is bound and dispatched. */
export type Form = readonly [wgsl: Wgsl, manifest: CompactManifest];

export const textOf = (wgsl: Wgsl, readBy: ReadBy = {}): string => (typeof wgsl === "string" ? wgsl : wgsl(readBy));

/** A compiled function, as modules have it. */
export interface LaunchKernel<T extends LaunchTypes = AnyTypes> {
  readonly name: string;
  /** Compiled for one target or several, the least demanding last: a device takes one of these. */
  readonly forms: readonly Form[];
  /** Says what is wrong with a call, to `tirc/launch`; in short unless it is given. */
  readonly explain?: Explain | undefined;
  /** Writes scalars, where the kernel has any. */
  readonly writeScalar?: WriteScalar | undefined;
  /** Takes integers of any width, where the kernel has parameters of integers. */
  readonly integersOf?: typeof integersOf | undefined;
  /** Chooses an entry point, where the kernel has several; without it they are not taken, and `main` is for all extents. */
  readonly entryFor?: EntryFor | undefined;
  /** Computes pipeline constants, where the kernel has any. */
  readonly constantsOf?: ConstantsOf | undefined;
  /** No value has it: it carries the types. */
  readonly types?: T | undefined;
}

/** Memory of the device: a buffer with the usage STORAGE, or a part of one. */
export type OnDevice = GPUBuffer | GPUBufferBinding;

/** What is bound: an input is on the device or on the host, a scalar is a number, a result is on the device or made. */
export type LaunchTensors<T extends LaunchTypes> = {
  readonly [N in keyof T["inputs"]]: T["inputs"][N] extends number | boolean
    ? T["inputs"][N]
    : Accepted<T["inputs"][N]> | OnDevice;
} & LaunchOutputs<Omit<T["outputs"], keyof T["inputs"] | keyof typeof Object.prototype>>;

/** Where results are to be written; those that are left out are made. */
export type LaunchOutputs<O> = { readonly [N in keyof O]?: OnDevice | undefined };

/** What follows the tensors: may be left out where there is no dimension with a name. */
export type AfterTensors<T extends LaunchTypes> =
  Record<never, never> extends T["dims"]
    ? [dims?: T["dims"], outputs?: LaunchOutputs<T["outputs"]>]
    : [dims: T["dims"], outputs?: LaunchOutputs<T["outputs"]>];
