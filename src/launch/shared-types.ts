/** The types that `tirc/launch` and `tirc/runtime` both export. */

export type { Bound, DispatchInto, Part } from "./bound.ts";
export type { BindPlanOptions, BoundPlan, BoundStep, EncodeSteps, PlanOptions } from "./bound-plan.ts";
export type { CallableKernel } from "./callable.ts";
export type { LaunchArray, LaunchElement } from "./compact.ts";
export type { LaunchOptions } from "./launch.ts";
export type {
  LaunchBuffer,
  LaunchExtent,
  LaunchOfKernel,
  LaunchOfOp,
  LaunchPlan,
  LaunchStep,
  LaunchView,
} from "./plan-manifest.ts";
export type {
  ConvCall,
  ExternCall,
  LinearCall,
  MatmulCall,
  ProductCall,
  Products,
  ProductTensor,
} from "./products.ts";
export type {
  Accepted,
  AfterTensors,
  AnyTypes,
  IntegerArray,
  LaunchKernel,
  LaunchOutputs,
  LaunchTensors,
  LaunchTypes,
  OnDevice,
} from "./types.ts";
