/**
 * The launcher of generated modules, without the detailed diagnostics of `tirc/runtime`.
 *
 * @module tirc/launch
 */

export { type GivenForm, kernel } from "./callable.ts";
export { type CallablePlan, plan } from "./callable-plan.ts";
export type {
  CompactBinding,
  CompactManifest,
  CompactScalar,
  CompactUniform,
  CompactVariant,
  Needs,
} from "./compact.ts";
export { type Constants, type ConstantsOf, constantsOf } from "./constants.ts";
export type { Overflow } from "./counts.ts";
export { type EntryFor, entryFor } from "./entries.ts";
export { explain } from "./explain.ts";
export { integersOf } from "./integers.ts";
export type { ErrorOf } from "./launcher.ts";
export { PreparedPlan } from "./plan.ts";
export { planExtents } from "./plan-manifest.ts";
export { type LaunchHooks, Prepared, prepare } from "./prepared.ts";
export type { Explain, Fail, LaunchProblem } from "./problems.ts";
export { type WriteScalar, writeScalar } from "./scalars.ts";
export type * from "./shared-types.ts";
export type { Form, ReadBy, Wgsl } from "./types.ts";
