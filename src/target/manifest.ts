/** What a runtime needs to know to run a kernel, as plain JSON data. */

import type { Dim, ElementType } from "../ir/types.ts";
import type { LaunchBinding, LaunchDispatch, LaunchManifest, LaunchVariant } from "../launch/manifest.ts";
import type { SourceMap } from "./source-map.ts";

export type { Storage } from "../kernel/buffer.ts";

/** A compiled function: its WGSL, and what is needed to run it. */
export interface Kernel {
  readonly name: string;
  readonly wgsl: string;
  readonly manifest: Manifest;
  /** Maps lines of the WGSL to the program, so that the runtime can locate errors of the device in it. */
  readonly sourceMap?: SourceMap;
}

/** How to bind and dispatch a kernel, and what it requires of a device. */
export interface Manifest extends LaunchManifest {
  readonly version: 1;
  readonly workgroupSize: readonly [number, number, number];
  readonly variants?: readonly Variant[];
  /**
   * The bindings of group 0: one per parameter, in order, one per `const` that is read, then one per result. Scalars
   * are in `uniforms` instead.
   */
  readonly bindings: readonly Binding[];
  /** The symbolic dimensions. Their extents are passed by the caller, or inferred from the shapes of the inputs. */
  readonly dims: readonly ManifestDim[];
  /** The name of the target profile that the kernel was compiled for. */
  readonly target: string;
  readonly kind: "cpu" | "gpu";
}

/** A faster entry point that is valid for some extents. */
export interface Variant extends LaunchVariant {
  readonly workgroupSize: readonly [number, number, number];
}

/** A symbolic dimension, and how its extent is passed to the kernel. */
export interface ManifestDim {
  readonly name: string;
  readonly binding: "override" | "uniform";
}

/** How the number of workgroups is computed. */
export type Dispatch = LaunchDispatch;

/** A storage buffer of group 0: a parameter, a `const` or a result. */
export type Binding = LaunchBinding;

/** An argument that the caller passes by name: a tensor, or a number for a scalar. */
export interface Parameter {
  readonly name: string;
  readonly element: ElementType;
  readonly shape: readonly Dim[];
  /** Set for a `const` of the module. */
  readonly constant?: true;
}

/** The arguments that a kernel reads: tensors, then scalars. */
export function parametersOf({ bindings, uniforms }: LaunchManifest): Parameter[] {
  const scalars = (uniforms?.fields ?? []).filter(({ kind }) => kind === "scalar");
  return [
    ...bindings.filter(({ access }) => access === "read"),
    ...scalars.map(({ kind: _, ...scalar }) => ({ ...scalar, shape: [] })),
  ];
}
