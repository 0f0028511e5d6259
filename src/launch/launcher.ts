/** A kernel on a device: the objects that all calls share, and the placement of a call's arguments. */

import type { Call, Result, Stage } from "./bound.ts";
import { formFor, lackOf } from "./choose.ts";
import type { CompactManifest } from "./compact.ts";
import { overflowOf, product, workgroupsOf } from "./counts.ts";
import { type Fail, type LaunchProblem, shortText } from "./problems.ts";
import {
  boundSize,
  bufferOf,
  checkKind,
  checkMembers,
  extentIn,
  type Given,
  own,
  readTensor,
  uniformWords,
  usageOf,
} from "./tensors.ts";
import { type LaunchKernel, type ReadBy, textOf } from "./types.ts";

/** Makes the error for a problem. */
export type ErrorOf = (kernel: string, problem: LaunchProblem) => Error;

type Pipeline = GPUComputePipeline | Promise<GPUComputePipeline>;

/** A kernel on a device. */
export interface Launcher {
  readonly device: GPUDevice;
  readonly label: string;
  readonly manifest: CompactManifest;
  readonly fail: Fail;
  /** The most recently used pipelines. */
  readonly pipelines: Map<string, Pipeline>;
  /** Uniform buffers of calls, by their contents. */
  readonly lasting: Map<string, GPUBuffer>;
  readonly kernel: LaunchKernel;
  /** The shader module of the kernel, or of its variant in which results overwrite inputs. */
  moduleOf(readBy: ReadBy): GPUShaderModule;
  /** A cached or a new pipeline, and its key. */
  pipelineOf(readBy: ReadBy, stage: Stage, how?: "Async"): readonly [pipeline: Pipeline, key: string];
  /**
   * Places the arguments of a call. Throws if one is wrong, before anything is created. @param made buffers that are created for
   * the call are added to it.
   */
  place(tensors: object, made: GPUBuffer[], dims?: object, outputs?: object): Call;
}

/** Inserts into a cache of at most `most` entries, and removes the least recently used one. */
export function keep<T>(kept: Map<string, T>, key: string, value: T, most: number): T {
  kept.delete(key);
  kept.set(key, value);
  const [oldest] = kept.keys();
  if (kept.size > most) kept.delete(oldest as string);
  return value;
}

/** Throws if the device does not meet a requirement. Nothing is created yet. */
export function launcherOf(device: GPUDevice, kernel: LaunchKernel, errorOf?: ErrorOf): Launcher {
  const {
    name: label = "launch",
    forms,
    explain = shortText,
    writeScalar,
    integersOf,
    entryFor,
    constantsOf,
  } = Object(kernel) as LaunchKernel;
  const fail: Fail = (...problem) => {
    throw errorOf?.(label, problem) ?? new TypeError(`${label}: ${explain(problem)}`);
  };
  checkKind(fail, "device", device);
  checkKind(fail, "kernel", kernel);
  const [wgsl, manifest] = formFor(device, forms);
  const lack = lackOf(device, manifest.needs);
  if (lack) fail(...lack);
  const { reads, writes, uniforms } = manifest;
  const bindings = [...reads, ...writes];
  const names = bindings.map(([name]) => name);
  const scalars = uniforms.flatMap((one) => (typeof one === "string" ? [] : one[0]));
  const pipelines: Launcher["pipelines"] = new Map();
  const modules: Record<string, GPUShaderModule> = {};

  const moduleOf: Launcher["moduleOf"] = (readBy) => {
    const code = textOf(wgsl, readBy);
    modules[code] ??= device.createShaderModule({ label, code });
    return modules[code];
  };

  const pipelineOf: Launcher["pipelineOf"] = (readBy, stage, how) => {
    const key = JSON.stringify([readBy, stage]);
    let pipeline = pipelines.get(key);
    // A synchronous call cannot wait for a pipeline that is being compiled.
    if (!pipeline || (pipeline instanceof Promise && !how)) {
      pipeline = device[`createComputePipeline${how ?? ""}`]({
        label,
        layout: "auto",
        compute: { module: moduleOf(readBy), ...stage } as GPUProgrammableStage,
      });
    }
    return [keep(pipelines, key, pipeline, 16), key];
  };

  const place: Launcher["place"] = (tensors, made, dims = {}, outputs = {}) => {
    checkMembers(fail, "tensors", tensors, [...names, ...scalars]);
    checkMembers(fail, "outputs", outputs, names.slice(reads.length));
    checkMembers(fail, "dimensions", dims);
    const extentOf = (dim: number | string) => extentIn(fail, dims, dim);
    const countOf = (shape: readonly (number | string)[]) => product(shape.map(extentOf));
    const rows = countOf(manifest.rows);
    const counted = entryFor?.(manifest, rows, extentOf) ?? manifest;
    const { strides, entryPoint } = counted;
    const overflow = overflowOf(counted, extentOf);
    if (overflow) fail("E0608 not counted", ...overflow);
    const words = new Uint32Array(uniformWords(uniforms));
    for (const [i, one] of uniforms.entries()) {
      if (typeof one === "string") words[i] = extentOf(one);
      else writeScalar?.(words.buffer, i, one, tensors, fail);
    }
    const parts: Given[] = [];
    const readBy: Record<string, string> = {};
    const results: Result[] = [];
    // All arguments are checked before anything is created.
    const makers = bindings.map(([name, shape, mayAlias, given, , isUnread], binding) => {
      const element = given || "f32";
      const isInput = binding < reads.length;
      // A result with the name of an input can only be given among the outputs.
      const isTensor = isInput || (names.indexOf(name) === binding && own(outputs, name) === undefined);
      const value = own(isTensor ? tensors : outputs, name);
      const count = countOf(shape);
      const size = boundSize(element, strides[binding] as number, count);
      const part = readTensor(name, element, isInput, value, count, size, device.limits, fail, integersOf);
      const [has, offset, , array] = part;
      // WebGPU allows neither overlapping bindings if one is written, nor two parts of a buffer if only one is.
      for (const [i, [other, from, length]] of isInput || !has ? [] : parts.entries()) {
        const isResult = i >= reads.length;
        if (other !== has || (isResult && (from >= offset + size || offset >= from + length))) continue;
        const before = names[i] as string;
        const may = !isResult && typeof wgsl !== "string" && !!mayAlias && mayAlias.includes(before);
        if (!may || from !== offset) fail("E0619 one buffer", before, name, may);
        readBy[`in_${before}`] = `out_${name}`;
      }
      parts.push(part);
      return () => {
        const buffer = has ?? bufferOf(device, name, size, usageOf(array), array);
        const resource = { buffer, offset, size };
        if (!has) made.push(buffer);
        if (!isInput) results.push([name, resource, element, count, !has]);
        return isUnread || (isInput && `in_${name}` in readBy) ? [] : [{ binding, resource }];
      };
    });
    const entries: GPUBindGroupEntry[] = makers.flatMap((make) => make());
    const [x, y] = workgroupsOf(counted, rows);
    return {
      results,
      words: words.buffer,
      choice: [readBy, { entryPoint, constants: constantsOf?.(manifest, extentOf) }],
      dispatch(pipeline, resource) {
        if (resource && !manifest.unread) entries.push({ binding: bindings.length, resource });
        const group = device.createBindGroup({ label, layout: pipeline.getBindGroupLayout(0), entries });
        return (pass, set) => {
          checkKind(fail, "pass", pass);
          if (set !== pipeline) pass.setPipeline(pipeline);
          pass.setBindGroup(0, group);
          // For an empty dispatch, Dawn logs a warning to the console.
          if (x > 0) pass.dispatchWorkgroups(x, y);
          return pipeline;
        };
      },
    };
  };

  return {
    device,
    label,
    manifest,
    fail,
    pipelines,
    lasting: new Map(),
    kernel,
    moduleOf,
    pipelineOf,
    place,
  };
}

/** Compiles the pipeline without blocking. */
export async function pipelineSoon(
  { pipelines, pipelineOf, fail }: Launcher,
  ...choice: Call["choice"]
): Promise<GPUComputePipeline> {
  const [pipeline, key] = pipelineOf(...choice, "Async");
  const replace = (by?: GPUComputePipeline) => {
    if (pipelines.get(key) !== pipeline) return;
    if (by) pipelines.set(key, by);
    else pipelines.delete(key);
  };
  try {
    const compiled = await pipeline;
    replace(compiled);
    return compiled;
  } catch (caught) {
    replace();
    return fail("E0613 no pipeline", (caught as Error).message);
  }
}

/**
 * Compiles the pipelines of the entry points that may be used, without blocking: the one for `dims`, or all if `dims`
 * lacks an extent on which the choice depends. If extents are pipeline constants and `dims` does not have them, it does nothing.
 */
export async function compilePipeline(launcher: Launcher, dims: object): Promise<void> {
  const { manifest, kernel } = launcher;
  const extentOf = (dim: string) => own(dims, dim) as number;
  const constants = kernel.constantsOf?.(manifest, extentOf);
  if (Object.values(constants ?? {}).some((extent) => typeof extent !== "number")) return;
  const { entryPoint, variants = [] } = manifest;
  const isDecided = variants.every(([dim]) => typeof extentOf(dim) === "number");
  const all = isDecided
    ? [(kernel.entryFor?.(manifest, 1, extentOf) ?? manifest).entryPoint]
    : [entryPoint, ...variants.map(([, multipleOf]) => `main_x${multipleOf}`)];
  await Promise.all(all.map((name) => pipelineSoon(launcher, {}, { entryPoint: name, constants })));
}

/** Frees the objects that calls share. */
export function releaseLauncher({ pipelines, lasting }: Launcher): void {
  pipelines.clear();
  destroyAll(lasting.values());
}

export function destroyAll(buffers: Iterable<GPUBuffer>): void {
  for (const buffer of buffers) buffer.destroy();
}
