/** `tirc/runtime`: runs compiled kernels on any GPUDevice. */

export type { Binding, Dispatch, Kernel, Manifest } from "../../codegen/manifest.ts";
export type { TargetLimits, TargetProfile } from "../../codegen/target.ts";
export { type Diagnostic, TircError } from "../diagnostics/diagnostic.ts";
export { fromFloat16Bits, roundToFloat16, toFloat16Bits } from "../ir/float16.ts";
export type { Dims, Inputs } from "./bind-inputs.ts";
export { targetFromAdapter, targetFromDevice, usefulFeatures } from "./device-target.ts";
export { type PreparedKernel, prepareKernel, type RunResult, runKernel } from "./execute.ts";
export { fromNumbers, type HostData, type HostInput, type HostTensor, toNumbers } from "./host-tensor.ts";
