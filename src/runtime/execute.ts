/**
 * Runs a compiled kernel on a WebGPU device, any device: nothing here knows of Node or of a page.
 *
 * A call makes its buffers, starts the kernel once, submits once, reads the results back and frees the buffers.
 */

import { mostCounted, mostWorkgroups, overflowOf, workgroupsOf } from "../../codegen/launch.ts";
import type { Binding, Kernel } from "../../codegen/manifest.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { runtimeErrors } from "../diagnostics/errors-runtime.ts";
import { elementCount } from "../ir/tensor.ts";
import { type BoundInputs, bindInputs, checkDims, type Dims, extents, type Inputs } from "./bind-inputs.ts";
import { failIfLost, orDeviceLost, shaderErrors, withErrorScopes } from "./device-errors.ts";
import { bufferSize, decode, encode, type HostTensor } from "./host-tensor.ts";

/** What a kernel has computed. */
export interface RunResult {
  /** By result name. */
  readonly outputs: Readonly<Record<string, HostTensor>>;
  /** How many kernels were started: one, or none where there is no row. */
  readonly launches: number;
}

/** A kernel that is compiled on a device, to run any number of times. */
export interface PreparedKernel {
  readonly kernel: Kernel;
  /**
   * Runs the kernel once. Dimensions follow from the shapes of the inputs; `dims` gives those that do not.
   * Throws TircError: E0601 to E0608 for what is passed, E0613 to E0616 for what the device reports.
   */
  run(inputs: Inputs, dims?: Dims): Promise<RunResult>;
  /** Puts the inputs on the device, to start the kernel on them more than once. Throws as `run` does. */
  bind(inputs: Inputs, dims?: Dims): Promise<BoundKernel>;
}

/** A kernel with its buffers. */
export interface BoundKernel {
  /** One pass with so many dispatches, one unless said otherwise. */
  record(encoder: GPUCommandEncoder, timestampWrites?: GPUComputePassTimestampWrites, launches?: number): void;
  /** Frees the buffers. */
  destroy(): void;
}

// The values of GPUBufferUsage, GPUMapMode and GPUShaderStage, which Node has not among its globals.
const usage = { mapRead: 1, copySource: 4, copyDestination: 8, uniform: 64, storage: 128 };
const mapModeRead = 1;
const shaderStageCompute = 4;

/**
 * Compiles the kernel on the device, and its pipeline too where `dims` names all of its override dimensions.
 * Throws TircError: E0607, E0610 to E0613, E0615.
 */
export async function prepareKernel(device: GPUDevice, kernel: Kernel, dims: Dims = {}): Promise<PreparedKernel> {
  checkDevice(device, kernel);
  checkDims(kernel, dims);
  await failIfLost(device, kernel.name);
  const pipelines = new PipelineCache(device, kernel);
  await orDeviceLost(device, kernel.name, pipelines.compile());
  const isComplete = kernel.manifest.overrides.every(({ dim }) => Object.hasOwn(dims, dim));
  if (isComplete) await orDeviceLost(device, kernel.name, pipelines.get(dims));
  return {
    kernel,
    async run(inputs, more = {}) {
      const bound = bindInputs(kernel, inputs, mergeDims(dims, more));
      return orDeviceLost(device, kernel.name, dispatch(device, kernel, pipelines, bound));
    },
    async bind(inputs, more = {}) {
      const bound = bindInputs(kernel, inputs, mergeDims(dims, more));
      return orDeviceLost(device, kernel.name, bindBuffers(device, kernel, pipelines, bound));
    },
  };
}

/** `prepareKernel` and one `run`. */
export async function runKernel(
  device: GPUDevice,
  kernel: Kernel,
  inputs: Inputs,
  dims: Dims = {},
): Promise<RunResult> {
  const prepared = await prepareKernel(device, kernel, dims);
  return prepared.run(inputs);
}

function mergeDims(prepared: Dims, more: Dims): Dims {
  for (const [name, extent] of Object.entries(more)) {
    const before = Object.hasOwn(prepared, name) ? prepared[name] : undefined;
    if (before !== undefined && before !== extent) {
      fail(runtimeErrors.dimConflict(name, "prepareKernel's dimensions", before, "run's dimensions", extent));
    }
  }
  return { ...prepared, ...more };
}

function checkDevice(device: GPUDevice, kernel: Kernel): void {
  const { requiredFeatures, requiredLimits } = kernel.manifest;
  const missing = requiredFeatures.filter((feature) => !device.features.has(feature));
  if (missing.length > 0) fail(runtimeErrors.missingFeatures(kernel.name, missing));
  for (const [limit, needs] of Object.entries(requiredLimits)) {
    const has = device.limits[limit as keyof GPUSupportedLimits] as number | undefined;
    if (has !== undefined && has < needs) fail(runtimeErrors.missingLimit(kernel.name, limit, needs, has));
  }
}

/** One pipeline for each set of override values. */
class PipelineCache {
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

async function dispatch(
  device: GPUDevice,
  kernel: Kernel,
  pipelines: PipelineCache,
  bound: BoundInputs,
): Promise<RunResult> {
  const bufferSet = await bindBuffers(device, kernel, pipelines, bound);
  try {
    const { value: readbacks, checked } = withErrorScopes(device, kernel.name, () => submit(device, bufferSet));
    // Both must settle before the buffers go, or a rejection would be left to nobody.
    const [reported, read] = await Promise.allSettled([checked, readAll(readbacks, bound.dims)]);
    if (reported.status === "rejected") throw reported.reason;
    if (read.status === "rejected") throw read.reason;
    return { outputs: read.value, launches: bufferSet.launches };
  } finally {
    bufferSet.destroy();
  }
}

interface Result {
  readonly binding: Binding;
  readonly buffer: GPUBuffer;
  readonly size: number;
}

interface BufferSet extends BoundKernel {
  readonly launches: number;
  readonly results: readonly Result[];
  /** A buffer that goes with the others. */
  create(label: string, size: number, usage: GPUBufferUsageFlags): GPUBuffer;
}

async function bindBuffers(
  device: GPUDevice,
  kernel: Kernel,
  pipelines: PipelineCache,
  bound: BoundInputs,
): Promise<BufferSet> {
  for (const binding of kernel.manifest.bindings) checkSize(device, binding, bound.dims);
  const [x, y] = countWorkgroups(device, kernel, bound.dims);
  const pipeline = await pipelines.get(bound.dims);
  const buffers: GPUBuffer[] = [];
  const destroy = () => {
    for (const buffer of buffers) buffer.destroy();
  };
  const create: BufferSet["create"] = (label, size, usage) => {
    const buffer = device.createBuffer({ label, size, usage });
    buffers.push(buffer);
    return buffer;
  };
  try {
    const { value, checked } = withErrorScopes(device, kernel.name, () => {
      const { entries, results } = fillBuffers(device, kernel, bound, create);
      return { group: device.createBindGroup({ layout: pipelines.layout, entries }), results };
    });
    await checked;
    const record: BoundKernel["record"] = (encoder, timestampWrites, launches = 1) => {
      const pass = encoder.beginComputePass({ label: kernel.name, ...(timestampWrites && { timestampWrites }) });
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, value.group);
      // Of no workgroup Dawn says on the console that it is unusual.
      for (let i = 0; i < launches && x > 0; i++) pass.dispatchWorkgroups(x, y);
      pass.end();
    };
    return { launches: x > 0 ? 1 : 0, results: value.results, create, record, destroy };
  } catch (caught) {
    destroy();
    throw caught;
  }
}

function fillBuffers(device: GPUDevice, kernel: Kernel, bound: BoundInputs, createBuffer: BufferSet["create"]) {
  const { bindings, uniforms } = kernel.manifest;
  const entries: GPUBindGroupEntry[] = [];
  for (const { binding, data } of bound.arrays) {
    const buffer = createBuffer(binding.name, bufferSize(binding, data.length), usage.storage | usage.copyDestination);
    writePadded(device.queue, buffer, encode(binding, data));
    entries.push({ binding: binding.binding, resource: { buffer } });
  }
  if (uniforms) {
    const buffer = createBuffer("dimensions", uniforms.size, usage.uniform | usage.copyDestination);
    const fields = new Uint32Array(uniforms.size / 4);
    for (const [i, name] of uniforms.fields.entries()) fields[i] = bound.dims[name] as number;
    device.queue.writeBuffer(buffer, 0, fields);
    entries.push({ binding: uniforms.binding, resource: { buffer } });
  }

  const results = bindings
    .filter((binding) => binding.access === "read_write")
    .map((binding) => {
      const size = bufferSize(binding, elementCount(extents(binding.shape, bound.dims)));
      const buffer = createBuffer(binding.name, size, usage.storage | usage.copySource);
      entries.push({ binding: binding.binding, resource: { buffer } });
      return { binding, buffer, size };
    });
  return { entries, results };
}

/** Starts the kernel once, and copies the results to where the host can read them. */
function submit(device: GPUDevice, { record, results, create }: BufferSet): Result[] {
  const encoder = device.createCommandEncoder();
  record(encoder);
  const onHost = results.map(({ binding, buffer: from, size }) => {
    const buffer = create(`${binding.name} on the host`, size, usage.mapRead | usage.copyDestination);
    encoder.copyBufferToBuffer(from, 0, buffer, 0, size);
    return { binding, buffer, size };
  });
  device.queue.submit([encoder.finish()]);
  return onHost;
}

/** writeBuffer takes multiples of four bytes: an odd number of halves is written in two parts. */
function writePadded(queue: GPUQueue, buffer: GPUBuffer, bytes: ArrayBufferView<ArrayBuffer>): void {
  const whole = bytes.byteLength - (bytes.byteLength % 4);
  if (whole > 0) queue.writeBuffer(buffer, 0, bytes.buffer, bytes.byteOffset, whole);
  if (whole === bytes.byteLength) return;
  const rest = new Uint8Array(4);
  rest.set(new Uint8Array(bytes.buffer, bytes.byteOffset + whole, bytes.byteLength - whole));
  queue.writeBuffer(buffer, whole, rest);
}

async function readAll(readbacks: readonly Result[], dims: Dims): Promise<Record<string, HostTensor>> {
  await Promise.all(readbacks.map(({ buffer }) => buffer.mapAsync(mapModeRead)));
  return Object.fromEntries(
    readbacks.map(({ binding, buffer }) => {
      return [binding.name, decode(binding, extents(binding.shape, dims), buffer.getMappedRange())];
    }),
  );
}

function checkSize(device: GPUDevice, binding: Binding, dims: Dims): void {
  const bytes = bufferSize(binding, elementCount(extents(binding.shape, dims)));
  for (const limit of ["maxStorageBufferBindingSize", "maxBufferSize"] as const) {
    const most = device.limits[limit];
    if (bytes > most) fail(runtimeErrors.bufferTooLarge(binding.name, bytes, limit, most));
  }
}

/** In x and y. Throws E0608 for more than the device starts, or than the kernel counts. */
function countWorkgroups(device: GPUDevice, kernel: Kernel, dims: Dims): readonly [number, number] {
  const { dispatch } = kernel.manifest;
  const overflow = overflowOf(dispatch, (dim) => extents([dim], dims)[0] as number);
  if (overflow !== undefined) fail(runtimeErrors.notCounted(kernel.name, overflow, mostCounted));
  const rows = elementCount(extents(dispatch.rows, dims));
  const [x, y] = workgroupsOf(dispatch, rows);
  const most = device.limits.maxComputeWorkgroupsPerDimension;
  if (y > most) fail(runtimeErrors.tooManyWorkgroups(kernel.name, rows, x * y, most * mostWorkgroups));
  return [x, y];
}
