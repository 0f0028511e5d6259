/** The memory of a plan for generated code in any language: strides, slots, arguments. */

import type { LaunchBuffer, LaunchOfKernel, LaunchPlan, LaunchView } from "../launch/plan-manifest.ts";
import type { Kernel } from "../target/manifest.ts";

/** The kernel of a launch. */
export const kernelOf = (kernels: readonly Kernel[], { launch }: LaunchOfKernel): Kernel =>
  kernels.find(({ name }) => name === launch) as Kernel;

/** The buffer of a view. */
export const viewed = ({ buffers }: LaunchPlan, { buffer }: LaunchView): LaunchBuffer =>
  buffers.find(({ name }) => name === buffer) as LaunchBuffer;

/** For each buffer, the size of the largest array element that a kernel uses, at least 4. */
export function stridesOf({ steps, buffers }: LaunchPlan, kernels: readonly Kernel[]): ReadonlyMap<string, number> {
  const strides = new Map(buffers.map(({ name }) => [name, 4]));
  for (const step of steps) {
    if (!("launch" in step)) continue;
    const { manifest } = kernelOf(kernels, step);
    for (const [i, { name, access, stride }] of manifest.bindings.entries()) {
      const buffer = (access === "read" ? step.reads : step.writes)[name] as string;
      const own = (manifest.variants ?? []).map((variant) => variant.strides[i] ?? 0);
      strides.set(buffer, Math.max(strides.get(buffer) as number, stride, ...own));
    }
  }
  return strides;
}

/** Intermediates by their slot. */
export function placesOf({ buffers }: LaunchPlan): readonly (readonly LaunchBuffer[])[] {
  const places: LaunchBuffer[][] = [];
  for (const buffer of buffers) {
    if (buffer.kind !== "intermediate") continue;
    const { slot = 0 } = buffer;
    places[slot] = [...(places[slot] ?? []), buffer];
  }
  return places;
}

/** The arguments of the caller: numbers, and buffers that are read or written. Results with another's value share its buffer. */
export function argumentsOf({ buffers }: LaunchPlan) {
  const outside = buffers.filter(({ kind, same }) => kind !== "intermediate" && same === undefined);
  const isScalar = ({ kind, shape }: LaunchBuffer) => kind !== "result" && shape.length === 0;
  return { scalars: outside.filter(isScalar), tensors: outside.filter((buffer) => !isScalar(buffer)) };
}

/** A note about a buffer for a comment, before its type: a clause and a comma, or empty. */
export function noteOn({ buffers }: LaunchPlan, { name, kind, result = name }: LaunchBuffer): string {
  const same = buffers.filter((buffer) => buffer.same === name).map((buffer) => `\`${buffer.result ?? buffer.name}\``);
  if (kind === "constant") return "the constant, ";
  if (kind !== "result") return "";
  return `the result${result === name ? "" : ` \`${result}\``}${same.length > 0 ? `, and ${same.join(", ")}` : ""}, `;
}
