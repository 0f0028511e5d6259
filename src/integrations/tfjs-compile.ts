/** Compiles functions to ops of TensorFlow.js, for the device of its WebGPU backend. */

import { compile } from "../driver/compile.ts";
import { type Fn, makeModule } from "../ir/ir.ts";
import { planManifest } from "../plan/manifest.ts";
import { targetFromDevice } from "../runtime/device-target.ts";
import { deviceOf, prepare, type Tfjs, type TfjsKernel } from "./tfjs-op.ts";

/**
 * Compiles a function to one or more kernels, and prepares it as an op.
 * Throws TircError: E0625 if the backend is not `webgpu`, and what `compile` and `prepare` throw.
 */
export function compileOp(tf: Tfjs, fn: Fn): Promise<TfjsKernel> {
  const { plans, kernels } = compile(makeModule([fn]), { target: targetFromDevice(deviceOf(tf)) });
  return prepare(tf, { plan: planManifest(plans[0] as (typeof plans)[0]), kernels });
}
