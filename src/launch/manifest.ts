/** What a launcher has to know of a kernel, in full. Plain JSON data; compact.ts has what it reads of it. */

import type { LaunchElement } from "./compact.ts";

/** A storage buffer of group 0. Its elements lie in row-major order without gaps. */
export interface LaunchBinding {
  readonly binding: number;
  readonly name: string;
  readonly access: "read" | "read_write";
  readonly element: LaunchElement;
  readonly shape: readonly (number | string)[];
  /** How an element lies in it: `f16x2` and `bf16x2` pack two elements in a u32, `i8x4` and `u8x4` four, the first in its lowest bits; a bool is a u32. */
  readonly storage: "f32" | "f16" | "i32" | "u32" | "f16x2" | "bf16x2" | "i8x4" | "u8x4";
  /** The variable of the WGSL. */
  readonly variable: string;
  /** Bytes of what the variable is an array of: an element, a vector of them, or a word of two halves. Bound is at least one. */
  readonly stride: number;
  /** Of a result: inputs that may be the same memory. Each element of them is read before the result's is written there. */
  readonly mayAlias?: readonly string[];
  /**
   * Of an input: where the WGSL names the variable to read it, as offsets in UTF-16 units. For a result that is written over
   * the input the result's variable stands there instead, and the input is not bound. What is nowhere read is not bound either.
   */
  readonly reads?: readonly number[];
  /** It is a `const` of the module: its tensor is passed like a parameter's. */
  readonly constant?: true;
}

/** The uniform buffer. */
export interface LaunchUniforms {
  readonly binding: number;
  readonly fields: readonly UniformField[];
  readonly size: number;
  /** The kernel reads nothing of it: it is not bound. */
  readonly unread?: true;
}

/** Four bytes of the uniform buffer, one after the other: the extent of a dimension, or a scalar (f16 as an f32, bool as a u32). */
export interface UniformField {
  readonly kind: "dim" | "scalar";
  readonly name: string;
  readonly element: LaunchElement;
  /** It is a `const` of the module. */
  readonly constant?: true;
}

/** How many workgroups start: ceil(product of `rows` / `rowsPerWorkgroup`), in x and y. No row, no workgroup. */
export interface LaunchDispatch {
  readonly rows: readonly (number | string)[];
  /** Their product is the number of units in a row: what a lane handles at a time, an element or a vector of them. */
  readonly columns: readonly (number | string)[];
  readonly rowsPerWorkgroup: number;
  /** Starts one workgroup even when there is no row. */
  readonly atLeastOne?: boolean;
}

/**
 * An entry point of the same text that is faster where a dimension is a multiple of the width of its vectors. It takes the
 * same buffers, and gives results of its own last digits.
 */
export interface LaunchVariant {
  readonly entryPoint: string;
  /** A dimension that is a multiple of so much, and at least so large; and there must be rows. */
  readonly dim: string;
  readonly multipleOf: number;
  readonly atLeast: number;
  /** In place of the one in `dispatch`. */
  readonly rowsPerWorkgroup: number;
  /** In place of those of the bindings, in their order. */
  readonly strides: readonly number[];
}

/** How to bind and dispatch a kernel, and what it asks of a device. */
export interface LaunchManifest {
  /** It is for all extents. */
  readonly entryPoint: string;
  /** Of those that take the extents, the first is for them. */
  readonly variants?: readonly LaunchVariant[];
  readonly bindings: readonly LaunchBinding[];
  readonly dims: readonly { readonly name: string }[];
  readonly uniforms?: LaunchUniforms;
  readonly overrides: readonly { readonly dim: string; readonly constant: string }[];
  readonly dispatch: LaunchDispatch;
  readonly requiredFeatures: readonly string[];
  readonly requiredLimits: Readonly<Record<string, number>>;
  /** Lanes that fold by subgroup operations: a device whose subgroups may be smaller computes wrong numbers. */
  readonly requiredSubgroupSize?: number;
  /** The kind of processor it was scheduled for; it runs on others too. */
  readonly kind?: "cpu" | "gpu";
}
