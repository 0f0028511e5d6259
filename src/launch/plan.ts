/** A plan on a device: records its steps, and manages the memory between them. */

import { type DispatchInto, encodePass, type Part, type Result } from "./bound.ts";
import type { BindPlanOptions, BoundPlan, BoundStep, EncodeSteps, PlanOptions } from "./bound-plan.ts";
import { product } from "./counts.ts";
import { dispatchOf } from "./launch.ts";
import { compilePipeline, destroyAll, type ErrorOf, type Launcher, launcherOf, releaseLauncher } from "./launcher.ts";
import { callsIn, overlapIn } from "./overlap.ts";
import {
  type LaunchBuffer,
  type LaunchOfKernel,
  type LaunchOfOp,
  type LaunchPlan,
  type LaunchView,
  planExtents,
} from "./plan-manifest.ts";
import type { LaunchHooks } from "./prepared.ts";
import { type Fail, shortText } from "./problems.ts";
import { callProduct } from "./products.ts";
import { readBack } from "./read-back.ts";
import {
  arrays,
  boundSize,
  bufferOf,
  checkKind,
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

/** The memory of a slot for intermediates. */
interface Place {
  readonly buffer: GPUBuffer;
  /** Whether commands that the caller has not submitted yet use it. */
  isAwaited: boolean;
}

/** The memory of each of the plan's buffers in a call, or the number of a scalar. */
type Memory = Map<string, GPUBufferBinding | number>;
type Extents = Readonly<Record<string, number>>;

/** The checked arguments of a call, on the device. */
interface Arguments {
  readonly memory: Memory;
  readonly extents: Extents;
  readonly options: BindPlanOptions<AnyTypes>;
  /** Copies of arrays. */
  readonly uploaded: GPUBuffer[];
  readonly made: GPUBuffer[];
}

/** A plan on a device, which can be launched any number of times. */
export class PreparedPlan<T extends LaunchTypes = AnyTypes> {
  readonly device: GPUDevice;
  readonly #plan: LaunchPlan;
  readonly #fail: Fail;
  readonly #guard: NonNullable<LaunchHooks["guard"]>;
  readonly #calls: readonly (LaunchOfOp | (LaunchOfKernel & { readonly launcher: Launcher }))[];
  readonly #launchers: ReadonlyMap<string, Launcher>;
  readonly #inputs: readonly LaunchBuffer[];
  readonly #integersOf: LaunchKernel["integersOf"];
  readonly #results: readonly LaunchBuffer[];
  readonly #intermediates: readonly LaunchBuffer[];
  /** For each buffer, the size of the largest array element that a kernel uses. */
  readonly #strides = new Map<string, number>();
  readonly #places = new Map<number, Place>();
  /** The usage of intermediates, which the caller may also copy if it computes some. */
  readonly #usage: number;
  #isDestroyed = false;

  /** Throws if the device does not meet a requirement. Pipelines are not compiled yet. @param kernels that the plan launches. */
  constructor(device: GPUDevice, plan: LaunchPlan, kernels: readonly LaunchKernel[], hooks: LaunchHooks = {}) {
    const { name, buffers, steps } = plan;
    this.#integersOf = kernels.find((kernel) => kernel.integersOf)?.integersOf;
    const explain = kernels.find((kernel) => kernel.explain)?.explain ?? shortText;
    const errorOf: ErrorOf = hooks.errorOf ?? ((_, problem) => new TypeError(`${name}: ${explain(problem)}`));
    this.device = device;
    this.#plan = plan;
    this.#usage = steps.some((step) => "opaque" in step) ? storage | copySource | copyDestination : storage;
    this.#guard = hooks.guard ?? ((work) => ({ value: work() }));
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
        // The size of extents that an entry point for multiples accepts is a multiple of its strides anyway.
        const stride = manifest.strides[i] as number;
        this.#strides.set(buffer, Math.max(this.#strides.get(buffer) ?? 0, stride));
      }
    }
  }

  /** The shader module of a kernel, which can be asked for compilation messages. */
  moduleOf(kernel: string): GPUShaderModule {
    return (this.#launchers.get(kernel) as Launcher).moduleOf({});
  }

  /** Compiles the pipelines without blocking: with the extents `dims`, if some are pipeline constants. */
  async compile(dims: Readonly<Record<string, number>> = {}): Promise<void> {
    const { dims: names, extents } = this.#plan;
    const all = names.every(({ name }) => own(dims, name) !== undefined) ? planExtents(extents, dims) : dims;
    await Promise.all([...this.#launchers.values()].map((launcher) => compilePipeline(launcher, all)));
  }

  /**
   * Launches the plan once: submitted at once, or in the caller's encoder. The results belong to the caller. Arrays are
   * copied once, even if several kernels read them. Throws if an argument is wrong, before anything is recorded.
   */
  launch(
    tensors: LaunchTensors<T>,
    dims: object = {},
    options: PlanOptions<T> = {},
  ): { readonly [N in keyof T["outputs"]]: GPUBuffer } {
    const given = this.#read(tensors, dims, options);
    const [results, encode] = this.#place(given, !options.encoder);
    const encoder = options.encoder ?? this.device.createCommandEncoder({ label: this.#plan.name });
    encode(encoder);
    // Commands that the caller submits later still need the copies.
    if (!options.encoder) {
      this.device.queue.submit([encoder.finish()]);
      destroyAll(given.uploaded);
    }
    return Object.fromEntries(results.map(([name, { buffer }]) => [name, buffer])) as never;
  }

  /**
   * Binds tensors and extents, so that the plan can be recorded any number of times. Arrays are copied before it returns. Throws
   * if an argument is wrong.
   */
  bind(tensors: LaunchTensors<T>, dims: object = {}, options: BindPlanOptions<T> = {}): BoundPlan<T> {
    const given = this.#read(tensors, dims, options);
    const [results, encode, steps] = this.#place(given, false);
    return {
      ...{ encode, steps, outputs: Object.fromEntries(results) as never },
      destroy: () => destroyAll([...given.made.splice(0), ...given.uploaded.splice(0)]),
    };
  }

  /** Runs the plan once, and reads back the results that are not given. Arrays are copied before it returns. */
  async run(tensors: LaunchTensors<T>, dims: object = {}, options: BindPlanOptions<T> = {}): Promise<T["outputs"]> {
    const { device } = this;
    const { value: given, checked } = this.#guard(() => this.#read(tensors, dims, options));
    try {
      await Promise.all([this.compile(given.extents), checked]);
      const { value: arraysOf, checked: submitted } = this.#guard(() => {
        const [results, encode] = this.#place(given, true);
        const encoder = device.createCommandEncoder({ label: this.#plan.name });
        encode(encoder);
        const read = readBack(device, encoder, results, given.made);
        device.queue.submit([encoder.finish()]);
        return read;
      });
      return (await arraysOf(submitted)) as T["outputs"];
    } finally {
      destroyAll([...given.made, ...given.uploaded]);
    }
  }

  /**
   * Places the tensors of all steps, and checks them before anything is recorded. @param isAlone whether it is submitted once, at
   * once.
   */
  #place(given: Arguments, isAlone: boolean): readonly [readonly Result[], EncodeSteps, BoundPlan["steps"]] {
    const { memory, extents, options, made, uploaded } = given;
    const { products = {}, allocate } = options;
    try {
      if (this.#isDestroyed) this.#fail("E0609 destroyed");
      const again = this.#shareMemory(memory);
      const places = new Map(
        [...this.#sizes(extents)].map(([slot, size]) => [
          slot,
          allocate ? { buffer: allocate(size) } : this.#grow(slot, size, !isAlone),
        ]),
      );
      for (const { name, slot = 0 } of this.#intermediates) memory.set(name, places.get(slot) as GPUBufferBinding);
      const calls = this.#calls.map((step) => {
        if ("opaque" in step) return { step, seen: this.#seenBy(step, given) };
        const of = (names: Readonly<Record<string, string>>) =>
          Object.fromEntries(
            Object.entries(names).flatMap(([name, buffer]) => (memory.has(buffer) ? [[name, memory.get(buffer)]] : [])),
          );
        const call = step.launcher.place(of(step.reads), made, extents, of(step.writes));
        for (const [name, part] of call.results) memory.set(step.writes[name] as string, part);
        return { step, call };
      });
      const steps = calls.map(({ step, seen, call }): BoundStep => {
        if ("opaque" in step) {
          const encode: EncodeSteps = (into) => {
            checkKind(this.#fail, "encoder", into);
            callProduct(step, into, products, (view) => seen?.get(view));
          };
          return { name: step.name, encode };
        }
        const { launcher, launch: label } = step;
        const dispatch: DispatchInto = dispatchOf(launcher, call as NonNullable<typeof call>, isAlone);
        const encode: EncodeSteps = (into, more) => encodePass(launcher.fail, into, dispatch, { label, ...more });
        return { name: label, encode, dispatch };
      });
      const results = this.#results.map(({ name, same = name, result = name, element, shape }): Result => {
        const part = (memory.get(name) ?? memory.get(same)) as Part;
        const count = product(shape.map((dim) => extentIn(this.#fail, extents, dim)));
        return [result, part, element, count, made.includes(part.buffer)];
      });
      const kernels = steps.filter(({ dispatch }) => dispatch);
      const encode: EncodeSteps = (into, options = {}) => {
        checkKind(this.#fail, "encoder", into);
        checkMembers(this.#fail, "options", options);
        const { timestampWrites: writes } = options;
        for (const step of steps) {
          const timestampWrites = writes && {
            querySet: writes.querySet,
            ...(step === kernels[0] && { beginningOfPassWriteIndex: writes.beginningOfPassWriteIndex }),
            ...(step === kernels.at(-1) && { endOfPassWriteIndex: writes.endOfPassWriteIndex }),
          };
          // A pass that writes neither timestamp has no `timestampWrites`.
          step.encode(
            into,
            timestampWrites && Object.keys(timestampWrites).length > 1 ? ({ timestampWrites } as never) : {},
          );
        }
        for (const names of again) {
          const [from, to] = [names.same as string, names.name].map((one) => memory.get(one) as GPUBufferBinding);
          copyPart(into, from as GPUBufferBinding, to as GPUBufferBinding);
        }
      };
      return [results, encode, steps];
    } catch (caught) {
      destroyAll([...made, ...uploaded]);
      throw caught;
    }
  }

  /**
   * Results with the same value share a buffer, whichever of them has a given one. @returns those with a different one, which are
   * copied.
   */
  #shareMemory(memory: Memory): readonly LaunchBuffer[] {
    return this.#results.filter(({ name, same }) => {
      const own = memory.get(name) as GPUBufferBinding | undefined;
      if (same === undefined || own === undefined) return false;
      const first = memory.get(same) as GPUBufferBinding | undefined;
      if (first === undefined) memory.set(same, own);
      return first !== undefined && (first.buffer !== own.buffer || first.offset !== own.offset);
    });
  }

  /**
   * Frees the pipelines and the memory of intermediates. Everything that was recorded must have been submitted. Nothing can be
   * started afterwards.
   */
  destroy(): void {
    this.#isDestroyed = true;
    for (const launcher of this.#launchers.values()) releaseLauncher(launcher);
    for (const { buffer } of this.#places.values()) buffer.destroy();
    this.#places.clear();
  }

  /** Checks the arguments, and then creates buffers for arrays. */
  #read(tensors: object, dims: object, options: BindPlanOptions<T>): Arguments {
    const fail = this.#fail;
    checkMembers(fail, "options", options);
    const { outputs = {}, products = {} } = options;
    if (this.#isDestroyed) fail("E0609 destroyed");
    for (const step of this.#calls) {
      if ("opaque" in step && typeof products[step.opaque] !== "function")
        fail("E0628 no product", step.opaque, step.name);
    }
    const memory: Memory = new Map();
    const uploaded: GPUBuffer[] = [];
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
      return readTensor(result, element, isInput, value, count, size, this.device.limits, fail, this.#integersOf);
    };
    const isScalar = ({ shape }: LaunchBuffer) => shape.length === 0;
    for (const { name } of this.#inputs.filter(isScalar)) {
      // The kernels that take the number check it.
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
      // A result that is not given is created by the kernel that writes it.
      if (!has && !array) continue;
      const buffer = has ?? bufferOf(this.device, name, size, usageOf(array), array);
      if (!has) uploaded.push(buffer);
      memory.set(name, { buffer, offset, size });
    }
    return { memory, extents: all, options: options as BindPlanOptions<AnyTypes>, uploaded, made: [] };
  }

  /** The tensors that an opaque step reads and writes. */
  #seenBy({ reads, writes }: LaunchOfOp, given: Arguments) {
    return new Map([...Object.values(reads), ...Object.values(writes)].map((view) => [view, this.#seen(view, given)]));
  }

  /** The number or the tensor of a view. A result that is not given is created. */
  #seen({ buffer: name, shape }: LaunchView, { memory, made, extents }: Arguments) {
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

  #sizeOf({ name, same = name, element, shape }: LaunchBuffer, extents: Extents): number {
    const count = product(shape.map((dim) => (typeof dim === "number" ? dim : (extents[dim] as number))));
    return boundSize(element, this.#strides.get(same) ?? 0, count);
  }

  /** The size of each slot: that of the largest intermediate in it. */
  #sizes(extents: Extents): Map<number, number> {
    const sizes = new Map<number, number>();
    for (const one of this.#intermediates) {
      const { slot = 0 } = one;
      sizes.set(slot, Math.max(sizes.get(slot) ?? 0, this.#sizeOf(one, extents)));
    }
    return sizes;
  }

  /** The memory of a slot, reallocated if it is too small. */
  #grow(slot: number, size: number, isAwaited: boolean): Place {
    const before = this.#places.get(slot);
    if (before && before.buffer.size >= size) {
      before.isAwaited ||= isAwaited;
      return before;
    }
    if (before && !before.isAwaited) before.buffer.destroy();
    const place = { buffer: bufferOf(this.device, this.#plan.name, size, this.#usage), isAwaited };
    this.#places.set(slot, place);
    return place;
  }
}

function copyPart(into: GPUCommandEncoder, from: GPUBufferBinding, to: GPUBufferBinding): void {
  into.copyBufferToBuffer(from.buffer, from.offset ?? 0, to.buffer, to.offset ?? 0, from.size);
}
