/** A single call of a kernel, which caches its objects on the device for the next. */

import { type Call, type DispatchInto, encodePass } from "./bound.ts";
import { keep, type Launcher } from "./launcher.ts";
import { bufferOf, checkMembers, copyDestination, copySource, uniform } from "./tensors.ts";
import type { LaunchOutputs, LaunchTensors, LaunchTypes } from "./types.ts";

/** Options of a single call. */
export interface LaunchOptions<T extends LaunchTypes> {
  /** Records into this encoder, which the caller submits. Without one, the kernel is submitted at once. */
  readonly encoder?: GPUCommandEncoder | undefined;
  /** The memory that results are written to. */
  readonly outputs?: LaunchOutputs<T["outputs"]> | undefined;
}

/** Launches a kernel once, for `Prepared.launch` and callable kernels. */
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
  encodePass(launcher.fail, into, dispatchOf(launcher, call, !encoder), about);
  if (!encoder) {
    launcher.device.queue.submit([into.finish()]);
    // Destroys copies of arrays, but not results, which belong to the caller.
    for (const buffer of made) if (!(buffer.usage & copySource)) buffer.destroy();
  }
  return Object.fromEntries(call.results.map(([name, { buffer }]) => [name, buffer]));
}

/**
 * The commands of a call.
 * @param isAlone whether it is submitted once, at once, without another call of this kernel in the encoder.
 */
export function dispatchOf(
  { device, lasting, pipelineOf }: Launcher,
  { words, choice, dispatch }: Call,
  isAlone: boolean,
): DispatchInto {
  let uniforms: GPUBufferBinding | undefined;
  if (words.byteLength) {
    // Calls that are submitted at once share a buffer, as a queue works in order. A buffer of a call that is submitted later is
    // never overwritten. The least recently used buffers are left to the garbage collector.
    const key = isAlone ? "" : String(new Uint32Array(words));
    const buffer = lasting.get(key) ?? bufferOf(device, "uniforms", words.byteLength, uniform | copyDestination);
    device.queue.writeBuffer(keep(lasting, key, buffer, 64), 0, words);
    uniforms = { buffer };
  }
  return dispatch(pipelineOf(...choice)[0] as GPUComputePipeline, uniforms);
}
