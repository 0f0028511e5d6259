/** onnxruntime on its wasm backend, the reference for models. */

import { fromFloat16Bits, toFloat16Bits } from "../../src/ir/float16.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import type { ElementType } from "../../src/ir/types.ts";
import type { OnnxElement } from "./onnx.ts";

const loaded = import("onnxruntime-web").then((ort) => {
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  return ort;
});

/** Numbers as a tensor of the type that the model declares. */
export interface Feed {
  readonly element: OnnxElement;
  readonly shape: readonly number[];
  readonly numbers: readonly number[] | Float64Array;
}

const names = {
  f32: "float32",
  f16: "float16",
  f64: "float64",
  i32: "int32",
  i64: "int64",
  u32: "uint32",
  u8: "uint8",
  i8: "int8",
};

async function tensorOf({ element, shape, numbers }: Feed) {
  const { Tensor } = await loaded;
  const list = [...numbers];
  const dims = [...shape];
  if (element === "f16") return new Tensor("float16", Uint16Array.from(list, toFloat16Bits), dims);
  if (element === "i64") return new Tensor("int64", BigInt64Array.from(list, BigInt), dims);
  if (element === "bool") return new Tensor("bool", Uint8Array.from(list), dims);
  const arrays = {
    f32: Float32Array,
    f64: Float64Array,
    i32: Int32Array,
    u32: Uint32Array,
    u8: Uint8Array,
    i8: Int8Array,
  };
  if (element === "string" || element === "bf16" || element === "f8e4m3" || element === "f8e5m2")
    throw new Error(`${element} is not fed`);
  return new Tensor(names[element] as "float32", arrays[element].from(list) as Float32Array, dims);
}

const elementOf: Readonly<Record<string, ElementType>> = {
  ...{ float32: "f32", float16: "f16", float64: "f32", int32: "i32", int64: "i32", uint32: "u32", bool: "bool" },
  ...{ uint8: "u8", int8: "i8" },
};

function numbersOf(type: string, data: ArrayLike<number> | ArrayLike<bigint>): Float64Array {
  // Halves come as their bits, or as an array of the runtime's own where it has one.
  if (type === "float16" && data instanceof Uint16Array) return Float64Array.from(data, fromFloat16Bits);
  return Float64Array.from(data as ArrayLike<number>, Number);
}

/** The outputs of a model by their names. */
export async function runOnnx(
  model: Uint8Array,
  feeds: Readonly<Record<string, Feed>>,
): Promise<Readonly<Record<string, Tensor>>> {
  const { InferenceSession } = await loaded;
  const options = { executionProviders: ["wasm"], logSeverityLevel: 3 } as const;
  const session = await InferenceSession.create(model, options);
  try {
    const inputs = Object.fromEntries(
      await Promise.all(Object.entries(feeds).map(async ([name, feed]) => [name, await tensorOf(feed)] as const)),
    );
    const results = await session.run(inputs);
    return Object.fromEntries(
      Object.entries(results).map(([name, { type, dims, data }]) => {
        const numbers = numbersOf(type, data as ArrayLike<number>);
        return [name, { element: elementOf[type] as ElementType, shape: dims, data: numbers }];
      }),
    );
  } finally {
    await session.release();
  }
}
