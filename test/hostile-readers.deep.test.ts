/**
 * Every reader takes time in proportion to what it reads: 1 MB of the worst that could be thought of takes about eight
 * times as long as an eighth of it. What is quadratic takes 64 times as long.
 */

import { create } from "@bufbuild/protobuf";
import { type GraphProto, GraphProtoSchema, TensorProtoSchema } from "onnx-buf";
import { describe, expect, test } from "vitest";
import { TircError } from "../src/diagnostics/diagnostic.ts";
import { renderPretty } from "../src/diagnostics/pretty.ts";
import { readNpy } from "../src/formats/npy.ts";
import { readSafetensorsHeader } from "../src/formats/safetensors.ts";
import { bytesInMemory } from "../src/onnx/bytes.ts";
import { importModel } from "../src/onnx/import.ts";
import { OnnxModel } from "../src/onnx/model.ts";
import { parse } from "../src/parse/parse.ts";
import { parseTarget } from "../src/target/target.ts";
import { cpuClock } from "./support/cpu-clock.ts";
import { npyWithHeader } from "./support/npy.ts";
import { type ModelParts, node, onnxModel } from "./support/onnx.ts";
import { withHeader } from "./support/safetensors.ts";

const whole = 1 << 20;

/** Reads, and renders the diagnostics as the command line does. */
function answer(read: () => unknown): void {
  try {
    read();
  } catch (caught) {
    if (!(caught instanceof TircError)) throw caught;
    for (const diagnostic of caught.diagnostics) renderPretty(diagnostic);
  }
}

/** Milliseconds that the processor worked, whatever else it had to do; the least of several rounds. */
function time(read: () => unknown, rounds: number): number {
  const times = Array.from({ length: rounds }, () => {
    const clock = cpuClock();
    answer(read);
    return clock();
  });
  return Math.min(...times);
}

/** `bytes` of a part that is repeated, with numbers. */
function repeated(bytes: number, part: (i: number) => string): string {
  const parts: string[] = [];
  for (let length = 0; length < bytes; length += parts[parts.length - 1]?.length ?? 0) parts.push(part(parts.length));
  return parts.join("");
}

type Text = (bytes: number) => string;
type Worst = Readonly<Record<string, Text>>;
/** Of any text. */
const texts: Worst = {
  "deep nesting": (bytes) => "[".repeat(bytes),
  "deep nesting that closes": (bytes) => "[".repeat(bytes / 2) + "]".repeat(bytes / 2),
  digits: (bytes) => "1".repeat(bytes),
  blanks: (bytes) => " ".repeat(bytes),
  "one string": (bytes) => `"${"a".repeat(bytes)}"`,
  backslashes: (bytes) => `"${"\\\\".repeat(bytes / 2)}"`,
  "strings without an end": (bytes) => `"'`.repeat(bytes / 2),
  "a string and blanks": (bytes) => repeated(bytes, () => `"a"${" ".repeat(1000)}`),
};

const dictionary = (shape: string, descr = "'<f4'") => `{'descr': ${descr}, 'fortran_order': False, 'shape': ${shape}}`;
const npy: Worst = {
  ...texts,
  "digits in the shape": (bytes) => dictionary(`(${"1".repeat(bytes)}x)`),
  "extents in the shape": (bytes) => dictionary(`(${"1,".repeat(bytes / 2)}x)`),
  "blanks in the shape": (bytes) => dictionary(`(${" ".repeat(bytes)}x)`),
  "digits and blanks in the shape": (bytes) => dictionary(`(${"1 ".repeat(bytes / 2)}x)`),
  "records in records": (bytes) => dictionary("(1,)", "[".repeat(bytes)),
  "many keys": (bytes) => `{${repeated(bytes, (i) => `'k${i}': 1, `)}}`,
  "the same key": (bytes) => `{${"'descr': '<f4', ".repeat(bytes / 16)}}`,
};

const field = (key: string, value: string) => `{"name":"x","kind":"gpu","${key}":${value}}`;
const json: Worst = {
  ...texts,
  "many keys": (bytes) => `{${repeated(bytes, (i) => `"k${i}":1,`)}"k":1}`,
  "many keys that are nearly known": (bytes) => `{${repeated(bytes, (i) => `"nam${i % 10}${i}":1,`)}"k":1}`,
  "a deep value": (bytes) => field("features", "[".repeat(bytes / 2) + "]".repeat(bytes / 2)),
  "a deep object": (bytes) => field("limits", `${'{"a":'.repeat(bytes / 6)}1${"}".repeat(bytes / 6)}`),
  "many schedules": (bytes) => field("schedules", `[${repeated(bytes, () => '{"fn":3},')}{}]`),
  "a long key": (bytes) => `{"${"k".repeat(bytes)}":1}`,
};

const tensor = (from: number, to: number) =>
  `{"dtype":"F32","shape":[${(to - from) / 4}],"data_offsets":[${from},${to}]}`;
const headers: Worst = {
  ...json,
  "many tensors": (bytes) => `{${repeated(bytes, (i) => `"t${i}":${tensor(4 * i, 4 * i + 4)},`)}"t":${tensor(0, 0)}}`,
  "a shape of many extents": (bytes) =>
    `{"t":{"dtype":"F32","shape":[${"1,".repeat(bytes / 2)}1],"data_offsets":[0,4]}}`,
};

const fn = (body: string) => `fn f(x: f32[4]) -> f32[4] {\n${body}\n}\n`;
const programs: Worst = {
  ...texts,
  parentheses: (bytes) => fn(`return ${"(".repeat(bytes / 2)}x${")".repeat(bytes / 2)}`),
  minuses: (bytes) => fn(`return ${"-".repeat(bytes)}x`),
  sums: (bytes) => fn(`return x${" + x".repeat(bytes / 4)}`),
  "digits of a number": (bytes) => fn(`return x * ${"1".repeat(bytes)}`),
  "a long name": (bytes) => fn(`return ${"y".repeat(bytes)}`),
  "names with one beginning": (bytes) =>
    repeated(bytes, (i) => `fn ${"f".repeat(100)}${i}(x: f32[4]) -> f32[4] { return x }\n`),
  "functions of one name": (bytes) => "fn f(x: f32[4]) -> f32[4] { return x }\n".repeat(bytes / 40),
  "open comments": (bytes) => "/* ".repeat(bytes / 3),
  "dimensions of one type": (bytes) => `fn f(x: f32[${repeated(bytes, (i) => `d${i}, `)}n]) -> f32[4] { return x }`,
  constants: (bytes) => repeated(bytes, (i) => `const c${i}: f32[4] = load("m.onnx", "c")\n`),
};

describe.each<[string, Worst, (text: string) => unknown]>([
  [".npy", npy, (text) => readNpy(npyWithHeader(text, new Uint8Array(4), 2), "x.npy")],
  [
    "safetensors",
    headers,
    (text) => readSafetensorsHeader(openFile(withHeader(text, new Uint8Array(4))), "m.safetensors"),
  ],
  ["targets", json, (text) => parseTarget({ name: "t.json", text })],
  ["programs", programs, (text) => parse(text, { file: "p.tir" })],
])("%s", (_kind, worst, read) => {
  test.each(Object.entries(worst))("%s", (_what, make) => {
    expectLinear((bytes) => {
      const text = make(bytes);
      return () => read(text);
    });
  });
});

/** A node of `count` inputs and outputs. */
const wide = (op: string, inputs: number, outputs: number, attributes = {}) => {
  const names = (count: number, name: (i: number) => string) => Array.from({ length: count }, (_, i) => name(i));
  return node(
    op,
    names(inputs, () => "x"),
    names(outputs, (i) => `o${i}`),
    { attributes },
  );
};
const x = { element: "f32", shape: [64, 4] } as const;
const list = <T>(bytes: number, each: number, make: (i: number) => T): T[] =>
  Array.from({ length: Math.ceil(bytes / each) }, (_, i) => make(i));
/** Nested graphs, each with its own nodes. */
function nested(depth: number, nodes: number): GraphProto {
  const own = list(nodes, 1, (i) => node("Foo", [`d${depth}n${i}`], [`d${depth}n${i + 1}`]));
  const inner = depth === 0 ? [] : [node("If", ["x"], [], { attributes: { then_branch: nested(depth - 1, nodes) } })];
  return create(GraphProtoSchema, { node: [...own, ...inner] });
}

const models: Readonly<Record<string, (bytes: number) => ModelParts>> = {
  "many nodes": (bytes) => ({ nodes: list(bytes, 20, (i) => node("Foo", [i === 0 ? "x" : `n${i - 1}`], [`n${i}`])) }),
  "nodes from the last to the first": (bytes) => {
    return { nodes: list(bytes, 20, (i) => node("Foo", [i === 0 ? "x" : `n${i - 1}`], [`n${i}`])).reverse() };
  },
  "a ring of nodes": (bytes) => {
    const count = Math.ceil(bytes / 20);
    return { nodes: list(count, 1, (i) => node("Foo", [`n${(i + 1) % count}`], [`n${i}`])) };
  },
  "names that nothing makes": (bytes) => ({ nodes: list(bytes, 20, (i) => node("Foo", [`m${i}`], [`n${i}`])) }),
  "a node of many inputs and outputs": (bytes) => ({ nodes: [wide("Foo", bytes / 20, bytes / 20)] }),
  "a Concat of many": (bytes) => ({ nodes: [wide("Concat", bytes / 3, 1, { axis: 0 })] }),
  "a Sum of many": (bytes) => ({ nodes: [wide("Sum", bytes / 3, 1)] }),
  "a Split into many": (bytes) => ({
    inputs: { x: { element: "f32", shape: [Math.ceil(bytes / 10)] } },
    nodes: [wide("Split", 1, bytes / 10, { axis: 0 })],
  }),
  "names that are one name": (bytes) => ({
    nodes: list(bytes, 40, (i) => {
      const name = `a${[...i.toString(4)].map((digit) => ".-/:"[Number(digit)]).join("")}`;
      return node("Foo", ["x"], [name]);
    }),
  }),
  "tensors of one name": (bytes) => ({
    tensors: list(bytes, 20, () => create(TensorProtoSchema, { name: "w", dataType: 1 })),
  }),
  "many tensors": (bytes) => ({
    tensors: list(bytes, 20, (i) => create(TensorProtoSchema, { name: `w${i}`, dataType: 1 })),
  }),
  "a name of all the bytes": (bytes) => ({ nodes: [node("Foo", ["x"], ["\u001b".repeat(bytes)])] }),
  "graphs in graphs": (bytes) => ({
    nodes: [node("If", ["x"], ["y"], { attributes: { g: nested(30, bytes / 30 / 24) } })],
  }),
  "graphs that are too deep": (bytes) => ({
    nodes: [node("If", ["x"], ["y"], { attributes: { g: nested(40, bytes / 40 / 24) } })],
  }),
};

describe("ONNX", () => {
  const read = (bytes: Uint8Array) => {
    const model = new OnnxModel(bytesInMemory("m.onnx", bytes), () => bytesInMemory("w", new Uint8Array()));
    return importModel(model, "m.onnx");
  };

  test.each(Object.entries(models))("%s", (_what, make) => {
    expectLinear((bytes) => {
      const model = onnxModel({ inputs: { x }, outputs: { x: { element: "f32" } }, ...make(bytes) });
      expect(model.length).toBeGreaterThan(bytes / 4);
      return () => read(model);
    });
  });

  test.each<[string, (at: number) => number]>([
    ["one byte", () => 0x0a],
    ["numbers without an end", () => 0xff],
    ["fields in fields", (at) => (at % 2 === 0 ? 0x3a : 0x7f)],
    ["fields without a number", () => 0],
  ])("bytes: %s", (_what, byte) => {
    expectLinear((count) => {
      const bytes = Uint8Array.from({ length: count }, (_, at) => byte(at));
      return () => read(bytes);
    });
  });
});

const openFile = (bytes: Uint8Array) => ({
  size: bytes.length,
  read: (start: number, length: number) => bytes.slice(start, start + length),
  close: () => undefined,
});

/** Milliseconds. */
const enough = 1500;

function expectLinear(prepare: (bytes: number) => () => unknown): void {
  const [part, all] = [prepare(whole / 8), prepare(whole)];
  time(part, 1);
  const small = time(part, 2);
  const large = time(all, 1);
  // Short times are fine, whatever the garbage collector's share.
  if (large > enough && large > 32 * small) expect(time(all, 3) / time(part, 3)).toBeLessThan(32);
}
