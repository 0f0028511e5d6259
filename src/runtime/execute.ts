/**
 * Runs a compiled kernel on a WebGPU device, any device: nothing here knows of Node or of a page.
 *
 * A call makes its buffers and copies the inputs into them before it returns a promise; then it starts the kernel once,
 * submits once, reads the results back and frees the buffers.
 */

import { mostCounted, overflowOf, workgroupsOf } from "../../codegen/launch.ts";
import type { Binding, Kernel } from "../../codegen/manifest.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { runtimeErrors } from "../diagnostics/errors-runtime.ts";
import { elementCount } from "../ir/tensor.ts";
import { type BoundInputs, bindInputs, type Dims, extents, type Inputs, readDims } from "./bind-inputs.ts";
import { failIfLost, orDeviceLost, withErrorScopes } from "./device-errors.ts";
import { bufferSize, decode, encode, type HostTensor } from "./host-tensor.ts";
import { checkDevice, PipelineCache } from "./pipelines.ts";

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
   * Runs the kernel once. Dimensions follow from the shapes of the inputs; `dims` gives those that do not. Inputs and
   * dimensions are copied before the call returns: they may be changed then.
   * Throws TircError: E0601 to E0609 for what is passed, E0613 to E0616 for what the device reports.
   */
  run(inputs: Inputs, dims?: Dims): Promise<RunResult>;
  /** Puts the inputs on the device, to start the kernel on them more than once. Throws as `run` does. */
  bind(inputs: Inputs, dims?: Dims): Promise<BoundKernel>;
  /**
   * Frees what the kernel holds: the buffers of `bind`, and its pipelines, which the device keeps as long as a script can
   * reach them. Runs that have begun end as they would. Nothing runs after it: E0609.
   */
  destroy(): void;
}

/** A kernel with its buffers. */
export interface BoundKernel {
  /** One pass with so many dispatches, one unless said otherwise. Throws E0609 after `destroy`. */
  record(encoder: GPUCommandEncoder, timestampWrites?: GPUComputePassTimestampWrites, launches?: number): void;
  /** Frees the buffers. */
  destroy(): void;
}

// The values of GPUBufferUsage and GPUMapMode, which Node has not among its globals.
const usage = { mapRead: 1, copySource: 4, copyDestination: 8, uniform: 64, storage: 128 };
const mapModeRead = 1;

/**
 * Compiles the kernel on the device, and its pipeline too where `dims` names all of its override dimensions.
 * Throws TircError: E0607, E0610 to E0613, E0615.
 */
export async function prepareKernel(device: GPUDevice, kernel: Kernel, dims: Dims = {}): Promise<PreparedKernel> {
  const prepared = new Prepared(device, kernel, dims);
  await prepared.compile();
  return prepared;
}

/** `prepareKernel` and one `run`; the kernel is destroyed afterwards. */
export async function runKernel(
  device: GPUDevice,
  kernel: Kernel,
  inputs: Inputs,
  dims: Dims = {},
): Promise<RunResult> {
  const prepared = new Prepared(device, kernel, dims);
  const uploaded = prepared.upload(inputs, {});
  try {
    await prepared.compile();
    return await prepared.runOn(uploaded);
  } finally {
    uploaded.destroy();
    prepared.destroy();
  }
}

class Prepared implements PreparedKernel {
  readonly kernel: Kernel;
  readonly #device: GPUDevice;
  readonly #dims: Dims;
  #pipelines: PipelineCache | undefined;
  readonly #bound = new Set<BoundKernel>();

  constructor(device: GPUDevice, kernel: Kernel, dims: Dims) {
    checkDevice(device, kernel);
    this.kernel = kernel;
    this.#device = device;
    this.#dims = readDims(kernel, dims);
    this.#pipelines = new PipelineCache(device, kernel);
  }

  get #alive(): PipelineCache {
    return this.#pipelines ?? fail(runtimeErrors.destroyed(this.kernel.name));
  }

  async compile(): Promise<void> {
    const [device, { name, manifest }] = [this.#device, this.kernel];
    await failIfLost(device, name);
    await orDeviceLost(device, name, this.#alive.compile());
    const isComplete = manifest.overrides.every(({ dim }) => Object.hasOwn(this.#dims, dim));
    if (isComplete) await orDeviceLost(device, name, this.#alive.get(this.#dims));
  }

  /** Copies the inputs to the device, at once. */
  upload(inputs: Inputs, more: Dims): Uploaded {
    const { layout } = this.#alive;
    const dims = mergeDims(this.#dims, readDims(this.kernel, more));
    return upload(this.#device, this.kernel, layout, bindInputs(this.kernel, inputs, dims));
  }

  async run(inputs: Inputs, dims: Dims = {}): Promise<RunResult> {
    const uploaded = this.upload(inputs, dims);
    try {
      return await this.runOn(uploaded);
    } finally {
      uploaded.destroy();
    }
  }

  runOn(uploaded: Uploaded): Promise<RunResult> {
    const { name } = this.kernel;
    const run = async () => runOnce(this.#device, name, await this.#complete(uploaded), uploaded);
    return orDeviceLost(this.#device, name, run());
  }

  async bind(inputs: Inputs, dims: Dims = {}): Promise<BoundKernel> {
    const uploaded = this.upload(inputs, dims);
    const { name } = this.kernel;
    try {
      const record = await orDeviceLost(this.#device, name, this.#complete(uploaded));
      if (this.#pipelines === undefined) fail(runtimeErrors.destroyed(name));
      let isDestroyed = false;
      const bound: BoundKernel = {
        record: (...args) => (isDestroyed ? fail(runtimeErrors.destroyed(name)) : record(...args)),
        destroy: () => {
          isDestroyed = true;
          uploaded.destroy();
          this.#bound.delete(bound);
        },
      };
      this.#bound.add(bound);
      return bound;
    } catch (caught) {
      uploaded.destroy();
      throw caught;
    }
  }

  /** With the pipeline for its extents, and once the device has found nothing wrong with the buffers. */
  async #complete({ bound, group, workgroups: [x, y], checked }: Uploaded): Promise<BoundKernel["record"]> {
    const [pipeline] = await Promise.all([this.#alive.get(bound.dims), checked]);
    return (encoder, timestampWrites, launches = 1) => {
      const pass = encoder.beginComputePass({ label: this.kernel.name, ...(timestampWrites && { timestampWrites }) });
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      // Of no workgroup Dawn says on the console that it is unusual.
      for (let i = 0; i < launches && x > 0; i++) pass.dispatchWorkgroups(x, y);
      pass.end();
    };
  }

  destroy(): void {
    this.#pipelines = undefined;
    for (const bound of this.#bound) bound.destroy();
  }
}

function mergeDims(prepared: Dims, more: Dims): Dims {
  for (const [name, extent] of Object.entries(more)) {
    const before = prepared[name];
    if (before !== undefined && before !== extent) {
      fail(runtimeErrors.dimConflict(name, "prepareKernel's dimensions", before, "run's dimensions", extent));
    }
  }
  return Object.assign(Object.create(null), prepared, more);
}

interface Result {
  readonly binding: Binding;
  readonly buffer: GPUBuffer;
  readonly size: number;
}

/** What a call has on the device. */
interface Uploaded {
  readonly bound: BoundInputs;
  readonly workgroups: readonly [number, number];
  readonly group: GPUBindGroup;
  readonly results: readonly Result[];
  /** Throws what the device has against the buffers. */
  readonly checked: Promise<void>;
  /** A buffer that goes with the others. */
  create(label: string, size: number, usage: GPUBufferUsageFlags): GPUBuffer;
  destroy(): void;
}

function upload(device: GPUDevice, kernel: Kernel, layout: GPUBindGroupLayout, bound: BoundInputs): Uploaded {
  for (const binding of kernel.manifest.bindings) checkSize(device, binding, bound.dims);
  const workgroups = countWorkgroups(kernel, bound.dims);
  const buffers = new Set<GPUBuffer>();
  const destroy = () => {
    for (const buffer of buffers) buffer.destroy();
    buffers.clear();
  };
  const create: Uploaded["create"] = (label, size, usage) => {
    const buffer = device.createBuffer({ label, size, usage });
    buffers.add(buffer);
    return buffer;
  };
  try {
    const { value, checked } = withErrorScopes(device, kernel.name, () => {
      const { entries, results } = fillBuffers(device, kernel, bound, create);
      return { group: device.createBindGroup({ layout, entries }), results };
    });
    checked.catch(() => {}); // It is awaited with the pipeline, which may fail first.
    return { bound, workgroups, ...value, checked, create, destroy };
  } catch (caught) {
    destroy();
    throw caught;
  }
}

async function runOnce(
  device: GPUDevice,
  name: string,
  record: BoundKernel["record"],
  uploaded: Uploaded,
): Promise<RunResult> {
  const { value: readbacks, checked } = withErrorScopes(device, name, () => submit(device, record, uploaded));
  // Both must settle before the buffers go, or a rejection would be left to nobody.
  const [reported, read] = await Promise.allSettled([checked, readAll(readbacks, uploaded.bound.dims)]);
  if (reported.status === "rejected") throw reported.reason;
  if (read.status === "rejected") throw read.reason;
  return { outputs: read.value, launches: uploaded.workgroups[0] > 0 ? 1 : 0 };
}

function fillBuffers(device: GPUDevice, kernel: Kernel, bound: BoundInputs, createBuffer: Uploaded["create"]) {
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
function submit(device: GPUDevice, record: BoundKernel["record"], { results, create }: Uploaded): Result[] {
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

/** In x and y. Throws E0608 for more than the kernel counts, which no device starts either. */
function countWorkgroups({ name, manifest: { dispatch } }: Kernel, dims: Dims): readonly [number, number] {
  const overflow = overflowOf(dispatch, (dim) => extents([dim], dims)[0] as number);
  if (overflow !== undefined) fail(runtimeErrors.notCounted(name, overflow, mostCounted));
  return workgroupsOf(dispatch, elementCount(extents(dispatch.rows, dims)));
}
