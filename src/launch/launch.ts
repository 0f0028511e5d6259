/** One call of a kernel, with what it needs of the device kept for the next. */

import { type Call, type DispatchInto, encodePass } from "./bound.ts";
import { keep, type Launcher } from "./launcher.ts";
import { bufferOf, checkMembers, copyDestination, copySource, uniform } from "./tensors.ts";
import type { LaunchOutputs, LaunchTensors, LaunchTypes } from "./types.ts";

/** How a kernel is launched once. */
export interface LaunchOptions<T extends LaunchTypes> {
  /** Record into this encoder; submitting it is the caller's. Without one, the kernel is submitted at once. */
  readonly encoder?: GPUCommandEncoder | undefined;
  /** Where results are to be written. */
  readonly outputs?: LaunchOutputs<T["outputs"]> | undefined;
}

/** What `Prepared.launch` and a kernel as a function do. */
export function launch<T extends LaunchTypes>(
  launcher: Launcher,
  tensors: LaunchTensors<T>,
  dims: T["dims"] | undefined,
  options: LaunchOptions<T> = {},
): Record<string, GPUBuffer> {
  checkMembers(launcher.fail, "options", options);
  const { encoder, outputs } = options;
  const about = { label: launcher.label };
  const made: GPUBuffer[] = [];
  const call = launcher.place(tensors, made, dims, outputs);
  const into = encoder ?? launcher.device.createCommandEncoder(about);
  encodePass(into, dispatchOf(launcher, call, !encoder), about);
  if (!encoder) {
    launcher.device.queue.submit([into.finish()]);
    // Copies of arrays; results are the caller's.
    for (const buffer of made) if (!(buffer.usage & copySource)) buffer.destroy();
  }
  return Object.fromEntries(call.results.map(([name, { buffer }]) => [name, buffer]));
}

/**
 * What records a call that is placed.
 * @param isAlone it is submitted once, at once, and nothing else in the encoder is of this kernel.
 */
export function dispatchOf(
  { device, lasting, pipelineOf }: Launcher,
  { words, choice, dispatch }: Call,
  isAlone: boolean,
): DispatchInto {
  let uniforms: GPUBufferBinding | undefined;
  if (words.byteLength) {
    // What is submitted at once shares a buffer, for a queue works in order. What is submitted later is never written with
    // something else. Those that were used longest ago are let go, for the garbage collector.
    const key = isAlone ? "" : String(new Uint32Array(words));
    const buffer = lasting.get(key) ?? bufferOf(device, "uniforms", words.byteLength, uniform | copyDestination);
    device.queue.writeBuffer(keep(lasting, key, buffer, 64), 0, words);
    uniforms = { buffer };
  }
  return dispatch(pipelineOf(...choice)[0] as GPUComputePipeline, uniforms);
}
