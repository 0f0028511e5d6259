/** Reads the elements of a model's tensors, from the model or from a file beside it. */

import * as constErrors from "../diagnostics/areas/consts.ts";
import * as onnxMessages from "../diagnostics/areas/onnx.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { decode, fromRaw, type NumberKind } from "../ir/number-formats.ts";
import { elementCount } from "../ir/tensor.ts";
import type { ByteReader, ByteSource, Range } from "./bytes.ts";
import { type DataType, dataTypes, typedFields, typeName } from "./data-types.ts";
import type { TensorProto } from "./messages.ts";
import { fieldsOf, floatsOf, integersOf } from "./wire.ts";

/** The elements of a constant tensor. */
export interface TensorNumbers {
  readonly shape: readonly number[];
  /** The type's name in its file format: `FLOAT`. */
  readonly type: string;
  readonly kind: NumberKind;
  /** Exact, except for integers beyond 2^53. */
  readonly numbers: Float64Array;
}

/**
 * Opens a file by its path relative to the model's folder. It must reject files outside of that folder, to which the path
 * may be a link. `refuse` throws E0746 with a reason, and what to do about it.
 */
export type OpenExternal = (location: string, refuse: (reason: string, help?: string) => never) => ByteSource;

/** 2 GiB in float64. */
const mostNumbers = 2 ** 28;

/** Throws E0745 or E0746 if the data does not match the tensor's type and shape, E0662 for unsupported types. */
export function readNumbers(reader: ByteReader, tensor: TensorProto, open: OpenExternal): TensorNumbers {
  const { name: file } = reader.source;
  const type = dataTypes.get(tensor.dataType);
  const known = [...dataTypes.values()].map(({ name }) => name);
  if (type === undefined) fail(constErrors.unknownType(file, tensor.name, typeName(tensor.dataType), known));
  const count = checkedCount(file, tensor);
  const elsewhere = tensor.external && externalRange(reader, tensor, open);
  const numbers =
    elsewhere !== undefined
      ? readRaw(elsewhere.source, tensor, elsewhere.range, type, count)
      : tensor.raw !== undefined
        ? readRaw(reader.source, tensor, tensor.raw, type, count)
        : readTyped(reader, tensor, type, count);
  return { shape: tensor.dims, type: type.name, kind: type.kind, numbers };
}

function checkedCount(file: string, { name, dims }: TensorProto): number {
  const wrong = dims.find((dim) => dim < 0 || !Number.isSafeInteger(dim));
  if (wrong !== undefined) fail(onnxMessages.wrongTensor(file, name, `it has the extent ${wrong}`));
  const count = elementCount(dims);
  if (count > mostNumbers)
    fail(onnxMessages.wrongTensor(file, name, `it has ${count} elements; at most ${mostNumbers} can be read`));
  return count;
}

/** Elements are read in chunks, so that there are never two copies of a tensor. */
const chunk = 1 << 20;

function readRaw(source: ByteSource, tensor: TensorProto, range: Range, type: DataType, count: number): Float64Array {
  const length = range.end - range.start;
  if (length !== count * type.bytes) {
    const reason = `${type.name} of shape [${tensor.dims.join(", ")}] needs ${count * type.bytes} bytes, but it has ${length}`;
    fail(onnxMessages.wrongTensor(source.name, tensor.name, reason));
  }
  const numbers = new Float64Array(count);
  for (let done = 0; done < count; done += chunk) {
    const bytes = source.read(range.start + done * type.bytes, Math.min(chunk, count - done) * type.bytes);
    numbers.set(decode(type.format, bytes), done);
  }
  return numbers;
}

function readTyped(reader: ByteReader, tensor: TensorProto, type: DataType, count: number): Float64Array {
  const wrong = (got: string) => {
    const reason = `its shape [${tensor.dims.join(", ")}] has ${count} elements, but it holds ${got}`;
    fail(onnxMessages.wrongTensor(reader.source.name, tensor.name, reason));
  };
  // Each element takes at least a byte: check this before memory for a bogus count is allocated.
  if (count > tensor.range.end - tensor.range.start) wrong("fewer");
  const numbers = new Float64Array(count);
  let at = 0;
  for (const field of fieldsOf(reader, tensor.range)) {
    if (field.number !== typedFields[type.field]) continue;
    const bytes = type.field === "float" ? 4 : type.field === "double" ? 8 : undefined;
    const values = bytes === undefined ? integersOf(reader, field) : floatsOf(reader, field, bytes);
    for (const value of values) {
      if (at === count) wrong("more");
      // Integers are read as signed.
      const raw = type.field === "uint64" && value < 0 ? value + 2 ** 64 : value;
      numbers[at++] = fromRaw(type.format, raw);
    }
  }
  if (at < count) wrong(String(at));
  return numbers;
}

/** The place of a tensor's external data. Throws E0746, and what `open` throws. */
export function externalRange(
  reader: ByteReader,
  tensor: TensorProto,
  open: OpenExternal,
): { readonly source: ByteSource; readonly range: Range } {
  const refuse = (reason: string, help?: string): never =>
    fail(onnxMessages.badExternal(reader.source.name, tensor.name, reason, help));
  const entries = tensor.external ?? new Map<string, string>();
  const location = entries.get("location") ?? refuse("its `external_data` has no `location`");
  if (isOutside(location)) refuse(`its data is in ${location}, which is not in the model's folder`);
  const source = open(location, refuse);
  const number = (key: string, other: number) => {
    const text = entries.get(key);
    if (text === undefined) return other;
    return /^\d{1,15}$/.test(text) ? Number(text) : refuse(`its ${key} is ${text}`);
  };
  const start = number("offset", 0);
  const bytes = dataTypes.get(tensor.dataType)?.bytes;
  const length = bytes === undefined ? number("length", source.size - start) : elementCount(tensor.dims) * bytes;
  if (start + length > source.size) {
    refuse(`its data ends at byte ${start + length} of ${location}, which has ${source.size} bytes`);
  }
  return { source, range: { start, end: start + number("length", length) } };
}

/** A model must not make tirc read files that do not belong to it. */
function isOutside(location: string): boolean {
  return location === "" || /^([/\\]|[A-Za-z]:)/.test(location) || location.split(/[/\\]/).includes("..");
}
