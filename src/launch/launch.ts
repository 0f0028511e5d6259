/** One call of a kernel, with what it needs of the device kept for the next. */

import { encodeCall, type Part } from "./bound.ts";
import { type Launcher, pipelineNow } from "./launcher.ts";
import { destroyAll, place, uniformBuffer } from "./place.ts";
import type { LaunchOutputs, LaunchTensors, LaunchTypes } from "./types.ts";

/** How a kernel is launched once. */
export interface LaunchOptions<T extends LaunchTypes> {
  /** Record into this encoder; submitting it is the caller's. Without one, the kernel is submitted at once. */
  readonly encoder?: GPUCommandEncoder | undefined;
  /** Where results are to be written. */
  readonly outputs?: LaunchOutputs<T["outputs"]> | undefined;
}

/** Uniform buffers of launches, by what they hold. */
export type Lasting = Map<string, GPUBuffer>;

const mostLasting = 64;

/** What `Prepared.launch` and a kernel as a function do. */
export function launch<T extends LaunchTypes>(
  launcher: Launcher,
  lasting: Lasting,
  tensors: LaunchTensors<T>,
  dims: T["dims"] | undefined,
  options: LaunchOptions<T> = {},
): Record<string, GPUBuffer> {
  const { device, kernel, fail } = launcher;
  if (typeof options !== "object" || options === null) fail("E0601 not an object", "options", options);
  const { encoder, outputs } = options;
  // What is submitted at once shares a buffer, for a queue works in order. What is submitted later is never written again.
  const uniformPart = (words: ArrayBuffer): Part => {
    const size = words.byteLength;
    const key = encoder ? new Uint32Array(words).join() : "";
    const known = lasting.get(key);
    const buffer = known ?? uniformBuffer(launcher, size);
    if (!known || !encoder) device.queue.writeBuffer(buffer, 0, words);
    // Those that were made longest ago are let go, for the garbage collector.
    const [oldest] = lasting.keys();
    if (!known && lasting.size >= mostLasting) lasting.delete(oldest as string);
    lasting.set(key, buffer);
    return { buffer, offset: 0, size };
  };
  const call = place(launcher, tensors, dims, outputs, uniformPart);
  const pipeline = pipelineNow(launcher, call);
  const into = encoder ?? device.createCommandEncoder({ label: kernel.name });
  encodeCall(into, kernel.name, call, pipeline);
  const { results, made } = call;
  if (encoder === undefined) {
    device.queue.submit([into.finish()]);
    // What the caller has not submitted yet must stay.
    destroyAll(made.filter((buffer) => results.every(({ part }) => part.buffer !== buffer)));
  }
  return Object.fromEntries(results.map(({ binding, part }) => [binding.name, part.buffer]));
}
