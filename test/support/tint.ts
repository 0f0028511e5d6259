/** Tint, the WGSL compiler of Dawn and Chrome, as a checker: it needs no GPU. */

import { afterAll, inject } from "vitest";
import { printCompilationMessage } from "../../src/runtime/device-errors.ts";
import { type OpenedDevice, openNullDevice } from "../../src/runtime/node.ts";

/** Whether `webgpu` loads on this machine; where it does not, nothing checks WGSL. */
export const hasTint = inject("platform").noTint === undefined;

let opened: Promise<OpenedDevice> | undefined;

afterAll(async () => (await opened)?.close());

/**
 * What Tint says about a shader, errors and warnings, as `line:column: error: text`; nothing when it is valid. Tint
 * checks that barriers stand in uniform control flow, too. With `constants` the pipeline is made as well, which checks
 * what depends on overrides.
 */
export async function validateWgsl(wgsl: string, constants?: Readonly<Record<string, number>>): Promise<string[]> {
  opened ??= openNullDevice();
  const { device } = await opened;
  device.pushErrorScope("validation");
  const module = device.createShaderModule({ code: wgsl });
  const invalid = device.popErrorScope();
  const { messages } = await module.getCompilationInfo();
  const printed = messages.map(printCompilationMessage);
  const error = await invalid;
  if (error && printed.length === 0) return [`error: ${error.message}`];
  if (error || constants === undefined) return printed;
  try {
    for (const [, entryPoint = ""] of wgsl.matchAll(/@compute[^{]*?\bfn\s+(\w+)/g)) {
      await device.createComputePipelineAsync({ layout: "auto", compute: { module, entryPoint, constants } });
    }
    return printed;
  } catch (caught) {
    return [...printed, `error: ${(caught as Error).message}`];
  }
}
