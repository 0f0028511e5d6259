/** The signature of a plan, in the form of a single kernel's manifest. */

import { storageOf } from "../kernel/buffer.ts";
import type { LaunchBinding, UniformField } from "../launch/manifest.ts";
import type { LaunchBuffer, LaunchPlan } from "../launch/plan-manifest.ts";
import type { LaunchKernel } from "../launch/types.ts";
import { type Kernel, parametersOf } from "../target/manifest.ts";

/** A function that consists of several kernels. */
export interface CompiledPlan {
  readonly plan: LaunchPlan;
  /** The kernels that the plan launches by name. */
  readonly kernels: readonly (Kernel | LaunchKernel)[];
}

/** The same with kernels that are compiled for one target each. */
export interface CompiledKernels extends CompiledPlan {
  readonly kernels: readonly Kernel[];
}

/** The plans among compiled functions, and all kernels, including those of plans. */
export function partsOf(functions: readonly (Kernel | CompiledKernels)[]) {
  const plans = functions.filter((one) => "plan" in one);
  return { plans, kernels: functions.flatMap((one) => ("plan" in one ? one.kernels : [one])) };
}

/** A binding for a buffer of the plan. */
function bindingOf({ name, result, kind, element, shape }: LaunchBuffer, binding: number): LaunchBinding {
  const isRead = kind === "input" || kind === "constant";
  return {
    ...{ binding, name: result ?? name, access: isRead ? "read" : "read_write", element, shape },
    ...{ storage: storageOf(element, false), variable: name, stride: 16 },
    ...(kind === "constant" && { constant: true }),
  };
}

/** A kernel without text, which describes the arguments of a plan. */
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

/** A kernel as a plan of one launch. */
export function planOfKernel(kernel: Kernel): LaunchPlan {
  const { name, manifest } = kernel;
  const parameters = parametersOf(manifest);
  const taken = new Set(parameters.map((one) => one.name));
  const unused = (name: string): string => (taken.has(name) ? unused(`${name}_out`) : name);
  const inputs = parameters.map(({ name, element, shape, constant }): LaunchBuffer => {
    return { name, kind: constant ? "constant" : "input", element, shape };
  });
  const results = manifest.bindings.filter(({ access }) => access === "read_write");
  const written = results.map(({ name, element, shape }): LaunchBuffer => {
    const own = unused(name);
    return { name: own, kind: "result", element, shape, ...(own !== name && { result: name }) };
  });
  const reads = Object.fromEntries(inputs.map(({ name }) => [name, name]));
  const writes = Object.fromEntries(results.map(({ name }, i) => [name, (written[i] as LaunchBuffer).name]));
  return {
    ...{ version: 2, name, extents: [], dims: manifest.dims.map(({ name }) => ({ name })) },
    ...{ buffers: [...inputs, ...written], steps: [{ launch: name, reads, writes }] },
  };
}
