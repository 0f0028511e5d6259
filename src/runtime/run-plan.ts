/** Runs a plan: its kernels in one command buffer, with the memory between them. */

import type { Kernel } from "../../codegen/manifest.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { runtimeErrors } from "../diagnostics/errors-runtime.ts";
import { elementCount } from "../ir/tensor.ts";
import { product } from "../launch/counts.ts";
import { overlapIn } from "../launch/plan.ts";
import {
  type LaunchBuffer,
  type LaunchOfKernel,
  type LaunchPlan,
  type LaunchView,
  planExtents,
} from "../launch/plan-manifest.ts";
import { callProduct, type Products, type ProductTensor } from "../launch/products.ts";
import { arrays, boundSize, copyDestination, copySource, mapRead, storage } from "../launch/tensors.ts";
import type { LaunchKernel, OnDevice } from "../launch/types.ts";
import { bindingOf, signatureOf } from "../plan-signature.ts";
import { bindInputs, type Dims, extents, type Inputs, readDims } from "./bind-inputs.ts";
import { orDeviceLost, withErrorScopes } from "./device-errors.ts";
import { encode, hostTensorOf, toNumber, writeArray } from "./host-tensor.ts";
import { manifestOf, prepare, type RunResult } from "./prepare.ts";

/** A function as several kernels. */
export interface CompiledPlan {
  readonly plan: LaunchPlan;
  /** By the names that the plan launches. */
  readonly kernels: readonly (Kernel | LaunchKernel)[];
}

// The value of GPUMapMode, which Node has not among its globals.
const modeRead = 1;

/** How a plan is run. */
export interface RunPlanOptions {
  /** What computes the matrix products, convolutions and ops of other programs for which the plan has no kernels. */
  readonly products?: Products;
}

/**
 * Runs a plan once, and reads back the results that are not given. Inputs and dimensions are as for one kernel
 * (`PreparedKernel.run`).
 * @throws TircError E0601 to E0609, E0618, E0619 and E0628 for what is passed, E0610 to E0616 and E0627 for the device.
 */
export async function runPlan(
  device: GPUDevice,
  { plan, kernels }: CompiledPlan,
  tensors: Inputs,
  given: Dims = {},
  { products = {} }: RunPlanOptions = {},
): Promise<RunResult> {
  for (const step of plan.steps) {
    if ("opaque" in step && !products[step.opaque]) fail(runtimeErrors.noProduct(plan.name, step.name, step.opaque));
  }
  const signature = signatureOf(plan);
  const read = bindInputs(signature, tensors, readDims(signature, given));
  const dims = planExtents(plan.extents, read.dims);
  const byName = new Map(kernels.map((kernel) => [kernel.name, kernel]));
  const launches = plan.steps.filter((step): step is LaunchOfKernel => "launch" in step);
  const made: GPUBuffer[] = [];
  const prepared = await Promise.all(
    launches.map(({ launch }) =>
      prepare(device, byName.get(launch) as Kernel, dimsOf(byName.get(launch) as Kernel, dims)),
    ),
  );
  try {
    const { value, checked } = withErrorScopes(device, plan.name, () => {
      const memory = memoryOf(device, plan, dims, read, made);
      refuseOverlap(plan, dims, memory);
      const encoder = device.createCommandEncoder({ label: plan.name });
      const byStep = new Map(launches.map((step, i) => [step, prepared[i] as (typeof prepared)[number]]));
      for (const step of plan.steps) {
        if ("opaque" in step) callProduct(step, encoder, products, (view) => tensorOf(view, plan, dims, memory));
        if (!("launch" in step)) continue;
        const { reads, writes } = step;
        const kernel = byStep.get(step) as (typeof prepared)[number];
        const of = (names: Readonly<Record<string, string>>) =>
          Object.fromEntries(Object.entries(names).map(([name, buffer]) => [name, memory.get(buffer) as OnDevice]));
        kernel.bind(of(reads), dimsOf(kernel.kernel, dims), of(writes)).encode(encoder);
      }
      for (const buffer of plan.buffers) {
        const { name, same, result = name } = buffer;
        if (same === undefined) continue;
        const first = memory.get(same) as OnDevice;
        if (read.onDevice[result] === undefined) memory.set(name, first);
        else copyPart(encoder, first, memory.get(name) as OnDevice, sizeIn(dims, buffer));
      }
      const copies = plan.buffers.flatMap((buffer) => {
        const from = memory.get(buffer.name);
        if (buffer.kind !== "result" || !made.includes(from as GPUBuffer)) return [];
        const size = (from as GPUBuffer).size;
        const copy = device.createBuffer({ label: "copy", size, usage: mapRead | copyDestination });
        made.push(copy);
        encoder.copyBufferToBuffer(from as GPUBuffer, 0, copy, 0, size);
        return [{ buffer, copy }];
      });
      device.queue.submit([encoder.finish()]);
      return copies;
    });
    // All must settle before the buffers go, or a rejection would be left to nobody.
    const settled = await orDeviceLost(
      device,
      plan.name,
      Promise.allSettled([checked, ...value.map(({ copy }) => copy.mapAsync(modeRead))]),
    );
    for (const one of settled) if (one.status === "rejected") throw one.reason;
    const outputs = value.map(({ buffer, copy }, i) => {
      const binding = bindingOf(buffer, i);
      const shape = extents(buffer.shape, dims);
      const array = new arrays[buffer.element](copy.getMappedRange(), 0, elementCount(shape)).slice();
      return [binding.name, hostTensorOf(binding, shape, array)] as const;
    });
    return { outputs: Object.fromEntries(outputs), launches: launches.length };
  } finally {
    for (const kernel of prepared) kernel.destroy();
    for (const buffer of made) buffer.destroy();
  }
}

/** What an opaque step reads or writes; a parameter without dimensions is a number. */
function tensorOf(
  { buffer: name, shape }: LaunchView,
  { buffers }: LaunchPlan,
  dims: Dims,
  memory: ReadonlyMap<string, OnDevice | number>,
): ProductTensor | number {
  const { element } = buffers.find((one) => one.name === name) as LaunchBuffer;
  const found = memory.get(name) as OnDevice | number;
  if (typeof found === "number") return found;
  const { buffer, offset = 0 } = "buffer" in found ? found : { buffer: found };
  const seen = extents(shape, dims);
  return { buffer, offset, size: elementCount(seen) * arrays[element].BYTES_PER_ELEMENT, element, shape: seen };
}

/** Of all extents, those of the dimensions that the kernel has. */
function dimsOf(kernel: Kernel | LaunchKernel, dims: Dims): Record<string, number> {
  return Object.fromEntries(manifestOf(kernel).dims.map(({ name }) => [name, dims[name] as number]));
}

function copyPart(encoder: GPUCommandEncoder, from: OnDevice, to: OnDevice, size: number): void {
  const [source, target] = [from, to].map((one) => ("buffer" in one ? one : { buffer: one, offset: 0 }));
  if (source?.buffer === target?.buffer && source?.offset === target?.offset) return;
  const [a, b] = [source, target] as [GPUBufferBinding, GPUBufferBinding];
  encoder.copyBufferToBuffer(a.buffer, a.offset ?? 0, b.buffer, b.offset ?? 0, size);
}

/** E0619: a result is not written over what is still to be read. */
function refuseOverlap(plan: LaunchPlan, dims: Dims, memory: ReadonlyMap<string, OnDevice | number>): void {
  const parts = plan.buffers.flatMap((buffer) => {
    const is = memory.get(buffer.name) as OnDevice | number;
    if (typeof is === "number") return [];
    const { buffer: has, offset = 0 } = "buffer" in is ? is : { buffer: is };
    return [[buffer.name, [has, offset, sizeIn(dims, buffer)]] as const];
  });
  const overlap = overlapIn(plan, new Map(parts));
  if (overlap) fail(runtimeErrors.boundTwice(plan.name, ...overlap, false));
}

const sizeIn = (dims: Dims, buffer: LaunchBuffer): number =>
  boundSize(buffer.element, bindingOf(buffer, 0).stride, product(extents(buffer.shape, dims)));

/** What each buffer of the plan is: memory of the device, or the number of a scalar. */
function memoryOf(
  device: GPUDevice,
  { buffers, steps }: LaunchPlan,
  dims: Dims,
  { arrays: host, onDevice }: ReturnType<typeof bindInputs>,
  made: GPUBuffer[],
): Map<string, OnDevice | number> {
  const sizeOf = (buffer: LaunchBuffer) => sizeIn(dims, buffer);
  const make = (label: string, size: number, more: number): GPUBuffer => {
    const buffer = device.createBuffer({ label, size, usage: storage | more });
    made.push(buffer);
    return buffer;
  };
  const arrayOf = new Map(host.map((one) => [one.binding.name, one]));
  const places = new Map<number, number>();
  for (const buffer of buffers) {
    if (buffer.slot !== undefined) places.set(buffer.slot, Math.max(places.get(buffer.slot) ?? 0, sizeOf(buffer)));
  }
  // What the caller computes it may copy, too.
  const more = steps.some((step) => "opaque" in step) ? copySource | copyDestination : 0;
  const intermediates = new Map([...places].map(([slot, size]) => [slot, make(`place ${slot}`, size, more)]));
  return new Map(
    buffers.map((buffer): [string, OnDevice | number] => {
      const { name, kind, element, slot } = buffer;
      if (slot !== undefined) return [name, intermediates.get(slot) as GPUBuffer];
      const given = onDevice[buffer.result ?? name];
      const isInput = kind === "input" || kind === "constant";
      if (given !== undefined && (isInput || buffer.result === undefined)) return [name, given as OnDevice];
      if (buffer.same !== undefined) return [name, 0];
      if (!isInput) return [name, make(name, sizeOf(buffer), copySource | more)];
      const { binding, data } = arrayOf.get(name) as (typeof host)[number];
      if (binding.shape.length === 0) return [name, toNumber(element, data)];
      const memory = make(name, sizeOf(buffer), copyDestination | more);
      writeArray(device.queue, memory, encode(binding, data));
      return [name, memory];
    }),
  );
}
