/** Nodes with subgraphs, in float64: each subgraph is run as a model of its own, on the values known around it. */

import type { Value } from "../ir/ir.ts";
import type { Tensor } from "../ir/tensor.ts";
import { types } from "../onnx/data-types.ts";
import type { Imported } from "../onnx/import.ts";
import type { GraphProto, NodeProto, ValueInfoProto } from "../onnx/messages.ts";
import { type OnnxModel, shown } from "../onnx/model.ts";
import { NotComputed, type Numbers } from "./node-values.ts";
import type { RunInput, RunTensor, RunTensors } from "./onnxruntime.ts";

/** A graph during its evaluation. */
export interface Evaluation {
  readonly model: OnnxModel;
  readonly imported: Imported;
  readonly values: ReadonlyMap<Value, Tensor>;
  /** The outputs of another graph. Throws NotComputed. */
  readonly run: (graph: OnnxModel, inputs: Readonly<Record<string, RunInput>>) => RunTensors;
}

/** Numbers known before the model runs: `extern` ops do not take these as operands. */
function knownTensor({ types }: Imported, name: string): Tensor | undefined {
  const { shape, items } = types.info(name) ?? {};
  const isNumber = (item: unknown) => typeof item === "number";
  if (!shape?.every(isNumber) || !items?.every(isNumber)) return undefined;
  return { element: "i32", shape: shape as number[], data: Float64Array.from(items as number[]) };
}

/** The numbers of a tensor, if they are known yet. */
export function tensorOf({ imported, values }: Evaluation, name: string): Tensor | undefined {
  const value = imported.values.get(name);
  return (value && values.get(value)) ?? knownTensor(imported, name);
}

/** The results of a node with subgraphs. */
type Control = (around: Evaluation, node: NodeProto, inputs: readonly (Tensor | undefined)[]) => readonly Numbers[];

/** More iterations than a check runs a body. */
const mostSteps = 1000;

/** By op type. */
export const controlReferences: Readonly<Record<string, Control>> = {
  If: (around, node, [condition]) => {
    const isThen = condition?.data[0] !== 0;
    return evaluateBody(around, bodyOf(around, node, isThen ? "then_branch" : "else_branch"), []);
  },
  Loop: (around, node, [count, condition, ...initial]) => {
    const body = bodyOf(around, node, "body");
    const elements = [types.int64, types.bool, ...node.inputs.slice(2).map((name) => typeIn(around, name))];
    let states = initial as readonly Numbers[];
    let isOn = condition?.data[0] !== 0;
    const scanned: (readonly Numbers[])[] = [];
    const scalar = (number: number): Numbers => ({ shape: [], data: Float64Array.of(number) });
    for (let i = 0; isOn && i < (count?.data[0] ?? Infinity); i++) {
      if (i === mostSteps) throw new NotComputed(`${shown(node)} runs more than ${mostSteps} times`);
      const inputs = [scalar(i), scalar(1), ...states].map((numbers, at) => ({ ...numbers, type: elements[at] }));
      const [next, ...made] = evaluateBody(around, body, inputs);
      isOn = next?.data[0] !== 0;
      states = made.slice(0, initial.length);
      scanned.push(made.slice(initial.length));
    }
    const extra = body.outputs.length - 1 - initial.length;
    if (extra > 0 && scanned.length === 0) throw new NotComputed(`the body of ${shown(node)} runs zero times`);
    const stacks = Array.from({ length: extra }, (_, i) => stacked(scanned.map((one) => one[i] as Numbers)));
    return [...states, ...stacks];
  },
};

function stacked(parts: readonly Numbers[]): Numbers {
  const [first] = parts as [Numbers];
  const data = new Float64Array(parts.length * first.data.length);
  for (const [i, part] of parts.entries()) data.set(part.data, i * first.data.length);
  return { shape: [parts.length, ...first.shape], data };
}

function bodyOf({ model }: Evaluation, node: NodeProto, name: string): GraphProto {
  const body = model.bodies(node).get(name);
  if (body === undefined) throw new NotComputed(`${shown(node)} has no \`${name}\``);
  return body;
}

const typeIn = ({ imported }: Evaluation, name: string) => imported.types.info(name)?.element;

/** Runs the subgraph of a node: as a model whose inputs are the values that it takes from outside, with its own constants. */
function evaluateBody(
  around: Evaluation,
  body: GraphProto,
  given: readonly (Numbers & { readonly type: number | undefined })[],
): Numbers[] {
  const { model } = around;
  const own = new Set([...body.inputs, ...body.initializers].map(({ name }) => name));
  for (const node of body.nodes) for (const name of node.outputs) own.add(name);
  const taken = new Set([
    ...body.nodes.flatMap((node) => model.namesTaken(node)),
    ...body.outputs.map(({ name }) => name),
  ]);
  const captured = [...taken].filter((name) => !own.has(name));
  const constants = new Set(captured.filter((name) => model.tensorType(name) !== undefined));
  const feeds: Record<string, RunInput> = Object.create(null);
  const feed = (name: string, type: number | undefined, numbers: Numbers | undefined): ValueInfoProto => {
    if (numbers === undefined || type === undefined) throw new NotComputed(`the numbers of \`${name}\` are not known`);
    feeds[name] = { dataType: type, shape: numbers.shape, numbers: numbers.data };
    return { name, elementType: type, shape: numbers.shape };
  };
  const nodes = [
    ...model.graph.nodes.filter(({ outputs: [name] }) => name !== undefined && constants.has(name)),
    ...body.nodes,
  ];
  const graph: GraphProto = {
    ...body,
    nodes: nodes.map((node, index) => ({ ...node, index })),
    initializers: [...model.graph.initializers.filter(({ name }) => constants.has(name)), ...body.initializers],
    inputs: [
      ...body.inputs.map(({ name, elementType }, i) => feed(name, elementType ?? given[i]?.type, given[i])),
      ...captured
        .filter((name) => !constants.has(name))
        .map((name) => feed(name, typeIn(around, name), tensorOf(around, name))),
    ],
    outputs: body.outputs.map((info) => ({ ...info, shape: undefined })),
    valueInfo: [],
  };
  const outputs = around.run(model.inside(graph), feeds);
  return body.outputs.map(({ name }) => {
    const { shape, numbers } = outputs.get(name) as RunTensor;
    return { shape, data: numbers };
  });
}
