/**
 * A kernel, or a plan of several, as an op of TensorFlow.js on its WebGPU backend. It is registered as tfjs's own kernels
 * are, so its inputs are read where they lie, and its results lie in the backend's buffers: `tidy`, `dispose` and
 * `tf.profile` treat it as any op. (`dataToGPU` would copy each input, and a tensor of a buffer from outside would leave
 * that buffer to the caller.)
 */

import type * as tfjs from "@tensorflow/tfjs-core";
import type { Tensor, TensorInfo } from "@tensorflow/tfjs-core";
import { type Kernel, parametersOf } from "../../codegen/manifest.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { integrationErrors, runtimeErrors } from "../diagnostics/errors-runtime.ts";
import { elementCount } from "../ir/tensor.ts";
import { type ElementType, elementInfo, printType } from "../ir/types.ts";
import { type LaunchBuffer, type LaunchOfKernel, planExtents } from "../launch/plan-manifest.ts";
import type { AnyTypes, LaunchKernel, LaunchTypes } from "../launch/types.ts";
import { signatureOf } from "../plan-signature.ts";
import { extents } from "../runtime/bind-inputs.ts";
import { manifestOf, type PreparedKernel, prepare as prepareKernel, type Tensors } from "../runtime/prepare.ts";
import type { CompiledPlan } from "../runtime/run-plan.ts";
import { type ReadShapes, readShapes, type Shaped, start, type TensorsOf } from "./shapes.ts";

/** What a kernel takes by name: tensors of tfjs, and numbers for scalars. */
export type TfjsTensors<T extends LaunchTypes = AnyTypes> = TensorsOf<Tensor, T>;

/** A kernel, or a plan of several, on the device of tfjs's WebGPU backend. */
export interface TfjsKernel<T extends LaunchTypes = AnyTypes> {
  /** What tfjs knows it by: `tf.registerGradient` takes it. */
  readonly kernelName: string;
  /**
   * Runs the kernel: at once, as part of a layer's `call`, or in `tf.tidy`. Dimensions follow from the shapes; leading ones
   * are taken together where a parameter has fewer. f32 is float32, i32 int32, bool bool.
   * Throws TircError: E0601 to E0609, E0618, E0619.
   */
  run(tensors: TfjsTensors<T>, dims?: Partial<T["dims"]>): { readonly [N in keyof T["outputs"]]: Tensor };
  /** Frees the kernel. Nothing starts after it: E0609. */
  destroy(): void;
}

/** What is used of the module `@tensorflow/tfjs` or `@tensorflow/tfjs-core`. */
export type Tfjs = Pick<typeof tfjs, "backend" | "engine" | "getBackend" | "registerKernel" | "unregisterKernel">;

/** What is used of tfjs's WebGPU backend, as its own kernels use it. */
interface WebgpuBackend {
  readonly device: GPUDevice;
  readonly tensorMap: { get(id: object): { resource?: unknown; values: unknown } };
  makeTensorInfo(shape: number[], dtype: TfjsType): TensorInfo;
  disposeData(id: object): boolean;
  uploadToGPU(id: object): void;
  ensureCommandEncoderReady(): void;
  endComputePassEncoder(): void;
  submitQueue(): void;
}

type TfjsType = "float32" | "int32" | "bool";

const typeOf: Readonly<Partial<Record<ElementType, TfjsType>>> = { f32: "float32", i32: "int32", bool: "bool" };

interface Attributes {
  readonly scalars: Readonly<Record<string, number | boolean>>;
  readonly read: ReadShapes;
}

/** A kernel of the op, and the names of the buffers that it reads and writes by those of its bindings. */
interface Launch {
  readonly prepared: PreparedKernel;
  readonly reads: Readonly<Record<string, string>>;
  readonly writes: Readonly<Record<string, string>>;
}

/** What an op consists of: its arguments and results as the manifest of one kernel says them, and the kernels in turn. */
interface Parts {
  readonly signature: Kernel;
  readonly launches: readonly Launch[];
  readonly intermediates: readonly LaunchBuffer[];
  /** Results that are the value of another one, which alone is written. */
  readonly copies: readonly (readonly [from: string, to: string])[];
  /** The extents of all buffers. */
  extentsFor(dims: Readonly<Record<string, number>>): Readonly<Record<string, number>>;
}

/** The buffer of a result, which may have the name of an input. */
const resultKey = (name: string) => `result ${name}`;

async function partsOf(
  device: GPUDevice,
  given: Kernel | LaunchKernel | CompiledPlan,
  dims: AnyTypes["dims"],
): Promise<Parts> {
  if (!("plan" in given)) {
    const prepared = await prepareKernel(device, given as Kernel, dims);
    const signature = prepared.kernel as Kernel;
    const named = (names: readonly string[], key = (name: string) => name) =>
      Object.fromEntries(names.map((name) => [name, key(name)]));
    const reads = parametersOf(signature.manifest).map(({ name }) => name);
    const writes = signature.manifest.bindings.filter(({ access }) => access === "read_write").map(({ name }) => name);
    const launch = { prepared, reads: named(reads), writes: named(writes, resultKey) };
    return { signature, launches: [launch], intermediates: [], copies: [], extentsFor: (dims) => dims };
  }
  const { plan, kernels } = given;
  for (const step of plan.steps) {
    if ("opaque" in step) fail(runtimeErrors.noProduct(plan.name, step.name, step.opaque));
  }
  const keys = new Map(
    plan.buffers.map(({ kind, name, result }) => [name, kind === "result" ? resultKey(result ?? name) : name]),
  );
  const keyed = (names: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(names).map(([name, buffer]) => [name, keys.get(buffer) as string]));
  const steps = plan.steps.filter((step): step is LaunchOfKernel => "launch" in step);
  const launches = steps.map(async ({ launch, reads, writes }) => {
    const kernel = kernels.find(({ name }) => name === launch) as Kernel;
    return { prepared: await prepareKernel(device, kernel, dims), reads: keyed(reads), writes: keyed(writes) };
  });
  return {
    signature: signatureOf(plan),
    launches: await Promise.all(launches),
    intermediates: plan.buffers.filter(({ kind }) => kind === "intermediate"),
    copies: plan.buffers.flatMap(({ name, same }) =>
      same === undefined ? [] : [[keys.get(same) as string, keys.get(name) as string] as const],
    ),
    extentsFor: (dims) => planExtents(plan.extents, dims),
  };
}

/** Elements of four bytes that hold so many of the type. */
const wordsFor = (element: ElementType, count: number): number => Math.ceil((count * elementInfo[element].bytes) / 4);

let count = 0;

/**
 * Compiles a kernel, or all of a plan, on the device of tfjs's backend, which is `webgpu` and ready. `dims` are those that
 * are pipeline constants.
 * Throws TircError: E0607, E0610 to E0613, E0615, E0625, E0627; E0626 for a result of a type that tfjs does not have, E0628 for a
 * plan that leaves products to the caller.
 */
export async function prepare<T extends LaunchTypes = AnyTypes>(
  tf: Tfjs,
  kernel: Kernel | LaunchKernel<T> | CompiledPlan,
  dims: Partial<T["dims"]> = {},
): Promise<TfjsKernel<T>> {
  const backendName = (tf.getBackend() as string | null) ?? "none";
  const { device } = (backendName === "none" ? {} : tf.backend()) as Partial<WebgpuBackend>;
  if (device === undefined) fail(integrationErrors.noTfjsDevice(backendName));
  const { name, bindings } =
    "plan" in kernel ? nameAndBindings(signatureOf(kernel.plan)) : nameAndBindings(kernel as Kernel);
  for (const binding of bindings) {
    if (binding.access === "read_write" && typeOf[binding.element] === undefined)
      fail(integrationErrors.noTfjsType(name, binding.name, printType(binding)));
  }
  const { signature, launches, intermediates, copies, extentsFor } = await partsOf(
    device,
    kernel as Kernel,
    dims as AnyTypes["dims"],
  );
  count += 1;
  const kernelName = `tirc/${name}/${count}`;

  tf.registerKernel({
    kernelName,
    backendName,
    kernelFunc({ inputs, backend: given, attrs }) {
      const backend = given as unknown as WebgpuBackend;
      const { scalars, read } = attrs as unknown as Attributes;
      const bufferOf = ({ dataId }: TensorInfo) => {
        backend.uploadToGPU(dataId);
        return backend.tensorMap.get(dataId).resource as GPUBuffer;
      };
      /** By name: a buffer, a number, or nothing where a tensor is empty, of which there is no buffer. */
      const memory = new Map<string, unknown>(Object.entries(scalars));
      for (const [name, input] of Object.entries(inputs as Record<string, TensorInfo>)) {
        memory.set(name, elementCount(input.shape) === 0 ? [] : bufferOf(input));
      }
      const results = read.results.map(({ binding, shape }) => {
        const info = backend.makeTensorInfo([...shape], typeOf[binding.element] as TfjsType);
        // There is no buffer of no bytes.
        if (elementCount(shape) === 0) backend.tensorMap.get(info.dataId).values = emptyOf(info.dtype);
        return { name: binding.name, info };
      });
      for (const { name, info } of results) {
        if (elementCount(info.shape) > 0) memory.set(resultKey(name), bufferOf(info));
      }
      const all = extentsFor(read.dims);
      const between = intermediates.map(({ name, element, shape }) => {
        const info = backend.makeTensorInfo([wordsFor(element, elementCount(extents(shape, all)))], "float32");
        if (elementCount(info.shape) > 0) memory.set(name, bufferOf(info));
        return info;
      });
      // What tfjs has recorded, uploads too, is submitted before the kernel that reads it.
      backend.ensureCommandEncoderReady();
      backend.endComputePassEncoder();
      backend.submitQueue();
      for (const { prepared, reads, writes } of launches) {
        const of = (names: Readonly<Record<string, string>>) =>
          Object.fromEntries(
            Object.entries(names).flatMap(([name, key]) => (memory.has(key) ? [[name, memory.get(key)]] : [])),
          );
        const { dims: own } = prepared.kernel.manifest;
        const dims = Object.fromEntries(own.map(({ name }) => [name, all[name] as number]));
        start(device, prepared, of(reads) as Tensors, dims, of(writes) as Record<string, GPUBuffer>);
      }
      if (copies.length > 0) {
        const encoder = device.createCommandEncoder({ label: kernelName });
        for (const [from, to] of copies) {
          const [source, target] = [memory.get(from), memory.get(to)] as (GPUBuffer | undefined)[];
          if (source && target) encoder.copyBufferToBuffer(source, 0, target, 0, target.size);
        }
        device.queue.submit([encoder.finish()]);
      }
      for (const { dataId } of between) backend.disposeData(dataId);
      return results.map(({ info }) => info);
    },
  });

  return {
    kernelName,
    run(tensors, more = {}) {
      const given = Object.entries(tensors as TfjsTensors);
      const inputs = Object.fromEntries(given.filter(([, value]) => isTensor(value))) as Record<string, Tensor>;
      const scalars = Object.fromEntries(given.filter(([, value]) => !isTensor(value)));
      const all = { ...(dims as AnyTypes["dims"]), ...(more as AnyTypes["dims"]) };
      const shaped = Object.entries(inputs).map(([name, tensor]) => [name, shapedOf(tensor)]);
      const read = readShapes(signature, Object.fromEntries(shaped), all);
      const attributes = { scalars, read } as unknown as tfjs.NamedAttrMap;
      const made = tf.engine().runKernel(kernelName, inputs, attributes) as unknown as Tensor[];
      return Object.fromEntries(read.results.map(({ binding }, i) => [binding.name, made[i]])) as never;
    },
    destroy() {
      tf.unregisterKernel(kernelName, backendName);
      for (const { prepared } of launches) prepared.destroy();
    },
  };
}

const nameAndBindings = (kernel: Kernel) => ({ name: kernel.name, ...manifestOf(kernel) });

const isTensor = (value: unknown): value is Tensor =>
  typeof value === "object" && value !== null && "dataId" in value && "dtype" in value;

function shapedOf({ dtype, shape }: Tensor): Shaped {
  const elements = (Object.keys(typeOf) as ElementType[]).filter((element) => typeOf[element] === dtype);
  return { elements, what: `a tensor of ${dtype}`, shape };
}

const emptyOf = (dtype: string) => (dtype === "float32" ? new Float32Array(0) : new Int32Array(0));
