/** Turns what WebGPU reports about a kernel into diagnostics. */

import * as deviceErrors from "../diagnostics/areas/devices.ts";
import { type Diagnostic, fail, TircError } from "../diagnostics/diagnostic.ts";
import type { Kernel } from "../target/manifest.ts";
import { spanOfLine } from "../target/source-map.ts";

const filters = ["internal", "out-of-memory", "validation"] as const;

/**
 * Runs `work`, which must be synchronous so that the scopes of two calls do not mix, and reports what went wrong in it
 * to nobody else. The promise throws E0614 or E0616.
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

/** Throws E0615 when the device is known to be gone: WebGPU goes on making objects on a lost device, without a word. */
async function failIfLost(device: GPUDevice, kernel: string): Promise<void> {
  const lost = await Promise.race([device.lost, undefined]);
  if (lost) fail(deviceErrors.deviceLost(kernel, lost.reason, lost.message));
}

/** Awaits `work`; when it fails because the device is gone, says that (E0615), and not what failed first. */
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
 * What the WGSL compiler has against kernels: E0612. Then what else the device has against their modules.
 * @param checked of the error scopes in which the modules were made
 */
export async function checkModules(
  modules: readonly (readonly [kernel: Kernel, module: GPUShaderModule])[],
  checked: Promise<void>,
): Promise<void> {
  checked.catch(() => {}); // The messages say the same with places; should there be none, it is awaited below.
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

/** Compiles pipelines, once the modules are checked. @param name of the kernel or plan. @throws TircError where the device is lost */
export async function compileChecked(
  device: GPUDevice,
  name: string,
  checked: Promise<void>,
  compile: () => Promise<void>,
): Promise<void> {
  await failIfLost(device, name);
  await orDeviceLost(device, name, checked);
  await orDeviceLost(device, name, compile());
}

/** What the WGSL compiler has against a kernel: at places of the program where lines have one, the rest together. E0612. */
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

/** `4:12: error: ...`: a message of the WGSL compiler with its place in the kernel's text. */
export function printCompilationMessage(message: GPUCompilationMessage): string {
  const place = message.lineNum > 0 ? `${message.lineNum}:${message.linePos}: ` : "";
  return `${place}${message.type}: ${message.message}`;
}
