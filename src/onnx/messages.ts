/** ONNX's messages (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), as far as they are needed, by field number. */

import * as onnxMessages from "../diagnostics/areas/onnx.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import type { ByteReader, Range } from "./bytes.ts";
import { type Field, fieldsOf, floatsOf, integersOf, messageOf, textOf } from "./wire.ts";

/** A tensor that a file holds; its numbers stay there. */
export interface TensorProto {
  readonly name: string;
  readonly dims: readonly number[];
  readonly dataType: number;
  /** `raw_data`, where it has that. */
  readonly raw: Range | undefined;
  /** The entries of `external_data`, where its numbers lie in another file. */
  readonly external: ReadonlyMap<string, string> | undefined;
  readonly range: Range;
}

/** A type of a graph's input, output or inner value, as far as it is said. */
export interface ValueInfoProto {
  readonly name: string;
  /** `undefined` for what is no tensor. */
  readonly elementType: number | undefined;
  /** Missing where the rank is not known; an extent is a number, a name, or not known. */
  readonly shape: readonly (number | string | undefined)[] | undefined;
  /** Whether it is a sequence of such tensors. */
  readonly isSequence?: boolean;
}

/** A node of a graph. */
export interface NodeProto {
  /** Its number in its graph. */
  readonly index: number;
  readonly name: string;
  readonly opType: string;
  /** What the op is called where the graph was translated from another form: `aten.layer_norm.default`. */
  readonly sourceOp?: string;
  readonly domain: string;
  /** Which of the model's functions of one name it calls. */
  readonly overload: string;
  /** Names; an empty one stands for an input that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Where each attribute lies, by its name. */
  readonly attributes: ReadonlyMap<string, Range>;
  readonly range: Range;
}

/** The graph of a model; its weights stay in the file. */
export interface GraphProto {
  readonly name: string;
  readonly nodes: readonly NodeProto[];
  readonly initializers: readonly TensorProto[];
  /** Names of sparse initializers, which are not read. */
  readonly sparse: readonly string[];
  readonly inputs: readonly ValueInfoProto[];
  readonly outputs: readonly ValueInfoProto[];
  readonly valueInfo: readonly ValueInfoProto[];
}

/** More dimensions than any tensor has. */
const mostDims = 64;

/** Calls what is said for a field's number with each field of a message; others are passed over. */
function eachField(reader: ByteReader, range: Range, on: Readonly<Record<number, (field: Field) => void>>): void {
  for (const field of fieldsOf(reader, range)) on[field.number]?.(field);
}

function readTensor(reader: ByteReader, range: Range): TensorProto {
  const tensor = { name: "", dims: [] as number[], dataType: 0, raw: undefined as Range | undefined, range };
  const entries = new Map<string, string>();
  let isExternal = false;
  eachField(reader, range, {
    1: (field) => {
      for (const dim of integersOf(reader, field)) {
        if (tensor.dims.length === mostDims)
          fail(onnxMessages.corrupt(reader.source.name, range.start, "a tensor has more than 64 dimensions"));
        tensor.dims.push(dim);
      }
    },
    2: (field) => {
      tensor.dataType = field.value;
    },
    8: (field) => {
      tensor.name = textOf(reader, field);
    },
    9: (field) => {
      tensor.raw = messageOf(reader, field);
    },
    13: (field) => {
      const { key, value } = readEntry(reader, messageOf(reader, field));
      entries.set(key, value);
    },
    14: (field) => {
      isExternal = field.value === 1;
    },
  });
  return { ...tensor, external: isExternal ? entries : undefined };
}

function readEntry(reader: ByteReader, range: Range): { key: string; value: string } {
  const entry = { key: "", value: "" };
  eachField(reader, range, {
    1: (field) => {
      entry.key = textOf(reader, field);
    },
    2: (field) => {
      entry.value = textOf(reader, field);
    },
  });
  return entry;
}

function readNode(reader: ByteReader, range: Range, index: number): NodeProto {
  const texts = { name: "", opType: "", domain: "", overload: "" };
  const [inputs, outputs]: [string[], string[]] = [[], []];
  const attributes = new Map<string, Range>();
  eachField(reader, range, {
    1: (field) => inputs.push(textOf(reader, field)),
    2: (field) => outputs.push(textOf(reader, field)),
    3: (field) => {
      texts.name = textOf(reader, field);
    },
    4: (field) => {
      texts.opType = textOf(reader, field);
    },
    5: (field) => {
      const attribute = messageOf(reader, field);
      eachField(reader, attribute, { 1: (name) => attributes.set(textOf(reader, name), attribute) });
    },
    7: (field) => {
      texts.domain = textOf(reader, field);
    },
    8: (field) => {
      texts.overload = textOf(reader, field);
    },
  });
  const domain = texts.domain === "ai.onnx" ? "" : texts.domain;
  return { index, ...texts, domain, inputs, outputs, attributes, range };
}

function readValueInfo(reader: ByteReader, range: Range): ValueInfoProto {
  const info = { name: "", elementType: undefined, shape: undefined } as {
    -readonly [K in keyof ValueInfoProto]: ValueInfoProto[K];
  };
  const tensorType = (type: Range) =>
    eachField(reader, type, {
      1: (field) => {
        info.elementType = field.value;
      },
      2: (field) => {
        info.shape = readShape(reader, messageOf(reader, field));
      },
    });
  // A sequence or an optional value is told by the type of what is in it.
  const type = (range: Range, depth: number) => {
    const inner = (field: Field) =>
      eachField(reader, messageOf(reader, field), { 1: (type_) => type(messageOf(reader, type_), depth + 1) });
    if (depth > 2) return;
    eachField(reader, range, {
      1: (field) => tensorType(messageOf(reader, field)),
      4: (field) => {
        info.isSequence = true;
        inner(field);
      },
      9: inner,
    });
  };
  eachField(reader, range, {
    1: (field) => {
      info.name = textOf(reader, field);
    },
    2: (field) => type(messageOf(reader, field), 0),
  });
  return info;
}

function readShape(reader: ByteReader, range: Range): (number | string | undefined)[] {
  const shape: (number | string | undefined)[] = [];
  eachField(reader, range, {
    1: (field) => {
      let dim: number | string | undefined;
      eachField(reader, messageOf(reader, field), {
        1: (value) => {
          dim = value.value >= 0 ? value.value : undefined;
        },
        2: (name) => {
          dim = textOf(reader, name) || undefined;
        },
      });
      shape.push(dim);
    },
  });
  return shape;
}

export function readGraph(reader: ByteReader, range: Range): GraphProto {
  const graph = {
    name: "",
    nodes: [] as NodeProto[],
    initializers: [] as TensorProto[],
    sparse: [] as string[],
    inputs: [] as ValueInfoProto[],
    outputs: [] as ValueInfoProto[],
    valueInfo: [] as ValueInfoProto[],
  };
  const valueInfo = (field: Field) => readValueInfo(reader, messageOf(reader, field));
  eachField(reader, range, {
    1: (field) => graph.nodes.push(readNode(reader, messageOf(reader, field), graph.nodes.length)),
    2: (field) => {
      graph.name = textOf(reader, field);
    },
    5: (field) => graph.initializers.push(readTensor(reader, messageOf(reader, field))),
    11: (field) => graph.inputs.push(valueInfo(field)),
    12: (field) => graph.outputs.push(valueInfo(field)),
    13: (field) => graph.valueInfo.push(valueInfo(field)),
    15: (field) =>
      eachField(reader, messageOf(reader, field), {
        1: (values) => graph.sparse.push(readTensor(reader, messageOf(reader, values)).name),
      }),
  });
  return graph;
}

interface ModelProto {
  readonly irVersion: number;
  /** The version of each operator set, by its domain; that of ONNX itself is "". */
  readonly opsets: ReadonlyMap<string, number>;
  /** The functions that the model defines itself, by their keys. */
  readonly functions: ReadonlyMap<string, FunctionProto>;
  readonly graph: Range | undefined;
}

export function readModel(reader: ByteReader): ModelProto {
  const model = { irVersion: 0, graph: undefined as Range | undefined };
  const opsets = new Map<string, number>();
  const functions = new Map<string, FunctionProto>();
  eachField(
    reader,
    { start: 0, end: reader.source.size },
    {
      1: (field) => {
        model.irVersion = field.value;
      },
      7: (field) => {
        model.graph = messageOf(reader, field);
      },
      8: (field) => {
        noteOpset(reader, field, opsets);
      },
      25: (field) => {
        const own = readFunction(reader, messageOf(reader, field));
        functions.set(functionKey(own), own);
      },
    },
  );
  return { ...model, opsets, functions };
}

function readOpset(reader: ByteReader, range: Range): { domain: string; version: number } {
  const opset = { domain: "", version: 0 };
  eachField(reader, range, {
    1: (field) => {
      opset.domain = textOf(reader, field);
    },
    2: (field) => {
      opset.version = field.value;
    },
  });
  return opset;
}

/** A function that a model defines itself: a node that calls it stands for its nodes. */
export interface FunctionProto {
  readonly name: string;
  readonly domain: string;
  readonly overload: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly nodes: readonly NodeProto[];
  /** What an attribute is where the call does not say it. */
  readonly defaults: ReadonlyMap<string, Range>;
  /** The version of each operator set in it. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly valueInfo: readonly ValueInfoProto[];
}

/** What a node calls, or a function is called: two of one key are one. */
export function functionKey({ domain, name, overload }: Pick<FunctionProto, "domain" | "name" | "overload">): string {
  return `${domain}:${name}${overload === "" ? "" : `:${overload}`}`;
}

function readFunction(reader: ByteReader, range: Range): FunctionProto {
  const texts = { name: "", domain: "", overload: "" };
  const lists = {
    inputs: [] as string[],
    outputs: [] as string[],
    nodes: [] as NodeProto[],
    valueInfo: [] as ValueInfoProto[],
  };
  const defaults = new Map<string, Range>();
  const opsets = new Map<string, number>();
  const text = (key: keyof typeof texts) => (field: Field) => {
    texts[key] = textOf(reader, field);
  };
  eachField(reader, range, {
    1: text("name"),
    4: (field) => lists.inputs.push(textOf(reader, field)),
    5: (field) => lists.outputs.push(textOf(reader, field)),
    7: (field) => lists.nodes.push(readNode(reader, messageOf(reader, field), lists.nodes.length)),
    9: (field) => noteOpset(reader, field, opsets),
    10: text("domain"),
    11: (field) => {
      const attribute = messageOf(reader, field);
      eachField(reader, attribute, { 1: (name) => defaults.set(textOf(reader, name), attribute) });
    },
    12: (field) => lists.valueInfo.push(readValueInfo(reader, messageOf(reader, field))),
    13: text("overload"),
  });
  const domain = texts.domain === "ai.onnx" ? "" : texts.domain;
  return { ...texts, domain, ...lists, defaults, opsets };
}

function noteOpset(reader: ByteReader, field: Field, opsets: Map<string, number>): void {
  const { domain, version } = readOpset(reader, messageOf(reader, field));
  opsets.set(domain === "ai.onnx" ? "" : domain, version);
}

/** The shortest decimal that is this float of 32 bits: an eps of 1e-5 is said and written as one. */
function shortFloat(value: number): number {
  const rounded = Math.fround(value);
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Object.is(Math.fround(short), rounded)) return short;
  }
  return value;
}

/** What an attribute holds, each of its parts read when it is wanted. */
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

  /** The attribute of the function around that it stands for, in a node of a function. */
  get reference(): string | undefined {
    const field = this.last(21);
    return field && textOf(this.reader, field);
  }

  /** Its integers; `undefined` where they are more than `most`. */
  integers(most: number): number[] | undefined {
    const list: number[] = [];
    for (const field of fieldsOf(this.reader, this.range)) {
      if (field.number !== 8) continue;
      for (const value of integersOf(this.reader, field)) {
        if (list.length === most) return undefined;
        list.push(value);
      }
    }
    return list;
  }

  /** Its floats; `undefined` where they are more than `most`. */
  floats(most: number): number[] | undefined {
    const list: number[] = [];
    for (const field of fieldsOf(this.reader, this.range)) {
      if (field.number !== 7) continue;
      for (const value of floatsOf(this.reader, field, 4)) {
        if (list.length === most) return undefined;
        list.push(value);
      }
    }
    return list;
  }

  /** Its graphs. */
  get graphs(): Range[] {
    const fields = [...fieldsOf(this.reader, this.range)].filter(({ number }) => number === 6 || number === 11);
    return fields.map((field) => messageOf(this.reader, field));
  }
}
