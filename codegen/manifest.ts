/** What a runtime has to know to run a kernel. Plain JSON data. */

import type { Dim, ElementType } from "../src/ir/types.ts";
import type { Storage } from "./kernel/buffer.ts";
import type { Program } from "./kernel/statement.ts";
import type { SourceMap } from "./source-map.ts";

export type { Storage } from "./kernel/buffer.ts";

/** A compiled function: its WGSL, and what is needed to run it. */
export interface Kernel {
  readonly name: string;
  readonly wgsl: string;
  readonly manifest: Manifest;
  /** What the WGSL is printed from. */
  readonly program?: Program;
  /** Where its lines come from; with it, the runtime reports what a device refuses at its place in the program. */
  readonly sourceMap?: SourceMap;
}

/** How to bind and dispatch a kernel, and what it asks of a device. */
export interface Manifest {
  readonly version: 1;
  readonly entryPoint: string;
  readonly workgroupSize: readonly [number, number, number];
  /** Group 0: one per parameter, in order, one per `const` that is read, then one per result. Results are buffers of their own. */
  readonly bindings: readonly Binding[];
  /** The symbolic dimensions: the caller gives them, or they follow from the shapes of the inputs. */
  readonly dims: readonly ManifestDim[];
  /** One u32 field per dimension that is bound as a uniform. `size` is in bytes. */
  readonly uniforms?: { readonly binding: number; readonly fields: readonly string[]; readonly size: number };
  /** The dimensions that are pipeline constants, and the names of those constants in the WGSL. */
  readonly overrides: readonly { readonly dim: string; readonly constant: string }[];
  readonly dispatch: Dispatch;
  readonly requiredFeatures: readonly string[];
  readonly requiredLimits: Readonly<Record<string, number>>;
  /** Lanes that fold by subgroup operations: a device whose subgroups may be smaller computes wrong numbers. */
  readonly requiredSubgroupSize?: number;
  /** Name of the target profile it was compiled for. */
  readonly target: string;
  /** The kind of processor it was scheduled for; it runs on others too. */
  readonly kind: "cpu" | "gpu";
}

/** A symbolic dimension, and how the kernel is told its extent. */
export interface ManifestDim {
  readonly name: string;
  readonly binding: "override" | "uniform";
}

/**
 * The number of rows is the product of `rows`; the number of workgroups is ceil(rows / rowsPerWorkgroup), folded into
 * x and y with x <= 65535. No row, no workgroup.
 */
export interface Dispatch {
  readonly rows: readonly Dim[];
  /** Their product is the number of units in a row: what a lane handles at a time, an element or a vector of them. */
  readonly columns: readonly Dim[];
  readonly rowsPerWorkgroup: number;
  /** Starts one workgroup even when there is no row. */
  readonly atLeastOne?: boolean;
}

/**
 * A storage buffer of group 0: a parameter, a `const` or a result. Its elements lie in row-major order without gaps, from
 * the beginning of what is bound: there are no strides.
 */
export interface Binding {
  readonly binding: number;
  readonly name: string;
  readonly access: "read" | "read_write";
  readonly element: ElementType;
  readonly shape: readonly Dim[];
  readonly storage: Storage;
  /** It is a `const` of the module: its tensor is passed like a parameter's. */
  readonly constant?: true;
}
