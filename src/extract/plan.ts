/**
 * Cuts a model into kernels for norms, and pieces with the remaining nodes between them.
 *
 * - level: of a node, the number of kernels on the longest path to it; the kernels of a level run after its nodes. Nodes are
 *   assigned to the earliest possible level, which minimizes the number of pieces.
 * - piece: the nodes of a level, as a model.
 */

import type { Imported } from "../onnx/import.ts";
import type { NodeProto } from "../onnx/messages.ts";
import type { OnnxModel } from "../onnx/model.ts";
import { Dataflow, type Step } from "./dataflow.ts";
import type { NormRegion } from "./regions.ts";
import { type BoundaryTensor, boundaryTypes } from "./tensor-types.ts";

/** `plan.json`: the steps in order. */
interface Plan {
  readonly version: 1;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** The tensors that are passed between steps, including inputs and outputs. */
  readonly tensors: Readonly<Record<string, Omit<BoundaryTensor, "dataType">>>;
  readonly steps: readonly PlanStep[];
}

/** The file of a piece, or the name of a kernel. */
type PlanStep = Step &
  ({ readonly run: string } | { readonly kernel: string }) & {
    /** Tensors that are dead after this step. */
    readonly frees: readonly string[];
  };

/** A part of a model, to be written as a model. */
export interface ModelPiece extends Step {
  readonly file: string;
  readonly nodes: ReadonlySet<NodeProto>;
  /** The types of its inputs and outputs. */
  readonly tensors: Readonly<Record<string, BoundaryTensor>>;
}

interface Cut {
  readonly plan: Plan;
  readonly pieces: readonly ModelPiece[];
}

/** @throws TircError E0757 if the type of a tensor between steps is unknown. */
export function cutModel(model: OnnxModel, imported: Imported, regions: readonly NormRegion[]): Cut {
  const flow = new Dataflow(model);
  const fed = model.graph.inputs.map(({ name }) => name).filter((name) => !flow.isConstant(name));
  const returned = [...new Set(model.graph.outputs.map(({ name }) => name))];
  const typesOf = (names: Iterable<string>) => boundaryTypes(model, imported, names);
  const layers = layersOf(flow, regions, returned);
  const made = new Set(returned);
  const takenBy = layers.map(({ nodes, kernels }) => ({
    nodes: takenFrom(flow, nodes),
    kernels: new Set(kernels.flatMap(({ inputs }) => inputs)),
  }));
  for (const { nodes, kernels } of takenBy) for (const name of [...nodes, ...kernels]) made.add(name);
  const pieces: ModelPiece[] = [];
  const steps: (Step & ({ run: string } | { kernel: string }))[] = [];
  for (const [level, { nodes, kernels }] of layers.entries()) {
    const inputs = [...(takenBy[level]?.nodes ?? [])];
    const constants = level === 0 ? returned.filter((name) => flow.isConstant(name)) : [];
    const inOrder = model.order.filter((node) => nodes.has(node));
    const outputs = inOrder.flatMap((node) => node.outputs).filter((name) => made.has(name));
    if (nodes.size + constants.length > 0) {
      const names = [...inputs, ...outputs, ...constants];
      const file = `piece_${pieces.length}.onnx`;
      const piece = { file, nodes, inputs, outputs: [...outputs, ...constants], tensors: typesOf(names) };
      pieces.push(piece);
      steps.push({ run: file, inputs, outputs: piece.outputs });
    }
    for (const { name, inputs, outputs } of kernels) steps.push({ kernel: name, inputs, outputs });
  }
  const names = [...fed, ...returned, ...steps.flatMap(({ inputs, outputs }) => [...inputs, ...outputs])];
  const plan: Plan = {
    version: 1,
    inputs: fed,
    outputs: returned,
    tensors: Object.fromEntries(Object.entries(typesOf(names)).map(([name, { dataType: _, ...type }]) => [name, type])),
    steps: withFrees(steps, new Set([...fed, ...returned])),
  };
  return { plan, pieces };
}

interface Layer {
  readonly nodes: Set<NodeProto>;
  /** In topological order. */
  readonly kernels: NormRegion[];
}

function layersOf(flow: Dataflow, regions: readonly NormRegion[], returned: readonly string[]): Layer[] {
  const kernelOf = new Map(regions.flatMap((region) => region.outputs.map((name) => [name, region] as const)));
  const makerOf = (name: string) => kernelOf.get(name) ?? flow.makerOf(name);
  const isNode = (step: NodeProto | NormRegion): step is NodeProto => "opType" in step;
  const before = (step: NodeProto | NormRegion) =>
    (isNode(step) ? flow.model.namesTaken(step) : step.inputs).flatMap((name) => makerOf(name) ?? []);
  const levels = new Map<NodeProto | NormRegion, number>();
  const layers: Layer[] = [{ nodes: new Set(), kernels: [] }];
  const open = returned.flatMap((name) => makerOf(name) ?? []);
  // With an explicit stack: models may be too deep for recursion.
  for (let step = open.at(-1); step !== undefined; step = open.at(-1)) {
    const waiting = before(step).filter((one) => !levels.has(one));
    if (waiting.length > 0 && !levels.has(step)) {
      open.push(...waiting);
      continue;
    }
    open.pop();
    if (levels.has(step)) continue;
    const own = before(step).map((one) => (levels.get(one) as number) + (isNode(one) ? 0 : 1));
    const level = Math.max(0, ...own);
    levels.set(step, level);
    while (layers.length <= level) layers.push({ nodes: new Set(), kernels: [] });
    const layer = layers[level] as Layer;
    if (isNode(step)) layer.nodes.add(step);
    else layer.kernels.push(step);
  }
  return layers;
}

/** The tensors that nodes use, except constants and their own results. */
function takenFrom(flow: Dataflow, nodes: ReadonlySet<NodeProto>): Set<string> {
  const names = [...nodes].flatMap((node) => flow.model.namesTaken(node));
  const isTaken = (name: string) => {
    const maker = flow.makerOf(name);
    return !flow.isConstant(name) && (maker === undefined || !nodes.has(maker));
  };
  return new Set(names.filter(isTaken));
}

function withFrees<S extends Step>(steps: readonly S[], kept: ReadonlySet<string>) {
  const last = new Map(steps.flatMap(({ inputs, outputs }, i) => [...inputs, ...outputs].map((name) => [name, i])));
  const frees = (i: number) => [...last].filter(([name, at]) => at === i && !kept.has(name)).map(([name]) => name);
  return steps.map((step, i) => ({ ...step, frees: frees(i) }));
}
