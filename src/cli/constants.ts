/** The tensors of a program's `const`s, read from their files when needed. */

import { join } from "node:path";
import * as constErrors from "../diagnostics/areas/consts.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { type NpyArray, readNpy } from "../formats/npy.ts";
import { readSafetensor, readSafetensorsHeader } from "../formats/safetensors.ts";
import { isBeyond } from "../ir/float16.ts";
import { type Constants, constantsOf } from "../ir/interpret.ts";
import type { Const, Module } from "../ir/ir.ts";
import { printIndex, type Tensor } from "../ir/tensor.ts";
import { isFloat, isInteger, printType, sameShape } from "../ir/types.ts";
import type { OnnxModel } from "../onnx/model.ts";
import { fromNumbers, toNumbers } from "../runtime/host-tensor.ts";
import { folderOf, openFile, readBytes } from "./files.ts";
import { isModel, openModel, weightFiles } from "./model-files.ts";
import type { Read } from "./outputs.ts";
import type { Io } from "./session.ts";

/**
 * The constants of a module whose text is at `path`: files are relative to its folder. Each is read once, and
 * checked against its declared type. Reading throws E0630 to E0640, E0660 to E0667 and E0740 to E0746.
 */
export function readConstants(module: Module, path: string, io: Io): Constants {
  const folder = folderOf(path);
  const models = new Map<string, OnnxModel>();
  return constantsOf(module, (constant) => load(constant, folder, models, io));
}

/** The file from which a constant of a program in `folder` is loaded. */
const fileOf = (file: string, folder: string) => (file.startsWith("/") ? file : join(folder, file));

/** The files that contain a module's constants, including the weight files of models. */
export function* filesOfConstants({ consts }: Module, path: string, io: Io): Generator<Read> {
  const seen = new Set<string>();
  for (const { name, data, span } of consts) {
    if (data.kind !== "load") continue;
    const file = fileOf(data.file, folderOf(path));
    if (seen.has(file)) continue;
    seen.add(file);
    const what = `the file of the const \`${name}\``;
    yield { path: file, what, span };
    if (!isModel(file)) continue;
    for (const weights of weightFiles(file, io)) yield { path: weights, what, span };
  }
}

function load(constant: Const, folder: string, models: Map<string, OnnxModel>, io: Io): Tensor {
  const { name, type, data, span } = constant;
  if (data.kind !== "load") throw new Error(`the const ${name} has no file`);
  const file = fileOf(data.file, folder);
  const array = readArray(constant, file, models, io);
  const { element } = type;
  const fits = isFloat(element) ? array.kind === "float" : array.kind === (isInteger(element) ? "integer" : "bool");
  const where = data.tensor === undefined ? file : `\`${data.tensor}\` in ${file}`;
  if (!fits) fail(constErrors.wrongType(span, name, printType(type), where, array.type));
  if (!sameShape(array.shape, type.shape)) {
    fail(
      constErrors.wrongType(span, name, printType(type), where, `${array.type} of shape [${array.shape.join(", ")}]`),
    );
  }
  const beyond = array.numbers.findIndex((number) => isBeyond(element, number));
  if (beyond >= 0) {
    const value = array.numbers[beyond] as number;
    fail(constErrors.outOfRange(span, name, printType(type), where, printIndex(beyond, array.shape), value));
  }
  return { element, shape: array.shape, data: toNumbers(fromNumbers(element, array.shape, array.numbers)) };
}

function readArray(constant: Const, file: string, models: Map<string, OnnxModel>, io: Io): NpyArray {
  if (file.endsWith(".npy")) return readNpyConstant(constant, file, io);
  return isModel(file) ? readModelConstant(constant, file, models, io) : readNamed(constant, file, io);
}

/** The graph of a model is read once for all of its tensors. */
function readModelConstant(
  { name, data, span }: Const,
  file: string,
  models: Map<string, OnnxModel>,
  io: Io,
): NpyArray {
  if (data.kind !== "load" || data.tensor === undefined) fail(constErrors.needsTensor(span, name, file));
  const model = models.get(file) ?? openModel(file, io, span);
  models.set(file, model);
  const tensor = model.tensorWritten(data.tensor);
  const numbers = tensor === undefined ? undefined : model.numbers(tensor);
  if (numbers === undefined) fail(constErrors.noTensor(span, file, data.tensor, model.tensorNames));
  return numbers;
}

function readNpyConstant({ name, data, span }: Const, file: string, io: Io): NpyArray {
  if (data.kind === "load" && data.tensor !== undefined) fail(constErrors.oneTensor(span, name, file));
  return readNpy(readBytes(file, io, span), file);
}

function readNamed({ name, data, span }: Const, file: string, io: Io): NpyArray {
  if (data.kind !== "load" || data.tensor === undefined) fail(constErrors.needsTensor(span, name, file));
  const open = openFile(file, io, span);
  try {
    const entries = readSafetensorsHeader(open, file);
    const entry = entries.get(data.tensor);
    if (entry === undefined) fail(constErrors.noTensor(span, file, data.tensor, [...entries.keys()]));
    return readSafetensor(open, file, data.tensor, entry);
  } finally {
    open.close();
  }
}
