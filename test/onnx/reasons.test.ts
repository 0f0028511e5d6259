/** Reasons that a surgery gives: the names in them are the model's own, and their claims about its nodes are true. */

import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { NodeProto } from "../../src/onnx/messages.ts";
import type { OnnxModel } from "../../src/onnx/model.ts";
import { onnxModel } from "../support/onnx.ts";
import { Graph } from "../support/onnx-graph.ts";
import { operated } from "../support/surgery.ts";

const folder = new URL("models/", import.meta.url);
const files = readdirSync(folder).filter((file) => file.endsWith(".onnx"));

/** A reason that shows up as a problem of the text itself or of its content. */
function problems(bytes: Uint8Array): string[] {
  const { norms, model } = operated(bytes);
  const names = namesIn(model);
  return norms.flatMap(({ because, constants, movedTo }) =>
    [...because, ...constants, ...movedTo].flatMap((reason) => {
      const quoted = [...reason.matchAll(/`([^`]*)`/g)].map(([, name]) => name as string);
      const unknown = quoted.filter((name) => !names.has(name));
      const isWrong = /\bextern\b/.test(reason) || unknown.length > 0 || !isTrue(reason, model);
      return isWrong ? [reason] : [];
    }),
  );
}

function namesIn({ graph }: OnnxModel): Set<string> {
  const { nodes, inputs, outputs, initializers } = graph;
  return new Set([
    ...nodes.flatMap((node) => [node.name, ...node.inputs, ...node.outputs]),
    ...[...inputs, ...outputs, ...initializers].map(({ name }) => name),
  ]);
}

const node = "`([^`]+)` \\((\\w+)\\)";

/** Claims about the edges of the graph, and how each is checked. */
const claims: readonly (readonly [RegExp, (graph: Edges, ...names: string[]) => boolean])[] = [
  [new RegExp(`${node} is read by ${node}`), (edges, a, _, b) => edges.reads(b as string, a as string)],
  [
    new RegExp(`${node} is returned as \`([^\`]+)\``),
    (edges, a, _, tensor) => edges.makes(a as string, tensor as string),
  ],
  [
    new RegExp(`${node} regroups rows: its axes [^ ]+ are not axes of \`([^\`]+)\``),
    (edges, a, _, x) => edges.reads(a as string, x as string),
  ],
  [/`([^`]+)` is an input of the model/, (edges, x) => edges.isInput(x as string)],
];

/** Nodes by their names, or by what they make. */
class Edges {
  private readonly model: OnnxModel;

  constructor(model: OnnxModel) {
    this.model = model;
  }

  private find(name: string): NodeProto | undefined {
    const { nodes } = this.model.graph;
    return nodes.find((one) => one.name === name) ?? nodes.find(({ outputs }) => outputs.includes(name));
  }

  reads(reader: string, maker: string): boolean {
    const made = this.find(maker)?.outputs ?? [maker];
    return this.find(reader)?.inputs.some((name) => made.includes(name)) ?? false;
  }

  makes(maker: string, tensor: string): boolean {
    return this.find(maker)?.outputs.includes(tensor) ?? false;
  }

  isInput(name: string): boolean {
    return this.model.graph.inputs.some((input) => input.name === name);
  }
}

/** Claims that were met with. */
const met = new Set<RegExp>();

function isTrue(reason: string, model: OnnxModel): boolean {
  const edges = new Edges(model);
  return claims.every(([pattern, check]) => {
    const found = pattern.exec(reason);
    if (found === null) return true;
    met.add(pattern);
    return check(edges, ...found.slice(1));
  });
}

test.each(files)("%s", (file) => {
  expect(problems(readFileSync(new URL(file, folder)))).toEqual([]);
});

/** A block of a transformer, with nodes that the language has no op for around it. */
function block(write: (graph: Graph, x: string) => string | string[]): Uint8Array {
  const graph = new Graph();
  const returned = [write(graph, "x")].flat();
  const { nodes, weights } = graph;
  const outputs = Object.fromEntries(returned.map((y) => [y, { element: "f32" } as const]));
  const inputs = { x: { element: "f32", shape: [3, 4, 8] } } as const;
  return onnxModel({ opset: 11, inputs, outputs, weights, nodes });
}

test.each<[string, (graph: Graph, x: string) => string | string[]]>([
  ["pre-norm", (graph, x) => graph.add(x, graph.attention(graph.expandedNorm(x, 8), 8, 2))],
  ["post-norm", (graph, x) => graph.expandedNorm(graph.add(x, graph.attention(x, 8, 2)), 8)],
  ["a norm of what has no op", (graph, x) => graph.expandedNorm(graph.op("Celu", [x]), 8)],
  [
    "two norms of one stream that is returned",
    (graph, x) => {
      const h = graph.dense(x, 8, 8);
      return graph.add(h, graph.add(graph.expandedNorm(h, 8), graph.op("Celu", [graph.expandedNorm(h, 8)])));
    },
  ],
  [
    "a stream that is returned",
    (graph, x) => {
      const h = graph.add(x, graph.dense(x, 8, 8));
      return [h, graph.expandedNorm(h, 8)];
    },
  ],
  [
    "rows that are cut anew",
    (graph, x) => graph.expandedNorm(graph.op("Reshape", [graph.dense(x, 8, 8), graph.integers(-1, 16)]), 16),
  ],
])("%s", (_, write) => {
  const bytes = block(write);
  expect(operated(bytes).norms.length).toBeGreaterThan(0);
  expect(problems(bytes)).toEqual([]);
});

test("what has no op is named as the model names it", () => {
  const { norms } = operated(block((graph, x) => graph.expandedNorm(graph.op("Celu", [x]), 8)));
  expect(norms[0]?.because[0]).toBe("because `/Celu_1` (Celu) need not keep a row mean of zero");
});

test("each kind of claim was met with", () => {
  expect(claims.map(([pattern]) => pattern).filter((pattern) => !met.has(pattern))).toEqual([]);
});
