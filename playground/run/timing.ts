/**
 * Times a kernel against a plain copy that moves as many bytes. Timestamps of the device where it has them (browsers
 * round them to 0.1 ms), else the time from submitting until the work is done. A sample is one pass of so many launches
 * that it takes some milliseconds; kernel and copy take turns, so that what else the machine does weighs on both.
 */

import type { Kernel } from "../../codegen/manifest.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { elementCount } from "../../src/ir/tensor.ts";
import { type Dims, extents } from "../../src/runtime/bind-inputs.ts";
import { countWorkgroups, layoutEntries } from "../../src/runtime/execute.ts";
import { bufferSize, encode } from "../../src/runtime/host-tensor.ts";

export interface Timing {
  /** Milliseconds a launch, in the order in which they were taken. */
  readonly kernel: readonly number[];
  readonly copy: readonly number[];
  /** What the kernel reads and writes, and so does the copy. */
  readonly bytes: number;
  readonly clock: "timestamps" | "submission";
}

const samples = 24;
const warmUps = 3;
const sampleMilliseconds = 4;
const mostLaunches = 256;
const mostMilliseconds = 4000;

interface Timed {
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly workgroups: readonly [number, number];
}

export async function timeKernel(
  device: GPUDevice,
  kernel: Kernel,
  inputs: Readonly<Record<string, Tensor>>,
  dims: Dims,
): Promise<Timing> {
  const buffers: GPUBuffer[] = [];
  const allocate = (size: number, usage: GPUBufferUsageFlags) => {
    const buffer = device.createBuffer({ size, usage });
    buffers.push(buffer);
    return buffer;
  };
  const watch = stopwatch(device, allocate);
  try {
    const bytes = kernel.manifest.bindings.reduce(
      (sum, binding) => sum + bufferSize(binding, elementCount(extents(binding.shape, dims))),
      0,
    );
    const timed = await prepareKernel(device, kernel, inputs, dims, allocate);
    const copy = await prepareCopy(device, bytes / 2, allocate);
    const launches = [await watch.calibrate(timed), await watch.calibrate(copy)] as const;
    const times = { kernel: [] as number[], copy: [] as number[] };
    const start = performance.now();
    for (let i = 0; i < samples + warmUps; i++) {
      const kernelTime = await watch.time(timed, launches[0]);
      const copyTime = await watch.time(copy, launches[1]);
      if (i < warmUps) continue;
      times.kernel.push(kernelTime);
      times.copy.push(copyTime);
      if (performance.now() - start > mostMilliseconds) break;
    }
    return { ...times, bytes, clock: watch.clock };
  } finally {
    for (const buffer of buffers) buffer.destroy();
    watch.close();
  }
}

type Allocate = (size: number, usage: GPUBufferUsageFlags) => GPUBuffer;

function stopwatch(device: GPUDevice, allocate: Allocate) {
  const hasTimestamps = device.features.has("timestamp-query");
  const querySet = hasTimestamps ? device.createQuerySet({ type: "timestamp", count: 2 }) : undefined;
  const resolved = allocate(16, GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC);
  const readable = allocate(16, GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ);

  /** Milliseconds of one launch, from a pass of `launches`. */
  async function time({ pipeline, group, workgroups }: Timed, launches: number): Promise<number> {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass(
      querySet ? { timestampWrites: { querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 } } : {},
    );
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    for (let i = 0; i < launches; i++) pass.dispatchWorkgroups(...workgroups);
    pass.end();
    if (querySet) {
      encoder.resolveQuerySet(querySet, 0, 2, resolved, 0);
      encoder.copyBufferToBuffer(resolved, 0, readable, 0, 16);
    }
    const start = performance.now();
    device.queue.submit([encoder.finish()]);
    if (!querySet) {
      await device.queue.onSubmittedWorkDone();
      return (performance.now() - start) / launches;
    }
    await readable.mapAsync(GPUMapMode.READ);
    const [from, to] = new BigUint64Array(readable.getMappedRange().slice(0)) as unknown as [bigint, bigint];
    readable.unmap();
    return Number(to - from) / 1e6 / launches;
  }

  /** How many launches make a sample. */
  async function calibrate(timed: Timed): Promise<number> {
    let launches = 1;
    for (;;) {
      const whole = (await time(timed, launches)) * launches;
      if (whole >= sampleMilliseconds || launches >= mostLaunches) return launches;
      launches = Math.min(mostLaunches, launches * 4);
    }
  }

  const clock: Timing["clock"] = hasTimestamps ? "timestamps" : "submission";
  return { time, calibrate, clock, close: () => querySet?.destroy() };
}

async function prepareKernel(
  device: GPUDevice,
  kernel: Kernel,
  inputs: Readonly<Record<string, Tensor>>,
  dims: Dims,
  allocate: Allocate,
): Promise<Timed> {
  const { bindings, uniforms, overrides, entryPoint } = kernel.manifest;
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
  const entries: GPUBindGroupEntry[] = bindings.map((binding) => {
    const size = bufferSize(binding, elementCount(extents(binding.shape, dims)));
    const buffer = allocate(size, usage);
    if (binding.access === "read") {
      const bytes = encode(binding, inputs[binding.name]?.data ?? []);
      const padded = new Uint8Array(size);
      padded.set(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
      device.queue.writeBuffer(buffer, 0, padded);
    }
    return { binding: binding.binding, resource: { buffer } };
  });
  if (uniforms) {
    const buffer = allocate(uniforms.size, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST);
    const fields = new Uint32Array(uniforms.size / 4);
    for (const [i, name] of uniforms.fields.entries()) fields[i] = dims[name] as number;
    device.queue.writeBuffer(buffer, 0, fields);
    entries.push({ binding: uniforms.binding, resource: { buffer } });
  }
  const layout = device.createBindGroupLayout({ entries: layoutEntries(kernel) });
  const constants = Object.fromEntries(overrides.map(({ dim, constant }) => [constant, dims[dim] as number]));
  const module = device.createShaderModule({ code: kernel.wgsl });
  const pipeline = await device.createComputePipelineAsync({
    layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
    compute: { module, entryPoint, constants },
  });
  const group = device.createBindGroup({ layout, entries });
  return { pipeline, group, workgroups: countWorkgroups(device, kernel, dims) };
}

/** Reads and writes `bytes` each, a vec4 a lane. */
async function prepareCopy(device: GPUDevice, bytes: number, allocate: Allocate): Promise<Timed> {
  const vectors = Math.max(1, Math.ceil(bytes / 16));
  const groups = Math.ceil(vectors / 64);
  const workgroups = [Math.min(groups, 65535), Math.ceil(groups / 65535)] as const;
  const module = device.createShaderModule({
    code: `@group(0) @binding(0) var<storage, read> source: array<vec4u>;
@group(0) @binding(1) var<storage, read_write> destination: array<vec4u>;
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.x + group.y * 65535u) * 64u + local;
  if (i < ${vectors}u) { destination[i] = source[i]; }
}`,
  });
  const pipeline = await device.createComputePipelineAsync({ layout: "auto", compute: { module } });
  const entries = [0, 1].map((binding) => {
    return { binding, resource: { buffer: allocate(16 * vectors, GPUBufferUsage.STORAGE) } };
  });
  return { pipeline, group: device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }), workgroups };
}
