/**
 * Kernels as ops of TensorFlow.js on its WebGPU backend; models whose LayerNormalizations are computed by kernels; and
 * optimizers whose steps are kernels.
 *
 * @module tirc/tfjs
 */

export type { TfjsWithGradients } from "./tfjs-gradient.ts";
export {
  applyFusedRmsNorm,
  type CallbackClass,
  type FusedLayer,
  type FusedModel,
  type FusedModelOptions,
  FusedRMSNorm,
} from "./tfjs-norms.ts";
export { prepare, type Tfjs, type TfjsKernel, type TfjsTensors } from "./tfjs-op.ts";
export {
  type FusedAdamOptions,
  type FusedAdamWOptions,
  type FusedMomentumOptions,
  type FusedOptimizer,
  fusedAdam,
  fusedAdamW,
  fusedMomentum,
  type TfjsWithOptimizers,
} from "./tfjs-optimizers.ts";
