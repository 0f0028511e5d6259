/**
 * Runs compiled kernels on any GPUDevice, in a page as in Node.
 *
 * @module tirc/runtime
 */

export type { Binding, Dispatch, Kernel, Manifest } from "../../codegen/manifest.ts";
export type { TargetLimits, TargetProfile } from "../../codegen/target.ts";
export { type Diagnostic, TircError } from "../diagnostics/diagnostic.ts";
export { fromFloat16Bits, roundToFloat16, toFloat16Bits } from "../ir/float16.ts";
export type { Bound, Part } from "../launch/bound.ts";
export { type CallableKernel, kernel } from "../launch/callable.ts";
export type { LaunchOptions } from "../launch/launch.ts";
export type { LaunchBinding, LaunchDispatch, LaunchElement, LaunchManifest, UniformField } from "../launch/manifest.ts";
export { PreparedPlan } from "../launch/plan.ts";
export type {
  LaunchBuffer,
  LaunchExtent,
  LaunchOfKernel,
  LaunchOfOp,
  LaunchPlan,
  LaunchStep,
  LaunchView,
} from "../launch/plan-manifest.ts";
export type {
  ConvCall,
  ExternCall,
  LinearCall,
  MatmulCall,
  ProductCall,
  Products,
  ProductTensor,
} from "../launch/products.ts";
export type {
  AfterTensors,
  AnyTypes,
  LaunchArray,
  LaunchKernel,
  LaunchOutputs,
  LaunchTensors,
  LaunchTypes,
  OnDevice,
} from "../launch/types.ts";
export type { Dims, Inputs } from "./bind-inputs.ts";
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
export { type PreparedKernel, prepare, type RunResult, runKernel, type Tensors } from "./prepare.ts";
export { preparePlan } from "./prepare-plan.ts";
export { type CompiledPlan, type RunPlanOptions, runPlan } from "./run-plan.ts";
