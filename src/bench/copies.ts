/** The baseline for the time of a kernel: copying as many bytes, with the best of several geometries. */

import { workgroupsOf } from "../launch/counts.ts";
import { copyDestination, storage } from "../launch/tensors.ts";
import type { Encodable } from "../runtime/measure.ts";

/** Copy kernels that share two buffers. */
interface Copies {
  readonly copies: readonly Encodable[];
  /** The bytes that each copy moves, half read and half written: as requested, or the most that two bindings hold. */
  readonly moved: number;
  destroy(): void;
}

/** @param bytes the number of bytes to move, half read and half written. */
export function copiesOf(device: GPUDevice, bytes: number): Copies {
  const { maxStorageBufferBindingSize, maxComputeInvocationsPerWorkgroup } = device.limits;
  const vectors = Math.max(1, Math.min(Math.ceil(bytes / 32), Math.floor(maxStorageBufferBindingSize / 16)));
  const buffers = [0, 1].map(() => device.createBuffer({ size: vectors * 16, usage: storage | copyDestination }));
  const sizes = [32, 64, 256].filter((size) => size <= maxComputeInvocationsPerWorkgroup);
  const copies = sizes.flatMap((size) => [1, 4, 16].map((steps) => copyBy(device, buffers, vectors, size, steps)));
  return {
    copies,
    moved: vectors * 32,
    destroy() {
      for (const buffer of buffers) buffer.destroy();
    },
  };
}

function copyBy(
  device: GPUDevice,
  buffers: readonly GPUBuffer[],
  vectors: number,
  size: number,
  steps: number,
): Encodable {
  const code = `@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@compute @workgroup_size(${size}) fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let first = (group.x + group.y * groups.x) * ${size * steps}u + local;
  for (var step = 0u; step < ${steps}u; step++) {
    let i = first + step * ${size}u;
    if (i < ${vectors}u) { y[i] = x[i]; }
  }
}`;
  const compute = { module: device.createShaderModule({ code }), entryPoint: "main" };
  const pipeline = device.createComputePipeline({ layout: "auto", compute });
  const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
  const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
  const workgroups = workgroupsOf({ rowsPerWorkgroup: size * steps }, vectors);
  return {
    encode(encoder, options = {}) {
      const pass = encoder.beginComputePass({ ...options });
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(...workgroups);
      pass.end();
    },
  };
}
