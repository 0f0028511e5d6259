import { expect, test } from "vitest";
import { compile, type Plan, parse, planManifest } from "../../src/index.ts";
import * as runtime from "../../src/runtime/index.ts";
import { openDevice } from "../../src/runtime/node.ts";

const result = compile(parse("fn f(x: f32[n]) -> f32[n] { return x * 2 }"));
const [kernel] = result.kernels;
const mean = compile(parse("fn f(x: f32[n, 8]) -> f32 { return mean(rmsnorm(x, axes = [-1]), axes = [0, 1]) }"));
const plan = { plan: planManifest(mean.plans[0] as Plan), kernels: mean.kernels };
/** As far as the check looks at a device. */
const device = { features: new Set(), limits: {} };

// biome-ignore lint/suspicious/noExplicitAny: the arguments are wrong on purpose.
const js = { ...runtime, openDevice } as any;

test.for<readonly [call: string, run: () => Promise<unknown>, message: string, help: string]>([
  [
    "no device",
    () => js.prepare(undefined, kernel),
    "the first argument of `prepare` must be a GPUDevice",
    "openDevice",
  ],
  ["an opened device", () => js.prepare({ device }, kernel), "must be a GPUDevice, not an object", "pass its `device`"],
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
  ["a result", () => js.prepare(device, result), "must be a kernel, not an object", "pass one of its `kernels`"],
  [
    "runKernel",
    () => js.runKernel(device, "f", {}),
    "the second argument of `runKernel` must be a kernel",
    "compile(module)",
  ],
  [
    "preparePlan",
    () => js.preparePlan(device, {}),
    "the second argument of `preparePlan` must be a plan with its kernels",
    "{ plan: planManifest(result.plans[0]), kernels: result.kernels }",
  ],
  ["a promise", () => js.prepare(Promise.resolve(device), kernel), ", not a Promise", "await"],
  ["a list", () => js.prepare(device, result.kernels), "must be a kernel, not a list", "one item of the list"],
  ["a plan for a kernel", () => js.prepare(device, plan), "must be a kernel", "`preparePlan` and `runPlan` take plans"],
  [
    "a manifest as text",
    () => js.prepare(device, { ...kernel, manifest: JSON.stringify(kernel?.manifest) }),
    "must be a kernel",
    "`JSON.parse`",
  ],
  [
    "the plan of `compile`",
    () => js.preparePlan(device, { plan: mean.plans[0], kernels: mean.kernels }),
    "the `plan` of `preparePlan` must be the manifest of a plan",
    "`planManifest(plan)`",
  ],
  ["a plan alone", () => js.runPlan(device, mean.plans[0]), "must be a plan with its kernels", "planManifest(plan)"],
  ["a manifest alone", () => js.runPlan(device, plan.plan), "must be a plan with its kernels", "pass its kernels too"],
  ["plans", () => js.runPlan(device, { ...plan, plan: mean.plans }), ", not a list", "`planManifest(plans[0])`"],
  ["the compilation", () => js.preparePlan(device, mean), "must be a plan", "planManifest(result.plans[0])"],
  ["one kernel", () => js.runPlan(device, { ...plan, kernels: kernel }), "a list of kernels", "`[...]`"],
  ["WGSL as kernels", () => js.runPlan(device, { ...plan, kernels: ["fn"] }), "item 0 of the `kernels`", "kernels"],
  [
    "the kernels of another plan",
    () => js.preparePlan(device, { ...plan, kernels: result.kernels }),
    "the plan `f` launches `f_1`, `f_2`, but `kernels` only has `f`",
    "pass all kernels",
  ],
  [
    "no kernels",
    () => js.preparePlan(device, { ...plan, kernels: [] }),
    "launches `f_1`, `f_2`, but `kernels` is empty",
    "pass all kernels",
  ],
  ["a kernel of `compile`", async () => js.kernel(kernel), "must be the name of a kernel", "`prepare(device, kernel)`"],
  ["forms", async () => js.kernel("f", kernel), "must be a list of forms", "generated modules"],
  ["no adapter", async () => js.targetFromAdapter(), "must be a GPUAdapter", "requestAdapter"],
  ["an opened device as adapter", async () => js.targetFromAdapter({ device }), "must be a GPUAdapter", "`device`"],
  ["a device as adapter", async () => js.targetFromAdapter(device), "must be a GPUAdapter", "`targetFromDevice`"],
  ["an opened device's target", async () => js.targetFromDevice({ device }), "must be a GPUDevice", "`device`"],
  ["an array", async () => js.toNumbers(new Float32Array(2)), "must be a tensor, `{ element, shape, data }`", "`data`"],
  ["a run", async () => js.toNumbers({ outputs: {}, launches: 1 }), "must be a tensor", "pass one of its `outputs`"],
  ["an element type", async () => js.fromNumbers("f23", [1], [1]), '"f32"', "did you mean `f32`?"],
  ["a shape", async () => js.fromNumbers("f32", 2, [1, 2]), "the shape of `fromNumbers` must be a list", "`[...]`"],
  [
    "no data",
    async () => js.fromNumbers("f32", [2]),
    "the data of `fromNumbers` must be a list of numbers",
    "undefined",
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
