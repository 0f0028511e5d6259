/** The arguments of the runtime's functions, checked before anything is created. */

import * as libraryErrors from "../diagnostics/areas/library.ts";
import { anObject, checkArgument, checkOptions, type Kind, listOf } from "../diagnostics/arguments.ts";
import { fail, type Help } from "../diagnostics/diagnostic.ts";
import type { CompiledPlan } from "../emit/plan-signature.ts";

const has = (value: unknown, ...names: readonly string[]): boolean =>
  ((typeof value === "object" && value !== null) || typeof value === "function") &&
  names.every((name) => name in (value as object));

/** A member of a value of any kind; `undefined` if it has none of that name. */
const member = (value: unknown, name: string): unknown =>
  has(value, name) ? (value as Readonly<Record<string, unknown>>)[name] : undefined;

const aDevice: Kind = {
  what: "a GPUDevice",
  holds: (value) => has(value, "features", "limits") && !has(value, "requestDevice"),
  help: (value) => [
    has(value, "device")
      ? "pass its `device`"
      : has(value, "requestDevice")
        ? "request a device from the adapter: `await adapter.requestDevice()`"
        : '`openDevice` of "tirc/runtime/node" opens one in Node, and `adapter.requestDevice()` in a page',
  ],
};

const anAdapter: Kind = {
  what: "a GPUAdapter",
  holds: (value) => has(value, "features", "limits", "info"),
  help: (value) => [
    has(value, "device")
      ? "pass its `device` to `targetFromDevice`"
      : aDevice.holds(value)
        ? "`targetFromDevice` takes a device"
        : "`await navigator.gpu.requestAdapter()` is one",
  ],
};

const aKernel: Kind = {
  what: "a kernel",
  holds: (value) =>
    !has(value, "plan", "kernels") &&
    (has(value, "forms") ||
      (typeof member(value, "wgsl") === "string" && Array.isArray(member(member(value, "manifest"), "bindings")))),
  help: (value) => [kernelHelp(value)],
};

function kernelHelp(value: unknown): string {
  if (has(value, "plan", "kernels")) return "this is a plan: `preparePlan` and `runPlan` take plans";
  if (has(value, "kernels")) return "pass one of its `kernels`";
  if (has(value, "kernel", "bind")) return "this kernel is prepared already: call its `run`, or pass its `kernel`";
  if (Array.isArray(value)) return "pass one item of the list";
  if (typeof member(value, "manifest") === "string") return "its `manifest` is text: read it with `JSON.parse`";
  return "`compile(module).kernels` are kernels";
}

const isManifest = (value: unknown): boolean =>
  Array.isArray(member(value, "dims")) &&
  ["buffers", "steps", "extents"].every((name) => Array.isArray(member(value, name)));

const aManifest: Kind = {
  what: "the manifest of a plan",
  holds: isManifest,
  help: (value) => [
    Array.isArray(value) ? "pass that of one plan: `planManifest(plans[0])`" : "`planManifest(plan)` makes it",
  ],
};

const aPlan: Kind = {
  what: "a plan with its kernels, `{ plan, kernels }`, or a kernel",
  holds: (value) => has(value, "plan", "kernels") || aKernel.holds(value),
  help: (value): readonly Help[] => {
    const result = "`{ plan: planManifest(result.plans[0]), kernels: result.kernels }`";
    if (has(value, "plans", "kernels")) return [`pass a plan of it: ${result}`];
    if (isManifest(value)) return ["pass its kernels too: `{ plan, kernels }`"];
    if (has(value, "steps", "fn"))
      return ["pass its manifest and its kernels: `{ plan: planManifest(plan), kernels }`"];
    return [`from the result of \`compile\`, it is ${result}`];
  },
};

const aFunction: Kind = { what: "a function", holds: (value) => typeof value === "function" };

const anEncoder: Kind = {
  what: "a GPUCommandEncoder",
  holds: (value) => has(value, "beginComputePass"),
  help: (value) =>
    has(value, "dispatchWorkgroups") ? ["pass the encoder that the pass is from, before the pass begins"] : [],
};

/** @throws TircError E0901 */
export const checkDevice = (fn: string, device: unknown): void =>
  checkArgument("the first argument", fn, device, aDevice);

/** @throws TircError E0901 */
export const checkAdapter = (fn: string, adapter: unknown): void =>
  checkArgument("the first argument", fn, adapter, anAdapter);

/** @throws TircError E0901 */
export function checkLaunch(fn: string, device: unknown, kernel: unknown): void {
  checkDevice(fn, device);
  checkArgument("the second argument", fn, kernel, aKernel);
}

/** @throws TircError E0901, also if the plan launches kernels that are not among its `kernels`. */
export function checkPlanLaunch(fn: string, device: unknown, plan: CompiledPlan | object): void {
  checkDevice(fn, device);
  checkArgument("the second argument", fn, plan, aPlan);
  if (!("plan" in plan)) return;
  checkArgument("the `plan`", fn, plan.plan, aManifest);
  checkArgument("the `kernels`", fn, plan.kernels, listOf("kernels", aKernel));
  const names = new Set(plan.kernels.map(({ name }) => name));
  const missing = plan.plan.steps.flatMap((step) => ("launch" in step && !names.has(step.launch) ? [step.launch] : []));
  if (missing.length > 0) fail(libraryErrors.missingKernels(plan.plan.name, missing, [...names]));
}

const bindOptions = { outputs: anObject, products: anObject, allocate: aFunction };

/** Checks the options of `run` and `bind` of a plan. @throws TircError E0901, E0902 */
export const checkBindOptions = (fn: string, options: object): void => checkOptions(fn, options, bindOptions);

/** Checks the options of `launch` of a plan. @throws TircError E0901, E0902 */
export function checkPlanOptions(fn: string, options: object): void {
  if (anEncoder.holds(options)) fail(libraryErrors.unnamedEncoder(fn));
  checkOptions(fn, options, { ...bindOptions, encoder: anEncoder });
}
