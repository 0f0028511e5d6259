/**
 * Runs compiled kernels on any GPUDevice, in browsers and in Node.
 *
 * @module tirc/runtime
 */

export { type Diagnostic, TircError } from "../diagnostics/diagnostic.ts";
export type { CompiledPlan } from "../emit/plan-signature.ts";
export { fromFloat16Bits, roundToFloat16, toFloat16Bits } from "../ir/float16.ts";
export type {
  LaunchBinding,
  LaunchDispatch,
  LaunchManifest,
  LaunchUniforms,
  LaunchVariant,
  UniformField,
} from "../launch/manifest.ts";
export type * from "../launch/shared-types.ts";
export type { Binding, Dispatch, Kernel, Manifest } from "../target/manifest.ts";
export type { TargetLimits, TargetProfile } from "../target/target.ts";
export type { Dims, Inputs } from "./bind-inputs.ts";
export { kernel } from "./callable.ts";
export { type AdapterDescription, targetFromAdapter, targetFromDevice, usefulFeatures } from "./device-target.ts";
export {
  fromNumbers,
  type HostArrays,
  type HostData,
  type HostInput,
  type HostTensor,
  type NumberTensor,
  toNumbers,
} from "./host-tensor.ts";
export { type PreparedKernel, prepare, runKernel } from "./prepare.ts";
export { preparePlan, type RunnablePlan, runPlan } from "./prepare-plan.ts";
export type { RunResult, Tensors } from "./runner.ts";
