/** A plan as a function: its kernels in one command buffer, with the memory between them. */

import type { Call } from "./bound.ts";
import type { CallableKernel } from "./callable.ts";
import { product } from "./counts.ts";
import { type LaunchOptions, record } from "./launch.ts";
import { compilePipeline, destroyAll, type ErrorOf, type Launcher, launcherOf, releaseLauncher } from "./launcher.ts";
import {
  type LaunchBuffer,
  type LaunchOfKernel,
  type LaunchOfOp,
  type LaunchPlan,
  type LaunchStep,
  type LaunchView,
  planExtents,
} from "./plan-manifest.ts";
import { type Fail, shortText } from "./problems.ts";
import { callProduct, type Products } from "./products.ts";
import {
  arrays,
  boundSize,
  bufferOf,
  checkMembers,
  copyDestination,
  copySource,
  extentIn,
  type Given,
  own,
  readTensor,
  storage,
  usageOf,
} from "./tensors.ts";
import type { AnyTypes, LaunchKernel, LaunchTensors, LaunchTypes } from "./types.ts";

/** Where commands go, where results are written, and what computes the products for which the plan has no kernels. */
export interface PlanOptions<T extends LaunchTypes> extends LaunchOptions<T> {
  readonly products?: Products | undefined;
}

/** A function that is several kernels: called as one kernel is. */
export interface CallablePlan<T extends LaunchTypes> extends Pick<CallableKernel<T>, "types"> {
  /**
   * Starts the kernels once, and gives the buffers of the results. What the plan needs of the device, memory for
   * intermediates too, is kept for the next call. Throws what is wrong with the arguments, before anything is recorded.
   */
  (
    device: GPUDevice,
    tensors: LaunchTensors<T>,
    ...rest: Record<never, never> extends T["dims"]
      ? [dims?: T["dims"], options?: PlanOptions<T>]
      : [dims: T["dims"], options?: PlanOptions<T>]
  ): { readonly [N in keyof T["outputs"]]: GPUBuffer };
  readonly plan: LaunchPlan;
  /** In the order in which they are launched. */
  readonly kernels: readonly LaunchKernel[];
  /**
   * The plan on a device, once its pipelines are compiled, without blocking: with the extents `dims`, where some are pipeline
   * constants. Throws what the device lacks, or has against a kernel.
   */
  prepare(device: GPUDevice, dims?: Partial<T["dims"]>): Promise<PreparedPlan<T>>;
}

/** Memory of intermediates. */
interface Place {
  readonly buffer: GPUBuffer;
  /** It stands in commands that the caller has yet to submit. */
  isAwaited: boolean;
}

/** What a buffer of the plan is in a call: memory of the device, or the number of a scalar. */
type Memory = Map<string, GPUBufferBinding | number>;

/** A plan on a device, to be launched any number of times. */
export class PreparedPlan<T extends LaunchTypes = AnyTypes> {
  readonly device: GPUDevice;
  readonly #plan: LaunchPlan;
  readonly #fail: Fail;
  readonly #calls: readonly (LaunchOfOp | (LaunchOfKernel & { readonly launcher: Launcher }))[];
  readonly #launchers: ReadonlyMap<string, Launcher>;
  readonly #inputs: readonly LaunchBuffer[];
  readonly #results: readonly LaunchBuffer[];
  readonly #intermediates: readonly LaunchBuffer[];
  /** Bytes of the largest vector that a kernel has of a buffer. */
  readonly #strides = new Map<string, number>();
  readonly #places = new Map<number, Place>();
  /** Of intermediates: what the caller computes it may copy, too. */
  readonly #usage: number;
  #isDestroyed = false;

  /** Throws for what the device lacks. Pipelines are not compiled yet. @param kernels those that the plan launches. */
  constructor(device: GPUDevice, plan: LaunchPlan, kernels: readonly LaunchKernel[]) {
    const { name, buffers, steps } = plan;
    const explain = kernels.find((kernel) => kernel.explain)?.explain ?? shortText;
    const errorOf: ErrorOf = (_, problem) => new TypeError(`${name}: ${explain(problem)}`);
    this.device = device;
    this.#plan = plan;
    this.#usage = steps.some((step) => "opaque" in step) ? storage | copySource | copyDestination : storage;
    this.#fail = (...problem) => {
      throw errorOf(name, problem);
    };
    const launchers = new Map(kernels.map((kernel) => [kernel.name, launcherOf(device, kernel, errorOf)]));
    this.#launchers = launchers;
    this.#calls = callsIn(steps).map((step) =>
      "launch" in step ? { ...step, launcher: launchers.get(step.launch) as Launcher } : step,
    );
    this.#inputs = buffers.filter(({ kind }) => kind === "input" || kind === "constant");
    this.#results = buffers.filter(({ kind }) => kind === "result");
    this.#intermediates = buffers.filter(({ kind }) => kind === "intermediate");
    for (const step of this.#calls) {
      if ("opaque" in step) continue;
      const { reads, writes, launcher } = step;
      const { manifest } = launcher;
      for (const [i, [binding]] of [...manifest.reads, ...manifest.writes].entries()) {
        const buffer = (i < manifest.reads.length ? reads : writes)[binding] as string;
        this.#strides.set(buffer, Math.max(this.#strides.get(buffer) ?? 0, manifest.strides[i] as number));
      }
    }
  }

  /** Compiles the pipelines, without blocking: with the extents `dims`, where some are pipeline constants. */
  async compile(dims: Readonly<Record<string, number>> = {}): Promise<void> {
    const { dims: names, extents } = this.#plan;
    const all = names.every(({ name }) => own(dims, name) !== undefined) ? planExtents(extents, dims) : dims;
    await Promise.all([...this.#launchers.values()].map((launcher) => compilePipeline(launcher, all)));
  }

  /**
   * Starts the kernels once: submitted at once, or in an encoder of the caller's. The results are the caller's. Arrays are
   * copied once, whatever number of kernels reads them. Throws what is wrong with the arguments, before anything is recorded.
   */
  launch(
    tensors: LaunchTensors<T>,
    dims: object = {},
    options: PlanOptions<T> = {},
  ): { readonly [N in keyof T["outputs"]]: GPUBuffer } {
    checkMembers(this.#fail, "options", options);
    const { encoder, outputs = {}, products = {} } = options;
    if (this.#isDestroyed) this.#fail("E0609 destroyed");
    for (const step of this.#calls) {
      if ("opaque" in step && !products[step.opaque]) this.#fail("E0628 no product", step.opaque, step.name);
    }
    const made: GPUBuffer[] = [];
    const uploaded: GPUBuffer[] = [];
    try {
      const memory: Memory = new Map();
      const all = this.#bind(memory, uploaded, tensors, dims, outputs);
      const again = this.#shareMemory(memory);
      for (const [slot, size] of this.#sizes(all)) this.#grow(slot, size, encoder !== undefined);
      for (const { name, slot = 0 } of this.#intermediates) memory.set(name, this.#places.get(slot) as Place);
      type Recorder = (into: GPUCommandEncoder) => void;
      const recorders = this.#calls.map((step): Recorder => {
        if ("opaque" in step) {
          const seen = new Map(
            [...Object.values(step.reads), ...Object.values(step.writes)].map((view) => [
              view,
              this.#seen(view, memory, made, all),
            ]),
          );
          return (into) => callProduct(step, into, products, (view) => seen.get(view));
        }
        const given = (names: Readonly<Record<string, string>>) =>
          Object.fromEntries(
            Object.entries(names).flatMap(([name, buffer]) => {
              const is = memory.get(buffer);
              return is === undefined ? [] : [[name, is]];
            }),
          );
        const call: Call = step.launcher.place(given(step.reads), made, all, given(step.writes));
        for (const [name, part] of call.results) memory.set(step.writes[name] as string, part);
        return (into: GPUCommandEncoder) => record(step.launcher, call, into, !encoder);
      });
      const into = encoder ?? this.device.createCommandEncoder({ label: this.#plan.name });
      for (const add of recorders) add(into);
      for (const names of again) {
        const [from, to] = [names.same as string, names.name].map((one) => memory.get(one) as GPUBufferBinding);
        copyPart(into, from as GPUBufferBinding, to as GPUBufferBinding);
      }
      // What the caller has yet to submit needs the copies still.
      if (!encoder) {
        this.device.queue.submit([into.finish()]);
        destroyAll(uploaded);
      }
      const parts = this.#results.map(({ name, same = name, result = name }) => {
        return [result, ((memory.get(name) ?? memory.get(same)) as GPUBufferBinding).buffer];
      });
      return Object.fromEntries(parts);
    } catch (caught) {
      destroyAll([...made, ...uploaded]);
      throw caught;
    }
  }

  /** Results that are one value lie in one buffer, whichever of them is given one. @returns those that are given another. */
  #shareMemory(memory: Memory): readonly LaunchBuffer[] {
    return this.#results.filter(({ name, same }) => {
      const own = memory.get(name) as GPUBufferBinding | undefined;
      if (same === undefined || own === undefined) return false;
      const first = memory.get(same) as GPUBufferBinding | undefined;
      if (first === undefined) memory.set(same, own);
      return first !== undefined && (first.buffer !== own.buffer || first.offset !== own.offset);
    });
  }

  /** Frees the pipelines and the memory of intermediates. What was recorded must have been submitted. Nothing starts after it. */
  destroy(): void {
    this.#isDestroyed = true;
    for (const launcher of this.#launchers.values()) releaseLauncher(launcher);
    for (const { buffer } of this.#places.values()) buffer.destroy();
    this.#places.clear();
  }

  /** Checks what is passed, and says where it lies: arrays in buffers that are made for them, once all is checked. */
  #bind(memory: Memory, uploaded: GPUBuffer[], tensors: object, dims: object, outputs: object): Record<string, number> {
    const fail = this.#fail;
    const inputs = this.#inputs.map(({ name }) => name);
    const results = this.#results.map(({ name, result = name }) => result);
    checkMembers(fail, "tensors", tensors, [...new Set([...inputs, ...results])]);
    checkMembers(fail, "outputs", outputs, results);
    checkMembers(fail, "dimensions", dims);
    const given = Object.fromEntries(this.#plan.dims.map(({ name }) => [name, extentIn(fail, dims, name)]));
    const all = planExtents(this.#plan.extents, given);

    const read = (buffer: LaunchBuffer, isInput: boolean, value: unknown): Given => {
      const { name, element, shape, result = name } = buffer;
      const count = product(shape.map((dim) => extentIn(fail, all, dim)));
      const size = this.#sizeOf(buffer, all);
      return readTensor(result, element, isInput, value, count, size, this.device.limits, fail);
    };
    const isScalar = ({ shape }: LaunchBuffer) => shape.length === 0;
    for (const { name } of this.#inputs.filter(isScalar)) {
      // Each kernel that takes the number checks it.
      const value = own(tensors, name) as number;
      if (value === undefined) fail("E0601 missing", name);
      memory.set(name, value);
    }
    const parts = this.#inputs
      .filter((buffer) => !isScalar(buffer))
      .map((buffer) => [buffer, read(buffer, true, own(tensors, buffer.name))] as const);
    const written = this.#results.map((buffer) => {
      const { name, result = name } = buffer;
      const value = own(outputs, result) ?? (inputs.includes(result) ? undefined : own(tensors, result));
      return [buffer, read(buffer, false, value)] as const;
    });
    for (const buffer of this.#intermediates) read(buffer, false, undefined);
    const overlap = overlapIn(this.#plan, new Map([...parts, ...written].map(([{ name }, part]) => [name, part])));
    if (overlap) fail("E0619 one buffer", ...overlap, false);

    for (const [{ name }, [has, offset, size, array]] of [...parts, ...written]) {
      // A result that is not given is made by the kernel that writes it.
      if (!has && !array) continue;
      const buffer = has ?? bufferOf(this.device, name, size, usageOf(array), array);
      if (!has) uploaded.push(buffer);
      memory.set(name, { buffer, offset, size });
    }
    return all;
  }

  /** What an opaque step reads or writes: a number, or memory; a result that is not given is made. */
  #seen(
    { buffer: name, shape }: LaunchView,
    memory: Memory,
    made: GPUBuffer[],
    extents: Readonly<Record<string, number>>,
  ) {
    const buffer = this.#plan.buffers.find((one) => one.name === name) as LaunchBuffer;
    const { element } = buffer;
    const size = this.#sizeOf(buffer, extents);
    const is = memory.get(name) ?? {
      buffer: bufferOf(this.device, name, size, storage | copySource | copyDestination),
    };
    if (typeof is === "number") return is;
    if (!memory.has(name)) made.push(is.buffer);
    memory.set(name, is);
    const own = shape.map((dim) => (typeof dim === "number" ? dim : (extents[dim] as number)));
    return {
      buffer: is.buffer,
      offset: is.offset ?? 0,
      size: product(own) * arrays[element].BYTES_PER_ELEMENT,
      element,
      shape: own,
    };
  }

  #sizeOf({ name, same = name, element, shape }: LaunchBuffer, extents: Readonly<Record<string, number>>): number {
    const count = product(shape.map((dim) => (typeof dim === "number" ? dim : (extents[dim] as number))));
    return boundSize(element, this.#strides.get(same) ?? 0, count);
  }

  /** Of each place: bytes that are enough for each intermediate there. */
  #sizes(extents: Readonly<Record<string, number>>): Map<number, number> {
    const sizes = new Map<number, number>();
    for (const one of this.#intermediates) {
      const { slot = 0 } = one;
      sizes.set(slot, Math.max(sizes.get(slot) ?? 0, this.#sizeOf(one, extents)));
    }
    return sizes;
  }

  /** Makes a place anew where it is too small. */
  #grow(slot: number, size: number, isAwaited: boolean): void {
    const before = this.#places.get(slot);
    if (before && before.buffer.size >= size) {
      before.isAwaited ||= isAwaited;
      return;
    }
    if (before && !before.isAwaited) before.buffer.destroy();
    this.#places.set(slot, { buffer: bufferOf(this.device, this.#plan.name, size, this.#usage), isAwaited });
  }
}

function copyPart(into: GPUCommandEncoder, from: GPUBufferBinding, to: GPUBufferBinding): void {
  into.copyBufferToBuffer(from.buffer, from.offset ?? 0, to.buffer, to.offset ?? 0, from.size);
}

/** What computes, in order: kernels, and what the caller fills in. */
const callsIn = (steps: readonly LaunchStep[]) => steps.filter((step) => "launch" in step || "opaque" in step);

/**
 * A result that would be written over what is still to be read, after the name of that: an input of a later kernel, or
 * another result. What a kernel reads and writes itself it refuses, or reads before it writes.
 * @param parts what is on the device, by the name of its buffer
 */
export function overlapIn(
  { buffers, steps }: LaunchPlan,
  parts: ReadonlyMap<string, readonly [buffer: unknown, offset: number, size: number, ...rest: unknown[]]>,
): readonly [before: string, result: string] | undefined {
  const calls = callsIn(steps);
  const namesIn = (views: Readonly<Record<string, string | LaunchView>>) =>
    Object.values(views).map((view) => (typeof view === "string" ? view : view.buffer));
  const last = (of: "reads" | "writes", name: string) =>
    calls.map((step) => namesIn(step[of]).includes(name)).lastIndexOf(true);
  const isOver = (name: string, other: string) => {
    const [buffer, offset, size] = parts.get(name) ?? [undefined, 0, 0];
    const [has, from, length] = parts.get(other) ?? [undefined, 0, 0];
    return buffer !== undefined && buffer === has && from < offset + size && offset < from + length;
  };
  const results = buffers.filter(({ kind }) => kind === "result");
  for (const [i, { name, same, result = name }] of results.entries()) {
    const isReadLater = (one: LaunchBuffer) => one.kind !== "result" && last("reads", one.name) > last("writes", name);
    const others = [...buffers.filter(isReadLater), ...results.slice(0, i).filter((one) => one.name !== same)];
    const other = others.find((one) => isOver(name, one.name));
    if (other) return [other.result ?? other.name, result];
  }
  return undefined;
}

/** It has no effect until it is called. @param kernels those that the plan launches. */
export function plan<T extends LaunchTypes>(
  manifest: LaunchPlan,
  kernels: readonly CallableKernel<AnyTypes>[],
): CallablePlan<T> {
  const { name } = manifest;
  const onDevice = new WeakMap<GPUDevice, PreparedPlan<T>>();
  const call = (device: GPUDevice, tensors: LaunchTensors<T>, dims?: T["dims"], options?: PlanOptions<T>) => {
    const kept = onDevice.get(device) ?? new PreparedPlan<T>(device, manifest, kernels);
    onDevice.set(device, kept);
    return kept.launch(tensors, dims, options);
  };
  const prepare = async (device: GPUDevice, dims?: Partial<T["dims"]>) => {
    const prepared = new PreparedPlan<T>(device, manifest, kernels);
    await prepared.compile(dims as Record<string, number>);
    return prepared;
  };
  const described = Object.assign(call, { plan: manifest, kernels, prepare }) as unknown as CallablePlan<T>;
  // The function `prepare` takes one kernel.
  const get = () => {
    throw new TypeError(`${name} is several kernels: call it, or \`await ${name}.prepare(device)\``);
  };
  return Object.defineProperties(described, { name: { value: name }, forms: { get } });
}
