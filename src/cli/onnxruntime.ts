/** Models run by onnxruntime, through the package `onnxruntime-web`, which is only loaded here. */

import type { Tensor as OrtTensor } from "onnxruntime-web";
import * as surgeryErrors from "../diagnostics/areas/surgery.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { fromFloat16Bits, toFloat16Bits } from "../ir/float16.ts";

export interface RunTensor {
  readonly shape: readonly number[];
  readonly numbers: Float64Array;
}

export interface RunInput extends RunTensor {
  /** TensorProto.DataType. */
  readonly dataType: number;
}

/** Converts numbers to a tensor of onnxruntime, by TensorProto.DataType. */
const makers: Readonly<Record<number, readonly [string, (numbers: Float64Array) => ArrayBufferView]>> = {
  1: ["float32", (numbers) => Float32Array.from(numbers)],
  2: ["uint8", (numbers) => Uint8Array.from(numbers)],
  3: ["int8", (numbers) => Int8Array.from(numbers)],
  6: ["int32", (numbers) => Int32Array.from(numbers)],
  7: ["int64", (numbers) => BigInt64Array.from([...numbers], BigInt)],
  9: ["bool", (numbers) => Uint8Array.from(numbers)],
  10: ["float16", (numbers) => Uint16Array.from(numbers, toFloat16Bits)],
  11: ["float64", (numbers) => numbers],
};

export const isFed = (dataType: number) => makers[dataType] !== undefined;

interface Runnable {
  readonly bytes: Uint8Array;
  /** The weight files, by their names in the model. */
  readonly external: readonly { readonly path: string; readonly data: Uint8Array }[];
}

async function load() {
  try {
    const ort = await import("onnxruntime-web");
    ort.env.wasm.numThreads = 1;
    ort.env.logLevel = "fatal";
    return ort;
  } catch (caught) {
    const { code, message } = caught as NodeJS.ErrnoException;
    if (code !== "ERR_MODULE_NOT_FOUND") throw caught;
    fail(surgeryErrors.noOnnxruntime(message));
  }
}

export type RunTensors = ReadonlyMap<string, RunTensor>;

/** A model opened in onnxruntime. */
export interface Opened {
  /** The outputs by name. Throws an Error with onnxruntime's message. */
  run(inputs: Readonly<Record<string, RunInput>>): Promise<RunTensors>;
  /** Runs it again on the inputs of the last run. @returns milliseconds. */
  time(): Promise<number>;
  close(): Promise<void>;
}

/** Throws E0752; an Error with onnxruntime's message if it rejects the model. */
export async function openModel({ bytes, external }: Runnable): Promise<Opened> {
  const ort = await load();
  const tensorOf = ({ dataType, numbers, shape }: RunInput) => {
    const [type, make] = makers[dataType] as (typeof makers)[number];
    return new ort.Tensor(type as "float32", make(numbers) as Float32Array, shape);
  };
  const options = { executionProviders: ["wasm"], logSeverityLevel: 4, externalData: external } as const;
  const session = await ort.InferenceSession.create(bytes, options);
  let feeds: Record<string, OrtTensor> = {};
  return {
    async run(inputs) {
      feeds = Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, tensorOf(input)]));
      const outputs = await session.run(feeds);
      return new Map(Object.entries(outputs).map(([name, tensor]) => [name, numbersOf(tensor)]));
    },
    async time() {
      const start = performance.now();
      await session.run(feeds);
      return performance.now() - start;
    },
    close: () => session.release(),
  };
}

function numbersOf({ type, dims, data }: OrtTensor): RunTensor {
  // Halves are returned as bits, or as a Float16Array where the runtime has one.
  const isBits = type === "float16" && data instanceof Uint16Array;
  const numbers = isBits ? Float64Array.from(data, fromFloat16Bits) : Float64Array.from(data as Float32Array, Number);
  return { shape: dims, numbers };
}
