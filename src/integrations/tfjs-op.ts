/**
 * A kernel, or a plan of several, as an op of TensorFlow.js on its WebGPU backend. It is registered like tfjs's own
 * kernels, so it reads its inputs in place, and writes its results to buffers of the backend: `tidy`, `dispose` and
 * `tf.profile` treat it like any other op. (`dataToGPU` would copy each input, and tfjs does not own external buffers.)
 */

import type * as tfjs from "@tensorflow/tfjs-core";
import type { Tensor, TensorInfo } from "@tensorflow/tfjs-core";
import * as deviceErrors from "../diagnostics/areas/devices.ts";
import * as inputErrors from "../diagnostics/areas/inputs.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { type CompiledPlan, signatureOf } from "../emit/plan-signature.ts";
import { elementCount } from "../ir/tensor.ts";
import { type ElementType, printType } from "../ir/types.ts";
import type { AnyTypes, LaunchKernel, LaunchTypes } from "../launch/types.ts";
import { preparePlan } from "../runtime/prepare-plan.ts";
import type { Tensors } from "../runtime/runner.ts";
import type { Kernel } from "../target/manifest.ts";
import { type ReadShapes, readShapes, type Shaped, type TensorsOf } from "./shapes.ts";

/** The arguments of a kernel by name: tensors of tfjs, and numbers for scalars. */
export type TfjsTensors<T extends LaunchTypes = AnyTypes> = TensorsOf<Tensor, T>;

/** A kernel, or a plan of several, on the device of tfjs's WebGPU backend. */
export interface TfjsKernel<T extends LaunchTypes = AnyTypes> {
  /** The name that it is registered under in tfjs, for `tf.registerGradient`. */
  readonly kernelName: string;
  /**
   * Runs the kernel; it may be called anywhere an op may, such as in `tf.tidy` or a layer's `call`. Dimensions are
   * inferred from the shapes; if a tensor has more dimensions than its parameter, the leading ones are merged. f32 is
   * passed as float32, i32 as int32, and bool as bool.
   * Throws TircError: E0601 to E0609, E0618, E0619.
   */
  run(tensors: TfjsTensors<T>, dims?: Partial<T["dims"]>): { readonly [N in keyof T["outputs"]]: Tensor };
  /** Frees the kernel. A later `run` throws E0609. */
  destroy(): void;
}

/** The parts of the module `@tensorflow/tfjs` or `@tensorflow/tfjs-core` that are used. */
export type Tfjs = Pick<typeof tfjs, "backend" | "engine" | "getBackend" | "registerKernel" | "unregisterKernel">;

/** The parts of tfjs's WebGPU backend that are used, as tfjs's own kernels do. */
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

let count = 0;

/**
 * The device of tfjs's WebGPU backend.
 * Throws TircError: E0625 if the backend is not `webgpu`.
 */
export function deviceOf(tf: Pick<Tfjs, "backend" | "getBackend">): GPUDevice {
  const name = (tf.getBackend() as string | null) ?? "none";
  const { device } = (name === "none" ? {} : tf.backend()) as Partial<WebgpuBackend>;
  return device ?? fail(deviceErrors.noTfjsDevice(name));
}

/**
 * Prepares a kernel, or all kernels of a plan, on the device of tfjs's backend, which must be `webgpu` and ready.
 * `dims` are the extents of dimensions that are pipeline constants.
 * Throws TircError: E0607, E0610 to E0613, E0615, E0625, E0627; E0626 for a result of a type that tfjs does not have,
 * E0628 for a plan that leaves products to the caller.
 */
export async function prepare<T extends LaunchTypes = AnyTypes>(
  tf: Tfjs,
  kernel: Kernel | LaunchKernel<T> | CompiledPlan,
  dims: Partial<T["dims"]> = {},
): Promise<TfjsKernel<T>> {
  const [device, backendName] = [deviceOf(tf), tf.getBackend()];
  for (const step of "plan" in kernel ? kernel.plan.steps : []) {
    if ("opaque" in step) fail(inputErrors.noProduct((kernel as CompiledPlan).plan.name, step.name, step.opaque));
  }
  const prepared = await preparePlan(device, kernel as CompiledPlan, dims as AnyTypes["dims"]);
  const signature = signatureOf(prepared.plan);
  const { name } = signature;
  for (const binding of signature.manifest.bindings) {
    if (binding.access === "read_write" && typeOf[binding.element] === undefined)
      fail(deviceErrors.noTfjsType(name, binding.name, printType(binding)));
  }
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
      // An empty tensor has no buffer.
      const values = Object.entries(inputs as Record<string, TensorInfo>).map(([name, input]) => {
        return [name, elementCount(input.shape) === 0 ? [] : bufferOf(input)];
      });
      const results = read.results.map(({ binding, shape }) => {
        const info = backend.makeTensorInfo([...shape], typeOf[binding.element] as TfjsType);
        if (elementCount(shape) === 0) backend.tensorMap.get(info.dataId).values = emptyOf(info.dtype);
        return { name: binding.name, info };
      });
      const written = results.filter(({ info }) => elementCount(info.shape) > 0);
      const outputs = Object.fromEntries(written.map(({ name, info }) => [name, bufferOf(info)]));
      // Commands that tfjs has recorded, such as uploads, must be submitted before the kernels that read their results.
      backend.ensureCommandEncoderReady();
      backend.endComputePassEncoder();
      backend.submitQueue();
      const between: TensorInfo[] = [];
      const allocate = (bytes: number) => {
        const info = backend.makeTensorInfo([Math.ceil(bytes / 4)], "float32");
        between.push(info);
        return bufferOf(info);
      };
      const tensors = { ...scalars, ...Object.fromEntries(values) } as Tensors;
      const started: Readonly<Record<string, GPUBuffer>> = prepared.launch(tensors, read.dims, { outputs, allocate });
      for (const { dataId } of between) backend.disposeData(dataId);
      for (const [name, buffer] of Object.entries(started)) if (!outputs[name]) buffer.destroy();
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
      prepared.destroy();
    },
  };
}

const isTensor = (value: unknown): value is Tensor =>
  typeof value === "object" && value !== null && "dataId" in value && "dtype" in value;

function shapedOf({ dtype, shape }: Tensor): Shaped {
  const elements = (Object.keys(typeOf) as ElementType[]).filter((element) => typeOf[element] === dtype);
  return { elements, what: `a tensor of ${dtype}`, shape };
}

const emptyOf = (dtype: string) => (dtype === "float32" ? new Float32Array(0) : new Int32Array(0));
