/**
 * A kernel on a device: prepared once, bound to tensors, dispatched any number of times. This folder imports nothing from
 * outside: its text is also what generated modules carry.
 *
 * Binding arguments once and dispatching often is what PyTorch's CUDA graphs and wgpu's render bundles do; uniform space
 * in slots that are used again is Dawn's own advice for dynamic data.
 *
 * - tensor: a `GPUBuffer`, a part of one (`{ buffer, offset, size }`), or a typed array, which is copied to the device.
 * - scalar: a parameter without dimensions. It is a number, and lies in the uniform buffer beside the extents.
 */

import { Bound, type Part, type Placed, type Result, Slots } from "./bound.ts";
import { formFor, smallestSubgroup } from "./choose.ts";
import { overflowOf, product, workgroupsOf } from "./counts.ts";
import type { LaunchBinding } from "./manifest.ts";
import { type LaunchProblem, launchError } from "./problems.ts";
import {
  arrays,
  boundSize,
  type Given,
  own,
  readAliases,
  readExtents,
  readTensor,
  readUniforms,
  usage,
  writeArray,
} from "./tensors.ts";
import type { AfterTensors, AnyTypes, LaunchKernel, LaunchOutputs, LaunchTensors, LaunchTypes } from "./types.ts";

/** What stands around a launcher. */
export interface LaunchHooks {
  /** The error that is thrown for a problem; one in short unless said otherwise. */
  readonly errorOf?: (kernel: string, problem: LaunchProblem) => Error;
  /** Runs what makes objects of the device; `checked` rejects with what the device has against them. */
  readonly guard?: <R>(work: () => R) => { readonly value: R; readonly checked?: Promise<void> };
}

/** How a kernel is launched once. */
export interface LaunchOptions<T extends LaunchTypes> {
  /** Record into this encoder; submitting it is the caller's. Without one, the kernel is submitted at once. */
  readonly encoder?: GPUCommandEncoder | undefined;
  /** Where results are to be written. */
  readonly outputs?: LaunchOutputs<T["outputs"]> | undefined;
}

/** A kernel, or the form of it in which results are written over inputs. */
interface Variant {
  readonly key: string;
  readonly layout: GPUBindGroupLayout;
  readonly pipelineLayout: GPUPipelineLayout;
  readonly module: GPUShaderModule;
}

type Constants = Readonly<Record<string, number>>;
type Pipeline = GPUComputePipeline | Promise<GPUComputePipeline>;

/** A call whose arguments are on the device, and the pipeline that it takes. */
interface Call extends Placed {
  readonly variant: Variant;
  readonly constants: Constants;
}

/** Pipelines of a kernel, one for each choice of pipeline constants; beyond, those go that were used longest ago. */
const mostPipelines = 16;
const mostLasting = 64;

// The values of GPUShaderStage and GPUMapMode, which Node has not among its globals.
const stageCompute = 4;
const modeRead = 1;

/** A kernel on a device, to bind and run any number of times. */
export class Prepared<T extends LaunchTypes = AnyTypes> {
  readonly device: GPUDevice;
  readonly kernel: LaunchKernel<T>;
  /** Of the kernel's text: the device can be asked for messages about it. */
  readonly module: GPUShaderModule;
  readonly #errorOf: NonNullable<LaunchHooks["errorOf"]>;
  readonly #guard: NonNullable<LaunchHooks["guard"]>;
  readonly #variants = new Map<string, Variant>();
  readonly #pipelines = new Map<string, Pipeline>();
  readonly #slots: Slots;
  /** Uniforms of launches that the caller submits, by their content: they are never written again. */
  readonly #lasting = new Map<string, Part>();
  readonly #bound = new Set<Bound<T>>();
  #isDestroyed = false;

  /** Throws for what the device lacks. Pipelines are not compiled yet. */
  constructor(device: GPUDevice, kernel: LaunchKernel<T>, { errorOf, guard }: LaunchHooks = {}) {
    this.device = device;
    this.kernel = formFor(device, kernel);
    this.#errorOf = errorOf ?? launchError;
    this.#guard = guard ?? ((work) => ({ value: work() }));
    const { requiredFeatures, requiredLimits, requiredSubgroupSize = 0, uniforms } = this.kernel.manifest;
    const missing = requiredFeatures.filter((feature) => !device.features.has(feature));
    if (missing.length > 0) this.#fail({ is: "no feature", missing });
    for (const [limit, needs] of Object.entries(requiredLimits)) {
      const has = device.limits[limit as keyof GPUSupportedLimits] as number | undefined;
      if (has !== undefined && has < needs) this.#fail({ is: "no limit", limit, needs, has });
    }
    const smallest = smallestSubgroup(device);
    if (smallest < requiredSubgroupSize)
      this.#fail({ is: "narrow subgroups", needs: requiredSubgroupSize, has: smallest });
    this.#slots = new Slots(device, uniforms?.size ?? 0);
    this.module = this.#variant([]).module;
  }

  #fail = (problem: LaunchProblem): never => {
    throw this.#errorOf(this.kernel.name, problem);
  };

  /** Compiles the pipeline, without blocking. Where extents are pipeline constants, `dims` has them, or nothing is done. */
  async compile(dims: object = {}): Promise<void> {
    const { overrides } = this.kernel.manifest;
    if (!overrides.every(({ dim }) => typeof own(dims, dim) === "number")) return;
    await this.#pipelineSoon(
      this.#variant([]),
      this.#constants((dim) => own(dims, dim) as number),
    );
  }

  /**
   * Binds tensors and extents; arrays are copied before it returns. Results are named among the tensors or, where an
   * input has the same name, in `outputs`; those that are not given are made. Throws what is wrong with them.
   */
  bind(tensors: LaunchTensors<T>, ...[dims, outputs]: AfterTensors<T>): Bound<T> {
    const call = this.#place(tensors, dims, outputs);
    try {
      const free = () => {
        this.#bound.delete(bound);
        this.#free(call);
      };
      const owner = { free, gone: () => this.#fail({ is: "destroyed" }) };
      const bound: Bound<T> = new Bound<T>(this.kernel.name, call, this.#pipelineNow(call), owner);
      this.#bound.add(bound);
      return bound;
    } catch (caught) {
      this.#free(call);
      throw caught;
    }
  }

  /**
   * Starts the kernel once: submitted at once, or in a pass of an encoder of the caller's. The results are the caller's.
   * Throws what is wrong with the arguments.
   */
  launch(tensors: LaunchTensors<T>, dims: T["dims"] | undefined, options: LaunchOptions<T> = {}) {
    if (typeof options !== "object" || options === null)
      this.#fail({ is: "not an object", what: "options", got: options });
    const { encoder, outputs } = options;
    const call = this.#place(tensors, dims, outputs, encoder !== undefined);
    this.#encode(call, this.#pipelineNow(call), encoder);
    const { results, made, slot } = call;
    // What the caller has not submitted yet must stay.
    const copies = made.filter((buffer) => results.every(({ part }) => part.buffer !== buffer));
    if (encoder === undefined) this.#free({ made: copies, slot });
    return Object.fromEntries(results.map(({ binding, part }) => [binding.name, part.buffer]));
  }

  /** Runs once; the promise has the results that are not given, as arrays. Arrays are copied before it returns. */
  async run(tensors: LaunchTensors<T>, ...[dims, outputs]: AfterTensors<T>): Promise<T["outputs"]> {
    const { value: call, checked } = this.#guard(() => this.#place(tensors, dims, outputs));
    try {
      const [pipeline] = await Promise.all([this.#pipelineSoon(call.variant, call.constants), checked]);
      const { value: copies, checked: submitted } = this.#guard(() => this.#submit(call, pipeline));
      // All must settle before the buffers go, or a rejection would be left to nobody.
      const settled = await Promise.allSettled([submitted, ...copies.map(({ copy }) => copy.mapAsync(modeRead))]);
      for (const one of settled) if (one.status === "rejected") throw one.reason;
      const read = copies.map(({ binding, count, copy }) => {
        return [binding.name, new arrays[binding.element](copy.getMappedRange(), 0, count).slice()];
      });
      return Object.fromEntries(read) as T["outputs"];
    } finally {
      this.#free(call);
    }
  }

  /** Into an encoder of the caller's, or submitted, with what `more` encodes. */
  #encode(
    call: Call,
    pipeline: GPUComputePipeline,
    given?: GPUCommandEncoder,
    more?: (encoder: GPUCommandEncoder) => void,
  ) {
    const { device } = this;
    const label = this.kernel.name;
    const encoder = given ?? device.createCommandEncoder({ label });
    new Bound<T>(label, call, pipeline, { free() {}, gone: () => this.#fail({ is: "destroyed" }) }).encode(encoder);
    more?.(encoder);
    if (given === undefined) device.queue.submit([encoder.finish()]);
  }

  /** Starts the kernel, and copies the results that were made to where the host can read them. */
  #submit(call: Call, pipeline: GPUComputePipeline): (Result & { readonly copy: GPUBuffer })[] {
    const copies = call.results.flatMap((result) => {
      if (!result.isMade) return [];
      const { size } = result.part;
      const copy = this.device.createBuffer({ label: "copy", size, usage: usage.mapRead | usage.copyDestination });
      call.made.push(copy);
      return [{ ...result, copy }];
    });
    this.#encode(call, pipeline, undefined, (encoder) => {
      for (const { part, copy } of copies) encoder.copyBufferToBuffer(part.buffer, 0, copy, 0, part.size);
    });
    return copies;
  }

  /** Frees pipelines and all that is bound. Runs that have begun end as they would. Nothing starts after it. */
  destroy(): void {
    this.#isDestroyed = true;
    for (const bound of this.#bound) bound.destroy();
    this.#pipelines.clear();
    for (const { buffer } of this.#lasting.values()) buffer.destroy();
    this.#slots.close();
  }

  #constants(extentOf: (dim: string) => number): Constants {
    return Object.fromEntries(this.kernel.manifest.overrides.map(({ dim, constant }) => [constant, extentOf(dim)]));
  }

  /** With these inputs read through the variables of the results that are written over them. */
  #variant(aliases: readonly (readonly [input: LaunchBinding, result: LaunchBinding])[]): Variant {
    const key = aliases.map(([input, result]) => `${input.binding}=${result.binding}`).join();
    const known = this.#variants.get(key);
    if (known) return known;
    const { device, kernel } = this;
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
    this.#variants.set(key, variant);
    return variant;
  }

  /** The pipeline that is known, or a new one. */
  #pipeline(variant: Variant, constants: Constants, how: "createComputePipeline" | "createComputePipelineAsync") {
    if (this.#isDestroyed) this.#fail({ is: "destroyed" });
    const key = `${variant.key} ${JSON.stringify(constants)}`;
    const known = this.#pipelines.get(key);
    // What is still being compiled cannot be waited for in a call that returns at once.
    const isUseful = known !== undefined && !(known instanceof Promise && how === "createComputePipeline");
    const { kernel } = this;
    const compute = { module: variant.module, entryPoint: kernel.manifest.entryPoint, constants };
    const pipeline: Pipeline = isUseful
      ? known
      : this.device[how]({ label: kernel.name, layout: variant.pipelineLayout, compute });
    this.#pipelines.delete(key);
    this.#pipelines.set(key, pipeline);
    const [oldest] = this.#pipelines.keys();
    if (this.#pipelines.size > mostPipelines) this.#pipelines.delete(oldest as string);
    return { key, pipeline };
  }

  #pipelineNow({ variant, constants }: Call): GPUComputePipeline {
    return this.#pipeline(variant, constants, "createComputePipeline").pipeline as GPUComputePipeline;
  }

  async #pipelineSoon(variant: Variant, constants: Constants): Promise<GPUComputePipeline> {
    const { key, pipeline } = this.#pipeline(variant, constants, "createComputePipelineAsync");
    const replace = (by?: GPUComputePipeline) => {
      if (this.#pipelines.get(key) !== pipeline) return;
      if (by) this.#pipelines.set(key, by);
      else this.#pipelines.delete(key);
    };
    try {
      const compiled = await pipeline;
      replace(compiled);
      return compiled;
    } catch (caught) {
      replace();
      return this.#fail({ is: "no pipeline", message: (caught as Error).message });
    }
  }

  #place(tensors: object, dims: object = {}, outputs: object = {}, lasts = false): Call {
    if (this.#isDestroyed) this.#fail({ is: "destroyed" });
    for (const [what, got] of Object.entries({ tensors, dimensions: dims, outputs })) {
      if (typeof got !== "object" || got === null) this.#fail({ is: "not an object", what, got });
    }
    const { device, kernel } = this;
    const { manifest } = kernel;
    const { bindings, uniforms, dispatch } = manifest;
    this.#checkNames(tensors, outputs);
    const extents = readExtents(manifest, dims, this.#fail);
    const extentOf = (dim: number | string) => (typeof dim === "number" ? dim : (extents.get(dim) as number));
    const overflow = overflowOf(dispatch, extentOf);
    if (overflow) this.#fail({ is: "not counted", overflow });
    const words = uniforms && readUniforms(uniforms, tensors, extents, this.#fail);
    const given = bindings.map((binding): Given => {
      const { name, access, shape } = binding;
      const count = product(shape.map(extentOf));
      // A result that has the name of an input is given among the outputs alone.
      const isShared = access !== "read" && bindings.some((other) => other !== binding && other.name === name);
      const output = access === "read" ? undefined : own(outputs, name);
      const value = output === undefined && !isShared ? own(tensors, name) : output;
      return { binding, count, value: readTensor(binding, value, count, device.limits, this.#fail) };
    });
    const aliases = readAliases(given, this.#fail);
    const variant = this.#variant(aliases);

    const made: GPUBuffer[] = [];
    const results: Result[] = [];
    const slot = uniforms && !lasts ? this.#slots.take() : undefined;
    try {
      const entries = given.flatMap(({ binding, count, value }) => {
        const isOnDevice = value !== undefined && !ArrayBuffer.isView(value);
        const part: Part = isOnDevice ? value : this.#make(binding, count, value, made);
        if (binding.access === "read_write") results.push({ binding, count, part, isMade: !isOnDevice });
        return aliases.some(([input]) => input === binding) ? [] : [{ binding: binding.binding, resource: part }];
      });
      if (uniforms && words) {
        if (slot) device.queue.writeBuffer(slot.buffer, slot.offset, words);
        entries.push({ binding: uniforms.binding, resource: slot ?? this.#lastingPart(words) });
      }
      const group = device.createBindGroup({ label: kernel.name, layout: variant.layout, entries });
      const [x, y] = workgroupsOf(dispatch, product(dispatch.rows.map(extentOf)));
      return { group, x, y, results, made, slot, variant, constants: this.#constants(extentOf) };
    } catch (caught) {
      this.#free({ made, slot });
      throw caught;
    }
  }

  /** A buffer of its own for uniforms. Those that were made longest ago are let go, for the garbage collector. */
  #lastingPart(words: ArrayBuffer): Part {
    const key = new Uint32Array(words).join();
    let part = this.#lasting.get(key);
    if (part) return part;
    const size = words.byteLength;
    const buffer = this.device.createBuffer({ label: "uniforms", size, usage: usage.uniform | usage.copyDestination });
    this.device.queue.writeBuffer(buffer, 0, words);
    part = { buffer, offset: 0, size };
    const [oldest] = this.#lasting.keys();
    if (this.#lasting.size >= mostLasting) this.#lasting.delete(oldest as string);
    this.#lasting.set(key, part);
    return part;
  }

  /** A buffer for a result, or with a copy of an array. */
  #make(binding: LaunchBinding, count: number, array: Given["value"], made: GPUBuffer[]): Part {
    const size = boundSize(binding, count);
    const more = array === undefined ? usage.copySource : usage.copyDestination;
    const buffer = this.device.createBuffer({ label: binding.name, size, usage: usage.storage | more });
    made.push(buffer);
    if (ArrayBuffer.isView(array)) writeArray(this.device.queue, buffer, array);
    return { buffer, offset: 0, size };
  }

  #free({ made, slot }: Pick<Placed, "made" | "slot">): void {
    for (const buffer of made) buffer.destroy();
    if (slot) this.#slots.release(slot);
  }

  #checkNames(tensors: object, outputs: object): void {
    const { bindings, uniforms } = this.kernel.manifest;
    const names = (list: readonly { readonly name: string }[]) => list.map(({ name }) => name);
    const scalars = names((uniforms?.fields ?? []).filter(({ kind }) => kind === "scalar"));
    const check = (given: object, known: readonly string[]) => {
      const name = Object.keys(given).find((key) => !known.includes(key));
      if (name !== undefined) this.#fail({ is: "unknown", name, known });
    };
    check(tensors, [...new Set([...names(bindings), ...scalars])]);
    check(outputs, names(bindings.filter(({ access }) => access === "read_write")));
  }
}

/**
 * The kernel on a device, once its pipeline is compiled: with the extents `dims`, where some are pipeline constants.
 * Throws what the device lacks, or has against the kernel.
 */
export async function prepare<T extends LaunchTypes = AnyTypes>(
  device: GPUDevice,
  kernel: LaunchKernel<T>,
  dims?: Partial<T["dims"]>,
): Promise<Prepared<T>> {
  const prepared = new Prepared(device, kernel);
  await prepared.compile(dims);
  return prepared;
}
