/** The messages of ONNX (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), as far as they are needed. */

import * as onnxMessages from "../diagnostics/areas/onnx.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import type { ByteReader, Range } from "./bytes.ts";
import { type Field, fieldsOf, floatsOf, integersOf, messageOf, textOf } from "./wire.ts";

/** A tensor, whose data remains in the file. */
export interface TensorProto {
  readonly name: string;
  readonly dims: readonly number[];
  readonly dataType: number;
  /** `raw_data`, if it is present. */
  readonly raw: Range | undefined;
  /** The entries of `external_data`, if the data is in another file. */
  readonly external: ReadonlyMap<string, string> | undefined;
  readonly range: Range;
}

/** The declared type of a graph's input, output or inner value. */
export interface ValueInfoProto {
  readonly name: string;
  /** Undefined if it is not a tensor. */
  readonly elementType: number | undefined;
  /** Undefined if the rank is unknown. An extent is a number, a name, or unknown. */
  readonly shape: readonly (number | string | undefined)[] | undefined;
  /** Whether it is a sequence of tensors of this type. */
  readonly isSequence?: boolean;
}

/** A node of a graph. */
export interface NodeProto {
  /** Its position in the graph. */
  readonly index: number;
  readonly name: string;
  readonly opType: string;
  /** The op that it was translated from, if the model is not an ONNX file: `aten.layer_norm.default`. */
  readonly sourceOp?: string;
  readonly domain: string;
  /** Selects one of several functions with the same name. */
  readonly overload: string;
  /** Names of tensors; empty for an omitted input. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** The encoded attributes by name. */
  readonly attributes: ReadonlyMap<string, Range>;
  readonly range: Range;
}

/** A graph, whose weights remain in the file. */
export interface GraphProto {
  readonly name: string;
  readonly nodes: readonly NodeProto[];
  readonly initializers: readonly TensorProto[];
  /** Names of sparse initializers, which are not supported. */
  readonly sparse: readonly string[];
  readonly inputs: readonly ValueInfoProto[];
  readonly outputs: readonly ValueInfoProto[];
  readonly valueInfo: readonly ValueInfoProto[];
}

/** Reads one occurrence of a field; `index` counts the occurrences of a repeated one. */
type ReadField<T> = (reader: ByteReader, field: Field, index?: number) => T;
type ReadMessage<T> = (reader: ByteReader, range: Range, index?: number) => T;

/** A member of a message: the fields with its number are reduced to its value. */
interface Member<T> {
  readonly number: number;
  readonly initial: () => T;
  readonly next: (reader: ByteReader, field: Field, value: T) => T;
}

/** A reader of messages with these members; all other fields are skipped. */
function message<T>(members: { readonly [K in keyof T]: Member<T[K]> }): ReadMessage<T> {
  const keys = Object.keys(members) as (keyof T)[];
  const byNumber = new Map(keys.map((key) => [members[key].number, key]));
  return (reader, range) => {
    const result = Object.fromEntries(keys.map((key) => [key, members[key].initial()])) as T;
    for (const field of fieldsOf(reader, range)) {
      const key = byNumber.get(field.number);
      if (key !== undefined) result[key] = members[key].next(reader, field, result[key]);
    }
    return result;
  };
}

/** A member with one value: that of the last field. */
const single = <T>(number: number, read: ReadField<T>, initial: T): Member<T> => ({
  number,
  initial: () => initial,
  next: (reader, field) => read(reader, field),
});

const optional = <T>(number: number, read: ReadField<T>) => single<T | undefined>(number, read, undefined);

/** A member that is a list with an element for each field. */
const repeated = <T>(number: number, read: ReadField<T>): Member<T[]> => ({
  number,
  initial: () => [],
  next(reader, field, list) {
    list.push(read(reader, field, list.length));
    return list;
  },
});

/** A field whose content is a message. */
const nested =
  <T>(read: ReadMessage<T>): ReadField<T> =>
  (reader, field, index) =>
    read(reader, messageOf(reader, field), index);

const intOf: ReadField<number> = (_, { value }) => value;
const text = (number: number) => single(number, textOf, "");
const texts = (number: number) => repeated(number, textOf);
const integer = (number: number) => single(number, intOf, 0);

/** No real tensor has more dimensions. */
const mostDims = 64;

const dims: Member<number[]> = {
  number: 1,
  initial: () => [],
  next(reader, field, list) {
    for (const dim of integersOf(reader, field)) {
      if (list.length === mostDims) {
        const { name } = reader.source;
        fail(onnxMessages.corrupt(name, field.range.start, `a tensor has more than ${mostDims} dimensions`));
      }
      list.push(dim);
    }
    return list;
  },
};

const readTensorFields = message({
  name: text(8),
  dims,
  dataType: integer(2),
  raw: optional(9, messageOf),
  entries: repeated(13, nested(message({ key: text(1), value: text(2) }))),
  location: integer(14),
});

const externalLocation = 1;

const readTensor: ReadMessage<TensorProto> = (reader, range) => {
  const { entries, location, ...tensor } = readTensorFields(reader, range);
  const external =
    location === externalLocation ? new Map(entries.map(({ key, value }) => [key, value] as const)) : undefined;
  return { ...tensor, external, range };
};

/** Both names of the standard operator set are written as "". */
const domainOf = (name: string): string => (name === "ai.onnx" ? "" : name);

const readName = message({ name: text(1) });

/** Encoded AttributeProtos, by name. */
const attributes = (number: number): Member<Map<string, Range>> => ({
  number,
  initial: () => new Map(),
  next(reader, field, ranges) {
    const range = messageOf(reader, field);
    return ranges.set(readName(reader, range).name, range);
  },
});

const readNodeFields = message({
  name: text(3),
  opType: text(4),
  domain: text(7),
  overload: text(8),
  inputs: texts(1),
  outputs: texts(2),
  attributes: attributes(5),
});

const readNode: ReadMessage<NodeProto> = (reader, range, index = 0) => {
  const fields = readNodeFields(reader, range);
  return { index, ...fields, domain: domainOf(fields.domain), range };
};

const readDimension = message({ value: optional(1, intOf), name: optional(2, textOf) });
const readShape = message({ dims: repeated(1, nested(readDimension)) });
const readTensorType = message({ elementType: optional(1, intOf), shape: optional(2, nested(readShape)) });
const readElementType = message({ type: optional(1, messageOf) });
const readTypeFields = message({
  tensor: optional(1, nested(readTensorType)),
  sequence: optional(4, nested(readElementType)),
  optional: optional(9, nested(readElementType)),
});

/** The type of a tensor, or of the tensors in a sequence or an optional. */
function readType(reader: ByteReader, range: Range, depth: number): Omit<ValueInfoProto, "name"> {
  const fields = readTypeFields(reader, range);
  const inner = (fields.sequence ?? fields.optional)?.type;
  const isSequence = fields.sequence !== undefined && { isSequence: true };
  if (inner !== undefined && depth < 2) return { ...readType(reader, inner, depth + 1), ...isSequence };
  const shape = fields.tensor?.shape?.dims.map(({ value = -1, name }) => name || (value >= 0 ? value : undefined));
  return { elementType: fields.tensor?.elementType, shape, ...isSequence };
}

const readValueInfoFields = message({ name: text(1), type: optional(2, messageOf) });

const readValueInfo: ReadMessage<ValueInfoProto> = (reader, range) => {
  const { name, type } = readValueInfoFields(reader, range);
  return { name, ...(type === undefined ? { elementType: undefined, shape: undefined } : readType(reader, type, 0)) };
};

const valueInfos = (number: number) => repeated(number, nested(readValueInfo));

const readGraphFields = message({
  name: text(2),
  nodes: repeated(1, nested(readNode)),
  initializers: repeated(5, nested(readTensor)),
  sparse: repeated(15, nested(message({ values: optional(1, nested(readTensor)) }))),
  inputs: valueInfos(11),
  outputs: valueInfos(12),
  valueInfo: valueInfos(13),
});

export const readGraph: ReadMessage<GraphProto> = (reader, range) => {
  const graph = readGraphFields(reader, range);
  return { ...graph, sparse: graph.sparse.flatMap(({ values }) => values?.name ?? []) };
};

/** An OperatorSetIdProto. */
export const readOpset = message({ domain: text(1), version: integer(2) });

/** The version of each operator set, by domain. */
const opsets = (number: number): Member<Map<string, number>> => ({
  number,
  initial: () => new Map(),
  next(reader, field, versions) {
    const { domain, version } = readOpset(reader, messageOf(reader, field));
    return versions.set(domainOf(domain), version);
  },
});

/** A function that a model defines: calling it executes its nodes. */
export interface FunctionProto {
  readonly name: string;
  readonly domain: string;
  readonly overload: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly nodes: readonly NodeProto[];
  /** Defaults of its attributes. */
  readonly defaults: ReadonlyMap<string, Range>;
  /** The operator sets that it imports. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly valueInfo: readonly ValueInfoProto[];
}

/** The key under which a model's functions are listed, for a function or for the node that calls it. */
export function functionKey({ domain, name, overload }: Pick<FunctionProto, "domain" | "name" | "overload">): string {
  return `${domain}:${name}${overload === "" ? "" : `:${overload}`}`;
}

const readFunctionFields = message({
  name: text(1),
  domain: text(10),
  overload: text(13),
  inputs: texts(4),
  outputs: texts(5),
  nodes: repeated(7, nested(readNode)),
  defaults: attributes(11),
  opsets: opsets(9),
  valueInfo: valueInfos(12),
});

const readFunction: ReadMessage<FunctionProto> = (reader, range) => {
  const fields = readFunctionFields(reader, range);
  return { ...fields, domain: domainOf(fields.domain) };
};

interface ModelProto {
  readonly irVersion: number;
  /** The version of each operator set, by domain; "" is the standard one. */
  readonly opsets: ReadonlyMap<string, number>;
  /** By `functionKey`. */
  readonly functions: ReadonlyMap<string, FunctionProto>;
  readonly graph: Range | undefined;
}

const readModelFields = message({
  irVersion: integer(1),
  graph: optional(7, messageOf),
  opsets: opsets(8),
  functions: repeated(25, nested(readFunction)),
});

export function readModel(reader: ByteReader): ModelProto {
  const model = readModelFields(reader, { start: 0, end: reader.source.size });
  return { ...model, functions: new Map(model.functions.map((one) => [functionKey(one), one])) };
}

/** The shortest decimal that rounds to this f32, so that an eps of 1e-5 is printed as one. */
function shortFloat(value: number): number {
  const rounded = Math.fround(value);
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Object.is(Math.fround(short), rounded)) return short;
  }
  return value;
}

/** An attribute, whose fields are read on demand. */
export class AttributeProto {
  private readonly reader: ByteReader;
  private readonly range: Range;

  constructor(reader: ByteReader, range: Range) {
    this.reader = reader;
    this.range = range;
  }

  private last(number: number): Field | undefined {
    let found: Field | undefined;
    for (const field of fieldsOf(this.reader, this.range)) if (field.number === number) found = field;
    return found;
  }

  get float(): number | undefined {
    const field = this.last(2);
    const [value] = field === undefined ? [] : floatsOf(this.reader, field, 4);
    return value === undefined ? undefined : shortFloat(value);
  }

  get integer(): number | undefined {
    return this.last(3)?.value;
  }

  get text(): string | undefined {
    const field = this.last(4);
    return field && textOf(this.reader, field);
  }

  get texts(): string[] {
    return [...fieldsOf(this.reader, this.range)]
      .filter(({ number }) => number === 9)
      .map((field) => textOf(this.reader, field));
  }

  get tensor(): TensorProto | undefined {
    const field = this.last(5);
    return field && readTensor(this.reader, messageOf(this.reader, field));
  }

  /** In the body of a function: the attribute of the function whose value it takes. */
  get reference(): string | undefined {
    const field = this.last(21);
    return field && textOf(this.reader, field);
  }

  /** Its integers; undefined if there are more than `most`. */
  integers(most: number): number[] | undefined {
    return this.list(8, most, integersOf);
  }

  /** Its floats; undefined if there are more than `most`. */
  floats(most: number): number[] | undefined {
    return this.list(7, most, (reader, field) => floatsOf(reader, field, 4));
  }

  private list(number: number, most: number, valuesOf: ReadField<Iterable<number>>): number[] | undefined {
    const list: number[] = [];
    for (const field of fieldsOf(this.reader, this.range)) {
      if (field.number !== number) continue;
      for (const value of valuesOf(this.reader, field)) {
        if (list.length === most) return undefined;
        list.push(value);
      }
    }
    return list;
  }

  get graphs(): Range[] {
    const fields = [...fieldsOf(this.reader, this.range)].filter(({ number }) => number === 6 || number === 11);
    return fields.map((field) => messageOf(this.reader, field));
  }
}
