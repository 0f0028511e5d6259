/** A kernel on a device: its shader module, and a pipeline for each set of extents that are pipeline constants. */

import type { Kernel } from "../../codegen/manifest.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { runtimeErrors } from "../diagnostics/errors-runtime.ts";
import type { Dims } from "./bind-inputs.ts";
import { failIfLost, shaderErrors, withErrorScopes } from "./device-errors.ts";

// The value of GPUShaderStage, which Node has not among its globals.
const shaderStageCompute = 4;

/** Throws E0610 and E0611 for what the device lacks. */
export function checkDevice(device: GPUDevice, kernel: Kernel): void {
  const { requiredFeatures, requiredLimits } = kernel.manifest;
  const missing = requiredFeatures.filter((feature) => !device.features.has(feature));
  if (missing.length > 0) fail(runtimeErrors.missingFeatures(kernel.name, missing));
  for (const [limit, needs] of Object.entries(requiredLimits)) {
    const has = device.limits[limit as keyof GPUSupportedLimits] as number | undefined;
    if (has !== undefined && has < needs) fail(runtimeErrors.missingLimit(kernel.name, limit, needs, has));
  }
}

/** One pipeline for each set of override values. */
export class PipelineCache {
  readonly #device: GPUDevice;
  readonly #kernel: Kernel;
  readonly #pipelines = new Map<string, Promise<GPUComputePipeline>>();
  readonly layout: GPUBindGroupLayout;
  #module: GPUShaderModule | undefined;

  constructor(device: GPUDevice, kernel: Kernel) {
    this.#device = device;
    this.#kernel = kernel;
    this.layout = device.createBindGroupLayout({ label: kernel.name, entries: layoutEntries(kernel) });
  }

  async compile(): Promise<void> {
    const { name, wgsl } = this.#kernel;
    const { value: module, checked } = withErrorScopes(this.#device, name, () =>
      this.#device.createShaderModule({ label: name, code: wgsl }),
    );
    checked.catch(() => {}); // The messages say the same with places; should there be none, it is awaited below.
    const { messages } = await module.getCompilationInfo();
    const errors = messages.filter((message) => message.type === "error");
    if (errors.length > 0) fail(...shaderErrors(this.#kernel, errors));
    await checked;
    this.#module = module;
  }

  get(dims: Dims): Promise<GPUComputePipeline> {
    const { overrides } = this.#kernel.manifest;
    const constants = Object.fromEntries(overrides.map(({ dim, constant }) => [constant, dims[dim] as number]));
    const key = JSON.stringify(constants);
    let pipeline = this.#pipelines.get(key);
    if (pipeline === undefined) {
      pipeline = this.#create(constants);
      this.#pipelines.set(key, pipeline);
      pipeline.catch(() => this.#pipelines.delete(key));
    }
    return pipeline;
  }

  async #create(constants: Record<string, number>): Promise<GPUComputePipeline> {
    const { name, manifest } = this.#kernel;
    const compute = { module: this.#module as GPUShaderModule, entryPoint: manifest.entryPoint, constants };
    const layout = this.#device.createPipelineLayout({ bindGroupLayouts: [this.layout] });
    try {
      return await this.#device.createComputePipelineAsync({ label: name, layout, compute });
    } catch (caught) {
      await failIfLost(this.#device, name);
      fail(runtimeErrors.pipelineRejected(name, (caught as Error).message));
    }
  }
}

/** Written out, not "auto": that leaves out the bindings of parameters which the kernel does not read. */
function layoutEntries(kernel: Kernel): GPUBindGroupLayoutEntry[] {
  const { bindings, uniforms } = kernel.manifest;
  const storage = bindings.map(({ binding, access }) => {
    const type: GPUBufferBindingType = access === "read" ? "read-only-storage" : "storage";
    return { binding, visibility: shaderStageCompute, buffer: { type } };
  });
  if (!uniforms) return storage;
  return [...storage, { binding: uniforms.binding, visibility: shaderStageCompute, buffer: { type: "uniform" } }];
}
