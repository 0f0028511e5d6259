/** The types of a launcher's arguments. */

import type { CompactManifest, LaunchArray } from "./compact.ts";
import type { ConstantsOf } from "./constants.ts";
import type { EntryFor } from "./entries.ts";
import type { integersOf } from "./integers.ts";
import type { Explain } from "./problems.ts";
import type { WriteScalar } from "./scalars.ts";

/** The types of a kernel's inputs and outputs, as host arrays and numbers by name, and of its extents. */
export interface LaunchTypes {
  readonly inputs: object;
  readonly outputs: object;
  readonly dims: object;
}

/** An array of integers of any width, each of which must be in the range of the element type. */
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

/** The types that are accepted for an array. */
export type Accepted<A> = A extends Int8Array | Uint8Array | Int32Array | Uint32Array ? IntegerArray : A;

/** The types of a kernel that is not known. */
export interface AnyTypes {
  readonly inputs: Readonly<Record<string, LaunchArray | number | boolean>>;
  readonly outputs: Readonly<Record<string, LaunchArray>>;
  readonly dims: Readonly<Record<string, number>>;
}

/** The variables of results that overwrite inputs, which are read instead of the inputs' own variables. */
export type ReadBy = Readonly<Record<string, string>>;

/** The text of a kernel. If results may overwrite inputs, it depends on the variables by which these are read. */
export type Wgsl = string | ((readBy: ReadBy) => string);

/** A function compiled for one target: its WGSL, and its manifest. */
export type Form = readonly [wgsl: Wgsl, manifest: CompactManifest];

export const textOf = (wgsl: Wgsl, readBy: ReadBy = {}): string => (typeof wgsl === "string" ? wgsl : wgsl(readBy));

/** A compiled function in a generated module. */
export interface LaunchKernel<T extends LaunchTypes = AnyTypes> {
  readonly name: string;
  /** The forms for one target or several, the least demanding last. A device uses one of them. */
  readonly forms: readonly Form[];
  /** Describes problems with a call for `tirc/launch`. By default, descriptions are terse. */
  readonly explain?: Explain | undefined;
  /** Writes scalars, if the kernel has any. */
  readonly writeScalar?: WriteScalar | undefined;
  /** Converts integers of any width, if the kernel has integer parameters. */
  readonly integersOf?: typeof integersOf | undefined;
  /** Chooses an entry point, if the kernel has several. Without it, `main` is used for all extents. */
  readonly entryFor?: EntryFor | undefined;
  /** Computes pipeline constants, if the kernel has any. */
  readonly constantsOf?: ConstantsOf | undefined;
  /** Never present: it carries the types. */
  readonly types?: T | undefined;
}

/** Memory of the device: a buffer with the usage STORAGE, or a part of one. */
export type OnDevice = GPUBuffer | GPUBufferBinding;

/**
 * The tensors of a call: inputs on the device or on the host, scalars as numbers, and results on the device, unless they are
 * created.
 */
export type LaunchTensors<T extends LaunchTypes> = {
  readonly [N in keyof T["inputs"]]: T["inputs"][N] extends number | boolean
    ? T["inputs"][N]
    : Accepted<T["inputs"][N]> | OnDevice;
} & LaunchOutputs<Omit<T["outputs"], keyof T["inputs"] | keyof typeof Object.prototype>>;

/** The memory that results are written to. Results that are left out are created. */
export type LaunchOutputs<O> = { readonly [N in keyof O]?: OnDevice | undefined };

/** The arguments after the tensors, which may be omitted if there is no symbolic dimension. */
export type AfterTensors<T extends LaunchTypes> =
  Record<never, never> extends T["dims"]
    ? [dims?: T["dims"], outputs?: LaunchOutputs<T["outputs"]>]
    : [dims: T["dims"], outputs?: LaunchOutputs<T["outputs"]>];
