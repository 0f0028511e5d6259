/**
 * Runs kernels between sessions of onnxruntime-web: a kernel reads tensors that one session has left on the GPU
 * (`preferredOutputLocation: "gpu-buffer"`), and returns tensors that another session takes. Nothing is read back.
 *
 * Buffers of results are reused, as in onnxruntime itself: the device would have to clear new ones first.
 *
 * @module tirc/onnxruntime
 */

import type * as onnxruntime from "onnxruntime-web";
import type { Tensor } from "onnxruntime-web";
import * as deviceErrors from "../diagnostics/areas/devices.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { type CompiledPlan, signatureOf } from "../emit/plan-signature.ts";
import { elementCount } from "../ir/tensor.ts";
import type { ElementType } from "../ir/types.ts";
import type { LaunchArray } from "../launch/compact.ts";
import { roundUp } from "../launch/counts.ts";
import { arrays, copyDestination, copySource, mapRead, storage } from "../launch/tensors.ts";
import type { AnyTypes, LaunchKernel, LaunchTypes, OnDevice } from "../launch/types.ts";
import { writeArray } from "../runtime/host-tensor.ts";
import { preparePlan } from "../runtime/prepare-plan.ts";
import type { Kernel } from "../target/manifest.ts";
import { readShapes, type Shaped, type TensorsOf } from "./shapes.ts";

/** The arguments of a kernel by name: onnxruntime's tensors, and numbers for scalars. */
export type OnnxruntimeTensors<T extends LaunchTypes = AnyTypes> = TensorsOf<Tensor, T>;

/** A kernel on the device of onnxruntime-web. */
export interface OnnxruntimeKernel<T extends LaunchTypes = AnyTypes> {
  /**
   * Starts the kernel, and returns its results as tensors on the GPU: f32 as float32, f16 as float16, i32 as int32, u32
   * as uint32, u8 as uint8, and bool as uint32 with values 0 and 1, since a bool of onnxruntime is a byte. Dimensions
   * are inferred from the shapes; if a tensor has more dimensions than its parameter, the leading ones are merged.
   * Tensors on the CPU are copied to the device. The arguments may be disposed of once this returns, and the results
   * once the `run` of the session that reads them has resolved; `getData` reads them back.
   * Throws TircError: E0601 to E0609, E0618, E0619.
   */
  run(tensors: OnnxruntimeTensors<T>, dims?: Partial<T["dims"]>): { readonly [N in keyof T["outputs"]]: Tensor };
  /** Copies a tensor to the GPU, such as weights, so that they are not copied in each run. Throws TircError: E0626. */
  upload(tensor: Tensor): Tensor;
  /** Frees the kernel, and the buffers of tensors that were disposed of. A later `run` throws E0609. */
  destroy(): void;
}

/** The parts of the module `onnxruntime-web` or `onnxruntime-web/webgpu` that are used. */
export type Onnxruntime = Pick<typeof onnxruntime, "Tensor" | "env">;

/**
 * Prepares a kernel, or all kernels of a plan, on the device of onnxruntime-web: `ort.env.webgpu.device`, which is set
 * by the first session on the execution provider `webgpu`, or by the caller before. `dims` are the extents of
 * dimensions that are pipeline constants.
 * Throws TircError: E0607, E0610 to E0613, E0615, E0625, E0627.
 */
export async function prepare<T extends LaunchTypes = AnyTypes>(
  ort: Onnxruntime,
  kernel: Kernel | LaunchKernel<T> | CompiledPlan,
  dims: Partial<T["dims"]> = {},
): Promise<OnnxruntimeKernel<T>> {
  const device = (await ort.env.webgpu?.device) as GPUDevice | undefined;
  if (device === undefined) fail(deviceErrors.noOnnxruntimeDevice());
  const prepared = await preparePlan(device, kernel as CompiledPlan, dims as AnyTypes["dims"]);
  const signature = signatureOf(prepared.plan);
  for (const { access, name, element } of signature.manifest.bindings) {
    const isResult = access === "read_write";
    if (isResult && !isTyped(element)) fail(deviceErrors.noOnnxruntimeType(signature.name, name, element));
  }
  const pool = new Pool(device);

  function make(
    element: ElementType,
    shape: readonly number[],
  ): { readonly tensor: Tensor; readonly buffer: GPUBuffer } {
    const count = elementCount(shape);
    const buffer = pool.take(count * arrays[element].BYTES_PER_ELEMENT);
    const download = async () => new arrays[element](await readBack(device as GPUDevice, buffer), 0, count) as never;
    const options = {
      dataType: typeOf[element as keyof typeof typeOf],
      dims: shape,
      download,
      dispose: () => pool.give(buffer),
    };
    return { tensor: ort.Tensor.fromGpuBuffer(buffer, options), buffer };
  }

  return {
    run(tensors, more = {}) {
      const given = Object.entries(tensors as OnnxruntimeTensors);
      const shaped = given.flatMap(([name, value]) => (isTensor(value) ? [[name, shapedOf(value)] as const] : []));
      const all = { ...(dims as AnyTypes["dims"]), ...(more as AnyTypes["dims"]) };
      const read = readShapes(signature, Object.fromEntries(shaped), all);
      const elementOf = new Map(signature.manifest.bindings.map(({ name, element }) => [name, element]));
      const inputs = given.map(([name, value]) => [name, isTensor(value) ? dataOf(value, elementOf.get(name)) : value]);
      const made = read.results.map(({ binding, shape }) => ({
        name: binding.name,
        ...make(binding.element, shape),
      }));
      const between: GPUBuffer[] = [];
      const allocate = (bytes: number) => {
        const buffer = pool.take(bytes);
        between.push(buffer);
        return buffer;
      };
      try {
        const outputs = Object.fromEntries(made.map(({ name, buffer }) => [name, buffer]));
        prepared.launch(Object.fromEntries(inputs), read.dims, { outputs, allocate });
      } catch (caught) {
        for (const { tensor } of made) tensor.dispose();
        throw caught;
      } finally {
        for (const buffer of between) pool.give(buffer);
      }
      return Object.fromEntries(made.map(({ name, tensor }) => [name, tensor])) as never;
    },
    upload(tensor) {
      const [element] = isTensor(tensor) && isOnHost(tensor) ? shapedOf(tensor).elements : [];
      if (element === undefined) fail(deviceErrors.noUpload(isTensor(tensor) ? whatOf(tensor) : String(tensor)));
      const made = make(element, tensor.dims);
      const data = dataOf(tensor) as LaunchArray;
      writeArray(device.queue, made.buffer, element === "bool" ? Uint32Array.from(data) : data);
      return made.tensor;
    },
    destroy() {
      prepared.destroy();
      pool.destroy();
    },
  };
}

/** A bool of onnxruntime is a byte on the device. It has no bf16 and i8 there. */
const typeOf = { f32: "float32", f16: "float16", i32: "int32", u32: "uint32", u8: "uint8", bool: "uint32" } as const;
const isTyped = (element: ElementType): element is keyof typeof typeOf => Object.hasOwn(typeOf, element);

const onDevice: Readonly<Record<string, readonly ElementType[]>> = {
  ...{ float32: ["f32"], float16: ["f16"], int32: ["i32"], uint32: ["u32", "bool"], uint8: ["u8"] },
};
const onHost: typeof onDevice = { ...onDevice, bool: ["bool"], int8: ["i8"] };

/** Not by `instanceof`, as a tensor may come from another copy of the package. */
const isTensor = (value: unknown): value is Tensor =>
  typeof value === "object" && value !== null && "dims" in value && "location" in value;

const isOnHost = ({ location }: Tensor) => location === "cpu" || location === "cpu-pinned";

const whatOf = ({ location, type }: Tensor) =>
  location === "none" ? "a tensor that was disposed of" : `a tensor of ${type} (${location})`;

function shapedOf(tensor: Tensor): Shaped {
  const types = isOnHost(tensor) ? onHost : tensor.location === "gpu-buffer" ? onDevice : {};
  return { elements: types[tensor.type] ?? [], what: whatOf(tensor), shape: tensor.dims };
}

function dataOf(tensor: Tensor, element?: ElementType): LaunchArray | Uint8Array | OnDevice {
  if (!isOnHost(tensor)) return tensor.gpuBuffer as GPUBuffer;
  const { data } = tensor;
  if (element === "bool") return Uint8Array.from(data as Uint32Array);
  // float16 data is a Uint16Array of bits, or a Float16Array on newer platforms.
  if (tensor.type !== "float16" || data instanceof Uint16Array) return data as LaunchArray;
  const { buffer, byteOffset, length } = data as unknown as Uint16Array<ArrayBuffer>;
  return new Uint16Array(buffer, byteOffset, length);
}

/**
 * Reuses buffers. Earlier submissions may still read one that is taken again, which is safe as a queue runs in order.
 */
class Pool {
  readonly #device: GPUDevice;
  readonly #free = new Map<number, GPUBuffer[]>();
  #isDestroyed = false;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** @param bytes rounded up to 16, as in onnxruntime, whose kernels read vectors. */
  take(bytes: number): GPUBuffer {
    const size = Math.max(16, roundUp(bytes, 16));
    const all = storage | copySource | copyDestination;
    return this.#free.get(size)?.pop() ?? this.#device.createBuffer({ label: "tensor", size, usage: all });
  }

  give(buffer: GPUBuffer): void {
    if (this.#isDestroyed) buffer.destroy();
    else this.#free.set(buffer.size, [...(this.#free.get(buffer.size) ?? []), buffer]);
  }

  destroy(): void {
    this.#isDestroyed = true;
    for (const buffers of this.#free.values()) for (const buffer of buffers) buffer.destroy();
    this.#free.clear();
  }
}

async function readBack(device: GPUDevice, buffer: GPUBuffer): Promise<ArrayBuffer> {
  const { size } = buffer;
  const copy = device.createBuffer({ label: "copy", size, usage: mapRead | copyDestination });
  const encoder = device.createCommandEncoder({ label: "copy" });
  encoder.copyBufferToBuffer(buffer, 0, copy, 0, size);
  device.queue.submit([encoder.finish()]);
  // The value of GPUMapMode.READ, which is not a global in Node.
  await copy.mapAsync(1);
  const bytes = copy.getMappedRange().slice(0);
  copy.destroy();
  return bytes;
}
