import { expect, test } from "vitest";
import { compile, parse } from "../../src/index.ts";
import { prepare, preparePlan, runKernel } from "../../src/runtime/index.ts";
import { openDevice } from "../../src/runtime/node.ts";

const result = compile(parse("fn f(x: f32[n]) -> f32[n] { return x * 2 }"));
const [kernel] = result.kernels;
/** As far as the check looks at a device. */
const device = { features: new Set(), limits: {} };

// biome-ignore lint/suspicious/noExplicitAny: the arguments are wrong on purpose.
const js = { prepare, preparePlan, runKernel, openDevice } as any;

test.for<readonly [call: string, run: () => Promise<unknown>, message: string, help: string]>([
  [
    "no device",
    () => js.prepare(undefined, kernel),
    "the first argument of `prepare` must be a GPUDevice",
    "openDevice",
  ],
  [
    "an opened device",
    () => js.prepare({ device }, kernel),
    "must be a GPUDevice, but is an object",
    "pass its `device`",
  ],
  [
    "an adapter",
    () => js.prepare({ requestDevice() {} }, kernel),
    "must be a GPUDevice",
    "await adapter.requestDevice()",
  ],
  ["exchanged", () => js.prepare(kernel, device), "the first argument of `prepare` must be a GPUDevice", "openDevice"],
  [
    "WGSL",
    () => js.prepare(device, kernel?.wgsl),
    "the second argument of `prepare` must be a kernel",
    "compile(module)",
  ],
  ["a result", () => js.prepare(device, result), "must be a kernel, but is an object", "pass one of its `kernels`"],
  [
    "runKernel",
    () => js.runKernel(device, "f", {}),
    "the second argument of `runKernel` must be a kernel",
    "compile(module)",
  ],
  [
    "preparePlan",
    () => js.preparePlan(device, {}),
    "the second argument of `preparePlan` must be a kernel",
    "compile(module)",
  ],
  [
    "an adapter's name",
    () => js.openDevice("swiftshader"),
    "the options of `openDevice` must be an object",
    "swiftshader",
  ],
  ["a misspelled option", () => js.openDevice({ adaptor: "x" }), "`openDevice` has no option `adaptor`", "`adapter`"],
])("%s", async ([, run, message, help]) => {
  await expect(run).rejects.toThrow(message);
  await expect(run).rejects.toThrow(help);
});
