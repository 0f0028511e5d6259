/** The inputs of an ONNX model: numbers from files, or random ones; and extents for the dimensions that its inputs leave open. */

import { type Fill, numbersOf, printFill } from "../compare/fill.ts";
import { checkNumbers, type DeclaredInput, extentsIn, type InputSource, seedOf } from "../compare/inputs.ts";
import * as cliErrors from "../diagnostics/areas/command.ts";
import * as surgeryErrors from "../diagnostics/areas/surgery.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { roundTo } from "../ir/float16.ts";
import type { NumberKind } from "../ir/number-formats.ts";
import { elementCount } from "../ir/tensor.ts";
import { type ElementType, printShape } from "../ir/types.ts";
import { dataTypes, typeName, types } from "../onnx/data-types.ts";
import type { OnnxModel } from "../onnx/model.ts";
import { UniqueNames } from "../onnx/names.ts";
import type { Arguments } from "./arguments.ts";
import { isFed, type RunInput } from "./onnxruntime.ts";
import { readDims } from "./program-options.ts";
import { readInputs, readSeed } from "./run-options.ts";
import type { Io } from "./session.ts";
import { type Table, tablesIn } from "./table-inputs.ts";

export type Extents = Readonly<Record<string, number>>;

interface ModelInput {
  readonly name: string;
  readonly dataType: number;
  readonly kind: NumberKind;
  readonly shape: readonly (number | string)[];
}

/** The default random numbers of each type. */
const drawnAs: Readonly<Record<number, ElementType>> = {
  ...{ [types.float]: "f32", [types.half]: "f16", [types.double]: "f32", [types.bool]: "bool" },
  ...{ [types.uint8]: "u32", [types.uint16]: "u32", [types.uint32]: "u32", [types.uint64]: "u32" },
  ...{ [types.int8]: "i32", [types.int16]: "i32", [types.int32]: "i32", [types.int64]: "i32" },
};

/** The largest number of an integer type, where numbers of a wider type are generated. */
const largest: Readonly<Record<number, number>> = {
  ...{ [types.uint8]: 2 ** 8 - 1, [types.int8]: 2 ** 7 - 1, [types.uint16]: 2 ** 16 - 1, [types.int16]: 2 ** 15 - 1 },
};

const roundings: Readonly<Record<number, (number: number) => number>> = {
  ...{ [types.float]: roundTo.f32, [types.half]: roundTo.f16 },
};

export class ModelInputs {
  /** Dimensions given neither by a file nor by `--dim`, with the axis at which each first occurs. */
  readonly open: ReadonlyMap<string, number>;
  /** Inputs whose random numbers a reader would not expect: lines of text. */
  readonly notes: readonly string[];
  private readonly inputs: readonly ModelInput[];
  private readonly sources: ReadonlyMap<string, InputSource>;
  private readonly tables: ReadonlyMap<string, Table>;
  private readonly given: Extents;
  private readonly seed: number;

  /** Throws E0604, E0606, E0630 to E0637, E0640, E0705 to E0712 for the given inputs, E0753 for inputs that cannot be provided. */
  constructor(model: OnnxModel, args: Arguments, io: Io) {
    this.inputs = inputsOf(model);
    this.seed = readSeed(args);
    this.sources = readInputs(args, { name: model.file, inputs: this.inputs.map(({ name }) => name) }, io);
    this.tables = tablesIn(model);
    this.given = this.extentsGiven(args);
    const open = new Map<string, number>();
    for (const { shape } of this.inputs) {
      for (const [axis, dim] of shape.entries()) {
        if (typeof dim === "string" && this.given[dim] === undefined && !open.has(dim)) open.set(dim, axis);
      }
    }
    this.open = open;
    this.notes = [...this.tables].flatMap(([name, { rows, tensor }]) =>
      this.sources.has(name) ? [] : [`${name}: whole numbers below ${rows}, the rows of \`${tensor}\``],
    );
  }

  private extentsGiven(args: Arguments): Extents {
    const dims = readDims(args);
    const known = new Set(this.inputs.flatMap(({ shape }) => shape.filter((dim) => typeof dim === "string")));
    const unknown = dims.filter(({ name }) => !known.has(name.text));
    if (unknown.length > 0) {
      fail(...unknown.map(({ name }) => cliErrors.unknownDimension(name.span, name.text, [...known])));
    }
    const given = Object.fromEntries(dims.map(({ name, extent }) => [name.text, extent]));
    return extentsIn(this.inputs.map(declared), this.sources, given);
  }

  /** All extents, including those chosen for the open dimensions. */
  extents(chosen: Extents): Extents {
    return { ...this.given, ...chosen };
  }

  /** The shape of each input. */
  shapes(chosen: Extents): ReadonlyMap<string, readonly number[]> {
    const extents = this.extents(chosen);
    const extentOf = (dim: number | string) => (typeof dim === "number" ? dim : (extents[dim] as number));
    return new Map(this.inputs.map(({ name, shape }) => [name, shape.map(extentOf)]));
  }

  /** Throws E0636, E0637, E0717. */
  tensors(chosen: Extents): Readonly<Record<string, RunInput>> {
    const shapes = this.shapes(chosen);
    return Object.fromEntries(
      this.inputs.map((input) => [input.name, this.tensor(input, shapes.get(input.name) as readonly number[])]),
    );
  }

  private tensor(input: ModelInput, shape: readonly number[]): RunInput {
    const { name, dataType } = input;
    const source = this.sources.get(name) ?? { kind: "fill", fill: "randn" };
    const round = roundings[dataType] ?? ((number: number) => number);
    if (source.kind === "file") return { dataType, shape, numbers: numbersInFile(input, source).map(round) };
    const fill = source.fill === "randn" ? this.drawn(input) : source.fill;
    const next = numbersOf(drawnAs[dataType] as ElementType, fill, seedOf(this.seed, name));
    const numbers = Float64Array.from({ length: elementCount(shape) }, next ?? (() => Number.NaN));
    const most = largest[dataType] ?? Infinity;
    if (next === undefined || numbers.some((number) => Math.abs(number) > most)) {
      const what = source.word?.text ?? printFill(source.fill);
      fail(cliErrors.numberDoesNotFit(source.word?.span, name, typeName(dataType), what));
    }
    return { dataType, shape, numbers: numbers.map(round) };
  }

  /** 0 and 1 are valid ids of every table, and masks. */
  private drawn({ name, kind }: ModelInput): Fill {
    if (kind === "float") return "randn";
    const rows = kind === "bool" ? undefined : this.tables.get(name)?.rows;
    return { name: "uniform", of: [0, rows ?? 2] };
  }
}

function inputsOf(model: OnnxModel): ModelInput[] {
  const constants = new Set(model.tensorNames);
  const names = new UniqueNames();
  const named = new Map<string, string>();
  const nameOf = (dim: string) => {
    const name = named.get(dim) ?? names.give(dim);
    named.set(dim, name);
    return name;
  };
  return model.graph.inputs
    .filter(({ name }) => !constants.has(name))
    .map(({ name, elementType, shape }) => {
      if (elementType === undefined || !isFed(elementType) || shape === undefined) {
        const what =
          elementType === undefined
            ? "something that is not a tensor"
            : isFed(elementType)
              ? "of a rank that the model does not declare"
              : typeName(elementType);
        fail(surgeryErrors.notFed(model.file, name, what));
      }
      const dims = shape.map((dim, axis) =>
        typeof dim === "number" ? dim : dim === undefined ? names.give(`${name}_${axis}`) : nameOf(dim),
      );
      const { kind } = dataTypes.get(elementType) as { kind: NumberKind };
      return { name, dataType: elementType, kind, shape: dims };
    });
}

const declared = ({ name, dataType, shape }: ModelInput): DeclaredInput => {
  return { name, type: `${typeName(dataType)}${printShape(shape)}`, shape };
};

function numbersInFile({ name, kind, dataType }: ModelInput, source: InputSource & { kind: "file" }): Float64Array {
  const isFloat64 = dataType === types.double;
  checkNumbers({ name, kind, type: typeName(dataType) }, isFloat64 ? undefined : drawnAs[dataType], source);
  return source.array.numbers;
}
