/**
 * Times a program's kernels against a plain copy of the same number of bytes, by the device's timestamps if it has them
 * (browsers round them to 0.1 ms), else from submission until the work is done. A sample is one pass with enough
 * launches to take some milliseconds; program and copy alternate, so that other load on the machine affects both.
 */

import { elementCount } from "../../src/ir/tensor.ts";
import { workgroupsOf } from "../../src/launch/counts.ts";
import { planExtents } from "../../src/launch/plan-manifest.ts";
import { boundSize } from "../../src/launch/tensors.ts";
import { type Dims, extents, type Inputs } from "../../src/runtime/bind-inputs.ts";
import { type Stopwatch, stopwatch } from "../../src/runtime/measure.ts";
import type { RunnablePlan } from "../../src/runtime/prepare-plan.ts";
import type { Tensors } from "../../src/runtime/runner.ts";

/** Work that can be dispatched in a pass. */
interface Dispatched {
  dispatch(pass: GPUComputePassEncoder): void;
  destroy(): void;
}

export interface Timing {
  /** Milliseconds per launch, in the order in which they were taken. */
  readonly kernel: readonly number[];
  readonly copy: readonly number[];
  /** The bytes of the program's inputs and results, which is what the copy reads and writes. */
  readonly bytes: number;
  readonly clock: Stopwatch["clock"];
}

const samples = 24;
const warmUps = 3;
const sampleMilliseconds = 4;
const mostLaunches = 256;
const mostMilliseconds = 4000;

export async function timePlan(device: GPUDevice, prepared: RunnablePlan, inputs: Inputs, dims: Dims): Promise<Timing> {
  const known = planExtents(prepared.plan.extents, dims);
  const outside = prepared.plan.buffers.filter(({ kind, shape }) => {
    return kind === "result" || (kind !== "intermediate" && shape.length > 0);
  });
  const sizes = outside.map(({ element, shape }) => boundSize(element, 0, elementCount(extents(shape, known))));
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  const watch = stopwatch(device);
  const bound: Dispatched[] = [];
  try {
    const { steps, destroy } = prepared.bind(inputs as Tensors, dims);
    bound.push({
      destroy,
      dispatch(pass) {
        for (const step of steps) step.dispatch?.(pass);
      },
    });
    bound.push(await prepareCopy(device, bytes / 2));
    /** Measures the milliseconds of one launch in a pass of `launches`. */
    const timers = bound.map((one) => async (launches: number) => {
      const encode = (encoder: GPUCommandEncoder, options: GPUComputePassDescriptor = {}) => {
        const pass = encoder.beginComputePass(options);
        for (let i = 0; i < launches; i++) one.dispatch(pass);
        pass.end();
      };
      return (await watch.time({ encode })) / launches;
    });
    const launches: number[] = [];
    for (const time of timers) launches.push(await calibrate(time));
    const times: [number[], number[]] = [[], []];
    const start = performance.now();
    for (let i = 0; i < samples + warmUps; i++) {
      for (const [which, time] of timers.entries()) {
        const taken = await time(launches[which] as number);
        if (i >= warmUps) times[which]?.push(taken);
      }
      if (i >= warmUps && performance.now() - start > mostMilliseconds) break;
    }
    return { kernel: times[0], copy: times[1], bytes, clock: watch.clock };
  } finally {
    for (const one of bound) one.destroy();
    watch.destroy();
  }
}

/** The number of launches in a sample. */
async function calibrate(time: (launches: number) => Promise<number>): Promise<number> {
  let launches = 1;
  for (;;) {
    const whole = (await time(launches)) * launches;
    if (whole >= sampleMilliseconds || launches >= mostLaunches) return launches;
    launches = Math.min(mostLaunches, launches * 4);
  }
}

/** A copy that reads `bytes` and writes `bytes`, a vec4 per invocation. */
async function prepareCopy(device: GPUDevice, bytes: number): Promise<Dispatched> {
  const vectors = Math.max(1, Math.ceil(bytes / 16));
  const workgroups = workgroupsOf({ rowsPerWorkgroup: 64 }, vectors);
  const module = device.createShaderModule({
    code: `@group(0) @binding(0) var<storage, read> source: array<vec4u>;
@group(0) @binding(1) var<storage, read_write> destination: array<vec4u>;
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.x + group.y * groups.x) * 64u + local;
  if (i < ${vectors}u) { destination[i] = source[i]; }
}`,
  });
  const pipeline = await device.createComputePipelineAsync({ layout: "auto", compute: { module } });
  const buffers = [0, 1].map(() => device.createBuffer({ size: 16 * vectors, usage: GPUBufferUsage.STORAGE }));
  const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
  const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
  return {
    dispatch(pass) {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(...workgroups);
    },
    destroy() {
      for (const buffer of buffers) buffer.destroy();
    },
  };
}
