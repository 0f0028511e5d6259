/**
 * Types of what nodes make, beside what they made: cases of the operators' own tests, run by ONNX's reference
 * implementation (standard.json), and nodes of com.microsoft, run by onnxruntime (microsoft.json); tools/models makes both
 * by standard_cases.py and microsoft_cases.py. A case is also typed
 * with a name for every extent of its inputs; the names' values in the results must give the same shapes.
 */

import { readFileSync } from "node:fs";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as Kind,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from "onnx-buf";
import { describe, expect, test } from "vitest";
import { bytesInMemory } from "../../src/onnx/bytes.ts";
import { Dimensions } from "../../src/onnx/dimensions.ts";
import { evaluate } from "../../src/onnx/extent.ts";
import { OnnxModel } from "../../src/onnx/model.ts";
import { ScopeTypes } from "../../src/onnx/types/infer.ts";
import { standardTypes } from "../../src/onnx/types/rules.ts";

type Numbers = readonly number[];
/** Name, element type, shape, and numbers where they decide about the shape of the result; empty for one left out. */
type Tensor = readonly [] | readonly [""] | readonly [name: string, type: number, shape: Numbers, numbers?: Numbers];

interface Case {
  readonly op: string;
  readonly domain?: string;
  readonly set: number;
  /** Attributes: an integer, a float, a string, lists of these, or a tensor of type `t` and shape `d`. */
  readonly a: Readonly<
    Record<
      string,
      { i?: number; f?: number; s?: string; is?: Numbers; fs?: Numbers; t?: number; d?: Numbers; v?: Numbers }
    >
  >;
  readonly i: readonly Tensor[];
  readonly o: readonly (readonly [name: string, type?: number, shape?: Numbers])[];
}

const read = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`../fixtures/onnx-types/${name}.json`, import.meta.url), "utf8"));

/** A tensor whose numbers stand in the field of its type. */
function tensor(name: string, dataType: number, dims: Numbers, numbers: Numbers) {
  const all = { name, dataType, dims: dims.map(BigInt) };
  const list = [...numbers];
  if (dataType === 1) return create(TensorProtoSchema, { ...all, floatData: list });
  if (dataType === 7) return create(TensorProtoSchema, { ...all, int64Data: list.map(BigInt) });
  if (dataType === 11) return create(TensorProtoSchema, { ...all, doubleData: list });
  return create(TensorProtoSchema, { ...all, int32Data: list });
}

function attribute(name: string, { i, f, s, is, fs, t, d = [], v = [] }: Case["a"][string]): AttributeProto {
  const of = (parts: Partial<AttributeProto>) => create(AttributeProtoSchema, { name, ...(parts as object) });
  if (i !== undefined) return of({ type: Kind.INT, i: BigInt(i) });
  if (f !== undefined) return of({ type: Kind.FLOAT, f });
  if (s !== undefined) return of({ type: Kind.STRING, s: new TextEncoder().encode(s) });
  if (is !== undefined) return of({ type: Kind.INTS, ints: is.map(BigInt) });
  if (fs !== undefined) return of({ type: Kind.FLOATS, floats: [...fs] });
  if (t !== undefined) return of({ type: Kind.TENSOR, t: tensor("", t, d, v) });
  return of({ type: Kind.STRINGS });
}

function modelOf({ op, domain = "", set, a, i, o }: Case, dim: (name: string, axis: number, extent: number) => object) {
  const given = i.filter((one) => one.length > 1) as [string, number, Numbers, Numbers?][];
  const constants = given.filter(([, , , numbers]) => numbers !== undefined);
  const inputs = given.filter(([, , , numbers]) => numbers === undefined);
  const graph = {
    name: "g",
    node: [
      create(NodeProtoSchema, {
        opType: op,
        domain,
        input: i.map(([name = ""]) => name),
        output: o.map(([name]) => name),
        attribute: Object.entries(a).map(([name, value]) => attribute(name, value)),
      }),
    ],
    input: inputs.map(([name, elemType, shape]) => {
      const value = { elemType, shape: { dim: shape.map((extent, axis) => dim(name, axis, extent)) } };
      return create(ValueInfoProtoSchema, { name, type: { value: { case: "tensorType", value } } } as never);
    }),
    output: o.flatMap(([name]) => (name === "" ? [] : [create(ValueInfoProtoSchema, { name })])),
    initializer: constants.map(([name, type, shape, numbers = []]) => tensor(name, type, shape, numbers)),
  };
  const opsetImport = [
    { domain: "", version: BigInt(set) },
    { domain: "com.microsoft", version: 1n },
  ];
  const bytes = toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 8n, opsetImport, graph } as never));
  return new OnnxModel(bytesInMemory("m.onnx", bytes), () => {
    throw new Error("no file beside the model");
  });
}

/** The results by the rules; `extents` has what names stand for. */
function typed(
  one: Case,
  isNamed: boolean,
): { element?: number | undefined; shape?: (number | "open")[] | undefined }[] {
  const values = new Map<string, number>();
  const model = modelOf(one, (name, axis, extent) => {
    const dimParam = `${name}_${axis}`;
    if (!isNamed || extent === 0) return { value: { case: "dimValue", value: BigInt(extent) } };
    values.set(dimParam, extent);
    return { value: { case: "dimParam", value: dimParam } };
  });
  const dimensions = new Dimensions();
  const scope = new ScopeTypes({ model, dimensions }, model.graph);
  for (const input of model.graph.inputs) scope.parameter(input);
  const names = new Map([...values.keys()].map((name) => [dimensions.dim(dimensions.named(name)), values.get(name)]));
  scope.run(model.order);
  const numberOf = (extent: Parameters<typeof evaluate>[0]) => {
    const value = evaluate(extent, (name) => names.get(name) ?? Number.NaN);
    return Number.isNaN(value) ? "open" : value;
  };
  return one.o.map(([name]) => {
    const info = name === "" ? undefined : scope.info(name);
    return { element: info?.element, shape: info?.shape?.map(numberOf) };
  });
}

/** Windows, and the axes that are looked up along, must be numbers. */
const byExtents = new Set(["ConvInteger", "ConvTranspose", "QLinearConv", "FusedConv", "GatherND"]);

/** What these make depends on numbers that are not in the case, or that are inputs. */
const byNumbers = new Set([
  ...["Compress", "NonMaxSuppression", "NonZero", "Unique", "StringSplit", "StringNormalizer", "ImageDecoder"],
  ...["Range", "GroupQueryAttention"],
]);
const title = ({ op, a }: Case) => `${op} ${JSON.stringify(a).slice(0, 60)}`;

describe.each(["standard", "microsoft"])("%s", (file) => {
  const cases = read<Case[]>(file);

  test.each([...new Set(cases.map(({ op }) => op))])("%s", (op) => {
    for (const one of cases.filter((other) => other.op === op)) {
      for (const isNamed of [false, true]) {
        for (const [i, { element, shape }] of typed(one, isNamed).entries()) {
          const [name, type, extents = []] = one.o[i] as Case["o"][number];
          if (name === "") continue;
          const where = `${title(one)} ${name} ${JSON.stringify(one.i)} ${isNamed ? "named" : ""}`;
          expect(element, where).toBe(type);
          const mayBeOpen = byNumbers.has(op) || (isNamed && byExtents.has(op));
          const wanted = extents.map((extent, axis) => (mayBeOpen && shape?.[axis] === "open" ? "open" : extent));
          if (shape !== undefined || !mayBeOpen) expect(shape, where).toEqual(wanted);
        }
      }
    }
  });
});

/** Operators without a rule, and why. */
const without: Readonly<Record<string, string>> = {
  Constant: "what it makes is a tensor of the model, and read as that",
};

test("every operator of ONNX to set 23 has a rule, or a reason", () => {
  const operators = read<string[]>("operators");
  expect(operators.filter((name) => !Object.hasOwn(standardTypes, name)).sort()).toEqual(Object.keys(without).sort());
});
