/** Turns errors that WebGPU reports for a kernel into diagnostics. */

import * as deviceErrors from "../diagnostics/areas/devices.ts";
import { type Diagnostic, fail, TircError } from "../diagnostics/diagnostic.ts";
import type { Kernel } from "../target/manifest.ts";
import { spanOfLine } from "../target/source-map.ts";

const filters = ["internal", "out-of-memory", "validation"] as const;

/**
 * Runs `work` in error scopes, so that its errors are reported only here. It must be synchronous, as the scopes of two calls
 * must not mix. @returns a promise `checked` that rejects with E0614 or E0616.
 */
export function withErrorScopes<T>(
  device: GPUDevice,
  kernel: string,
  work: () => T,
): { value: T; checked: Promise<void> } {
  for (const filter of filters) device.pushErrorScope(filter);
  let popped: Promise<GPUError | null>[] = [];
  try {
    const value = work();
    popped = filters.map(() => device.popErrorScope());
    return { value, checked: throwFirst(kernel, popped) };
  } finally {
    if (popped.length === 0) for (const _ of filters) device.popErrorScope().catch(() => {});
  }
}

async function throwFirst(kernel: string, popped: Promise<GPUError | null>[]): Promise<void> {
  const [invalid, memory, internal] = await Promise.all(popped);
  if (memory) fail(deviceErrors.outOfMemory(kernel, memory.message));
  const error = invalid ?? internal;
  if (error) fail(deviceErrors.deviceError(kernel, error.message));
}

/** Throws E0615 if the device is lost: WebGPU silently continues to create objects on a lost device. */
export async function failIfLost(device: GPUDevice, kernel: string): Promise<void> {
  const lost = await Promise.race([device.lost, undefined]);
  if (lost) fail(deviceErrors.deviceLost(kernel, lost.reason, lost.message));
}

/** Awaits `work`. If it fails because the device is lost, throws E0615 instead of the first error. */
export async function orDeviceLost<T>(device: GPUDevice, kernel: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (caught) {
    await failIfLost(device, kernel);
    if (caught instanceof TircError) throw caught;
    fail(deviceErrors.deviceError(kernel, caught instanceof Error ? caught.message : String(caught)));
  }
}

/**
 * Throws the errors of the WGSL compiler (E0612), or else other errors that the device reports for the modules.
 * @param checked of the error scopes in which the modules were created
 */
export async function checkModules(
  modules: readonly (readonly [kernel: Kernel, module: GPUShaderModule])[],
  checked: Promise<void>,
): Promise<void> {
  checked.catch(() => {}); // The messages contain the same errors with places. If there are none, it is awaited below.
  const found = await Promise.all(
    modules.map(async ([kernel, module]) => {
      const { messages } = await module.getCompilationInfo();
      const errors = messages.filter((message) => message.type === "error");
      return errors.length > 0 ? shaderErrors(kernel, errors) : [];
    }),
  );
  if (found.flat().length > 0) fail(...found.flat());
  await checked;
}

/** The errors of the WGSL compiler (E0612): each at its span of the program, and those of lines without a span together. */
function shaderErrors({ name, wgsl, sourceMap }: Kernel, messages: readonly GPUCompilationMessage[]): Diagnostic[] {
  const lines = wgsl.split("\n");
  const elsewhere: string[] = [];
  const placed = messages.flatMap((message) => {
    const span = spanOfLine(sourceMap, message.lineNum);
    if (span !== undefined)
      return [deviceErrors.shaderRejectedAt(span, name, message, lines[message.lineNum - 1] ?? "")];
    elsewhere.push(printCompilationMessage(message));
    return [];
  });
  return elsewhere.length > 0 ? [...placed, deviceErrors.shaderRejected(name, elsewhere)] : placed;
}

/** A message of the WGSL compiler with its place in the kernel's text: `4:12: error: ...`. */
export function printCompilationMessage(message: GPUCompilationMessage): string {
  const place = message.lineNum > 0 ? `${message.lineNum}:${message.linePos}: ` : "";
  return `${place}${message.type}: ${message.message}`;
}
