/** What a runtime has to know to run a kernel. Plain JSON data. */

import type { Dim, ElementType } from "../ir/types.ts";
import type { LaunchBinding, LaunchDispatch, LaunchManifest, LaunchVariant } from "../launch/manifest.ts";
import type { SourceMap } from "./source-map.ts";

export type { Storage } from "../kernel/buffer.ts";

/** A compiled function: its WGSL, and what is needed to run it. */
export interface Kernel {
  readonly name: string;
  readonly wgsl: string;
  readonly manifest: Manifest;
  /** Where its lines come from; with it, the runtime reports what a device refuses at its place in the program. */
  readonly sourceMap?: SourceMap;
}

/** How to bind and dispatch a kernel, and what it asks of a device. */
export interface Manifest extends LaunchManifest {
  readonly version: 1;
  readonly workgroupSize: readonly [number, number, number];
  readonly variants?: readonly Variant[];
  /**
   * Group 0: one per parameter, in order, one per `const` that is read, then one per result. Scalars have none: they are
   * in `uniforms`.
   */
  readonly bindings: readonly Binding[];
  /** The symbolic dimensions: the caller gives them, or they follow from the shapes of the inputs. */
  readonly dims: readonly ManifestDim[];
  /** Name of the target profile it was compiled for. */
  readonly target: string;
  readonly kind: "cpu" | "gpu";
}

/** A faster entry point for some extents. */
export interface Variant extends LaunchVariant {
  readonly workgroupSize: readonly [number, number, number];
}

/** A symbolic dimension, and how the kernel is told its extent. */
export interface ManifestDim {
  readonly name: string;
  readonly binding: "override" | "uniform";
}

/** How many workgroups a kernel starts. */
export type Dispatch = LaunchDispatch;

/** A storage buffer of group 0: a parameter, a `const` or a result. */
export type Binding = LaunchBinding;

/** What the caller passes by name: a tensor, or a number where it has no dimension. */
export interface Parameter {
  readonly name: string;
  readonly element: ElementType;
  readonly shape: readonly Dim[];
  /** It is a `const` of the module. */
  readonly constant?: true;
}

/** What a kernel reads: tensors, then scalars. */
export function parametersOf({ bindings, uniforms }: LaunchManifest): Parameter[] {
  const scalars = (uniforms?.fields ?? []).filter(({ kind }) => kind === "scalar");
  return [
    ...bindings.filter(({ access }) => access === "read"),
    ...scalars.map(({ kind: _, ...scalar }) => ({ ...scalar, shape: [] })),
  ];
}
