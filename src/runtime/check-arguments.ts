/** The device and the kernel as arguments, before anything is created. */

import { checkArgument, type Kind } from "../diagnostics/arguments.ts";

const has = (value: unknown, ...names: readonly string[]): boolean =>
  ((typeof value === "object" && value !== null) || typeof value === "function") &&
  names.every((name) => name in (value as object));

const aDevice: Kind = {
  what: "a GPUDevice",
  holds: (value) => has(value, "features", "limits"),
  help: (value) => [
    has(value, "device")
      ? "pass its `device`"
      : has(value, "requestDevice")
        ? "request a device from the adapter: `await adapter.requestDevice()`"
        : '`openDevice` of "tirc/runtime/node" opens one in Node, and `adapter.requestDevice()` in a page',
  ],
};

const aKernel: Kind = {
  what: "a kernel",
  holds: (value) => has(value, "forms") || has(value, "wgsl", "manifest") || has(value, "plan", "kernels"),
  help: (value) => [
    has(value, "kernels")
      ? "pass one of its `kernels`, or a plan: `{ plan, kernels }`"
      : "`compile(module).kernels` are kernels",
  ],
};

/** @throws TircError E0901 */
export function checkLaunch(fn: string, device: unknown, kernel: unknown): void {
  checkArgument("the first argument", fn, device, aDevice);
  checkArgument("the second argument", fn, kernel, aKernel);
}
