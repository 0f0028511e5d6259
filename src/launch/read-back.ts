/** Reads results back into arrays. */

import type { Result } from "./bound.ts";
import type { LaunchArray } from "./compact.ts";
import { arrays, bufferOf, copyDestination, mapRead } from "./tensors.ts";

// The value of GPUMapMode.READ, which is not a global in Node.
const modeRead = 1;

/**
 * Copies the results whose buffers were created for the call into mappable buffers.
 * @param made the buffers of the copies are added to it.
 * @returns a function that reads them by name, once the encoder is submitted and `submitted` has resolved.
 */
export function readBack(
  device: GPUDevice,
  encoder: GPUCommandEncoder,
  results: readonly Result[],
  made: GPUBuffer[],
): (submitted?: Promise<void>) => Promise<Record<string, LaunchArray>> {
  const copies = results.flatMap(([name, { buffer, size }, element, count, isMade]) => {
    if (!isMade) return [];
    const copy = bufferOf(device, "copy", size, mapRead | copyDestination);
    made.push(copy);
    encoder.copyBufferToBuffer(buffer, 0, copy, 0, size);
    return [{ name, element, count, copy }];
  });
  return async (submitted) => {
    // All must settle before the buffers are destroyed, or a rejection would stay unhandled.
    const settled = await Promise.allSettled([submitted, ...copies.map(({ copy }) => copy.mapAsync(modeRead))]);
    for (const one of settled) if (one.status === "rejected") throw one.reason;
    return Object.fromEntries(
      copies.map(({ name, element, count, copy }) => [
        name,
        new arrays[element](copy.getMappedRange(), 0, count).slice(),
      ]),
    );
  };
}
