/**
 * The launcher alone, without the long diagnostics of `tirc/runtime`: what generated modules use.
 *
 * @module tirc/launch
 */

export type { Bound, Part } from "./bound.ts";
export { type CallableKernel, type GivenForm, kernel } from "./callable.ts";
export type {
  CompactBinding,
  CompactManifest,
  CompactScalar,
  CompactUniform,
  LaunchElement,
  Needs,
} from "./compact.ts";
export type { Overflow } from "./counts.ts";
export { explain } from "./explain.ts";
export type { LaunchOptions } from "./launch.ts";
export type { ErrorOf } from "./launcher.ts";
export { type CallablePlan, type PlanOptions, PreparedPlan, plan } from "./plan.ts";
export {
  type LaunchBuffer,
  type LaunchExtent,
  type LaunchOfKernel,
  type LaunchOfOp,
  type LaunchPlan,
  type LaunchStep,
  type LaunchView,
  planExtents,
} from "./plan-manifest.ts";
export { type LaunchHooks, Prepared, prepare } from "./prepared.ts";
export type { Explain, Fail, LaunchProblem } from "./problems.ts";
export type {
  ConvCall,
  ExternCall,
  LinearCall,
  MatmulCall,
  ProductCall,
  Products,
  ProductTensor,
} from "./products.ts";
export { type WriteScalar, writeScalar } from "./scalars.ts";
export type {
  AfterTensors,
  AnyTypes,
  Form,
  LaunchArray,
  LaunchKernel,
  LaunchOutputs,
  LaunchTensors,
  LaunchTypes,
  OnDevice,
} from "./types.ts";
