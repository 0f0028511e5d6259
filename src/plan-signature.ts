/** A plan seen from outside: what it takes and gives, as the manifest of one kernel says it. */

import { storageOf } from "../codegen/kernel/buffer.ts";
import type { Kernel } from "../codegen/manifest.ts";
import type { LaunchBinding, UniformField } from "./launch/manifest.ts";
import type { LaunchBuffer, LaunchPlan } from "./launch/plan-manifest.ts";

/** How a buffer of the plan is bound, had it a binding of its own. */
export function bindingOf({ name, result, kind, element, shape }: LaunchBuffer, binding: number): LaunchBinding {
  const isRead = kind === "input" || kind === "constant";
  return {
    ...{ binding, name: result ?? name, access: isRead ? "read" : "read_write", element, shape },
    ...{ storage: storageOf(element, false), variable: name, stride: 16 },
    ...(kind === "constant" && { constant: true }),
  };
}

/** It has no text: nothing but its arguments is read from it. */
export function signatureOf({ name, dims, buffers }: LaunchPlan): Kernel {
  const outside = buffers.filter(({ kind }) => kind !== "intermediate");
  const isScalar = ({ kind, shape }: LaunchBuffer) => kind !== "result" && shape.length === 0;
  const tensors = [
    ...outside.filter(({ kind }) => kind !== "result"),
    ...outside.filter(({ kind }) => kind === "result"),
  ];
  const fields = outside.filter(isScalar).map(({ name, element, kind }): UniformField => {
    return { kind: "scalar", name, element, ...(kind === "constant" && { constant: true }) };
  });
  const bindings = tensors.filter((buffer) => !isScalar(buffer)).map(bindingOf);
  return {
    name,
    wgsl: "",
    manifest: {
      ...{ version: 1, entryPoint: "main", workgroupSize: [1, 1, 1], bindings },
      dims: dims.map((dim) => ({ ...dim, binding: "uniform" })),
      uniforms: { binding: bindings.length, fields, size: 0 },
      ...{ overrides: [], dispatch: { rows: [], columns: [], rowsPerWorkgroup: 1 } },
      ...{ requiredFeatures: [], requiredLimits: {}, target: "", kind: "gpu" },
    },
  };
}
