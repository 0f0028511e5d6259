/** A kernel on a device: what is made once for all calls. Functions, not methods: a bundle has those that are called. */

import type { Call } from "./bound.ts";
import { formFor, lackOf } from "./choose.ts";
import type { LaunchBinding } from "./manifest.ts";
import { type Fail, type LaunchProblem, shortText } from "./problems.ts";
import type { LaunchKernel } from "./types.ts";

/** A kernel, or the form of it in which results are written over inputs. */
export interface Variant {
  readonly key: string;
  readonly layout: GPUBindGroupLayout;
  readonly pipelineLayout: GPUPipelineLayout;
  readonly module: GPUShaderModule;
}

export type Constants = Readonly<Record<string, number>>;

/** The error that is thrown for a problem. */
export type ErrorOf = (kernel: string, problem: LaunchProblem) => Error;

/** A kernel on a device. */
export interface Launcher {
  readonly device: GPUDevice;
  readonly kernel: LaunchKernel;
  readonly fail: Fail;
  readonly variants: Map<string, Variant>;
  readonly pipelines: Map<string, GPUComputePipeline | Promise<GPUComputePipeline>>;
  isDestroyed?: true;
}

/** Pipelines of a kernel, one for each choice of pipeline constants; beyond, those go that were used longest ago. */
const mostPipelines = 16;

// The value of GPUShaderStage, which Node has not among its globals.
const stageCompute = 4;

/** Throws for what the device lacks. Nothing is made yet. */
export function launcherOf(device: GPUDevice, given: LaunchKernel, errorOf?: ErrorOf): Launcher {
  const kernel = formFor(device, given);
  const { name } = kernel;
  const { explain = shortText } = given;
  const fail: Fail = (...problem) => {
    throw errorOf?.(name, problem) ?? new TypeError(`${name}: ${explain(problem)}`);
  };
  const lack = lackOf(device, kernel.manifest);
  if (lack) fail(...lack);
  return { device, kernel, fail, variants: new Map(), pipelines: new Map() };
}

/** The values of the pipeline constants. */
export function constantsOf({ kernel }: Launcher, extentOf: (dim: string) => number): Constants {
  return Object.fromEntries(kernel.manifest.overrides.map(({ dim, constant }) => [constant, extentOf(dim)]));
}

/** With these inputs read through the variables of the results that are written over them. */
export function variantOf(
  { device, kernel, variants }: Launcher,
  aliases: readonly (readonly [input: LaunchBinding, result: LaunchBinding])[],
): Variant {
  const key = aliases.map(([input, result]) => `${input.binding}=${result.binding}`).join();
  const known = variants.get(key);
  if (known) return known;
  const { bindings, uniforms } = kernel.manifest;
  const label = kernel.name;
  let code = kernel.wgsl;
  for (const [{ binding, variable }, result] of aliases) {
    code = code
      .replace(new RegExp(`@group\\(0\\)\\s*@binding\\(${binding}\\)[^;]*;`), "")
      .replace(new RegExp(`\\b${variable}\\b`, "g"), result.variable);
  }
  // Written out, not "auto": that leaves out the bindings of parameters which the kernel does not read.
  const entries = bindings
    .filter((binding) => aliases.every(([input]) => input !== binding))
    .map(({ binding, access }): GPUBindGroupLayoutEntry => {
      const type = access === "read" ? "read-only-storage" : "storage";
      return { binding, visibility: stageCompute, buffer: { type } };
    });
  if (uniforms) entries.push({ binding: uniforms.binding, visibility: stageCompute, buffer: { type: "uniform" } });
  const layout = device.createBindGroupLayout({ label, entries });
  const pipelineLayout = device.createPipelineLayout({ label, bindGroupLayouts: [layout] });
  const variant = { key, layout, pipelineLayout, module: device.createShaderModule({ label, code }) };
  variants.set(key, variant);
  return variant;
}

export function failIfDestroyed({ isDestroyed, fail }: Launcher): void {
  if (isDestroyed) fail("E0609 destroyed");
}

/** The pipeline that is known, or a new one. */
export function pipelineOf(
  launcher: Launcher,
  { variant, constants }: Pick<Call, "variant" | "constants">,
  how: "createComputePipeline" | "createComputePipelineAsync" = "createComputePipeline",
) {
  failIfDestroyed(launcher);
  const { device, kernel, pipelines } = launcher;
  const key = `${variant.key} ${JSON.stringify(constants)}`;
  const known = pipelines.get(key);
  // What is still being compiled cannot be waited for in a call that returns at once.
  const isUseful = known !== undefined && !(known instanceof Promise && how === "createComputePipeline");
  const compute = { module: variant.module, entryPoint: kernel.manifest.entryPoint, constants };
  const pipeline = isUseful ? known : device[how]({ label: kernel.name, layout: variant.pipelineLayout, compute });
  pipelines.delete(key);
  pipelines.set(key, pipeline);
  const [oldest] = pipelines.keys();
  if (pipelines.size > mostPipelines) pipelines.delete(oldest as string);
  return { key, pipeline };
}

/** Without waiting. */
export const pipelineNow = (launcher: Launcher, call: Call): GPUComputePipeline =>
  pipelineOf(launcher, call).pipeline as GPUComputePipeline;
