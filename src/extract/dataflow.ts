/** Use-def chains of a model, and the nodes that its outputs need. */

import { append } from "../ir/groups.ts";
import type { NodeProto } from "../onnx/messages.ts";
import type { OnnxModel } from "../onnx/model.ts";

/** A computation of tensors from others that replaces nodes. */
export interface Step {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

export class Dataflow {
  readonly model: OnnxModel;
  private readonly constants: ReadonlySet<string>;
  private readonly returned: ReadonlySet<string>;
  private readonly makers = new Map<string, NodeProto>();
  /** The position in topological order of the node that produces each tensor. */
  private readonly positions = new Map<string, number>();
  /** The live nodes that use each tensor. */
  private readonly takers = new Map<string, NodeProto[]>();

  constructor(model: OnnxModel) {
    this.model = model;
    this.constants = new Set([...model.tensorNames, ...model.graph.sparse]);
    this.returned = new Set(model.graph.outputs.map(({ name }) => name));
    for (const [position, node] of model.order.entries()) {
      for (const name of node.outputs) {
        if (name === "" || this.constants.has(name)) continue;
        this.makers.set(name, node);
        this.positions.set(name, position);
      }
    }
    for (const node of this.needed([]).nodes) {
      for (const name of model.namesTaken(node)) append(this.takers, name, node);
    }
  }

  isConstant(tensor: string): boolean {
    return this.constants.has(tensor);
  }

  /** The node that produces a tensor; undefined for an input of the graph or a constant. */
  makerOf(tensor: string): NodeProto | undefined {
    return this.makers.get(tensor);
  }

  /** The nodes that are only needed to compute `made` from `taken`. */
  only(made: Iterable<string>, taken: ReadonlySet<string>): Set<NodeProto> {
    const inside = new Set<NodeProto>();
    for (const tensor of made) {
      const maker = this.makers.get(tensor);
      if (maker !== undefined) inside.add(maker);
    }
    // A node with a use outside is reconsidered whenever one of its users comes inside.
    const waiting = [...inside];
    for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
      for (const tensor of this.model.namesTaken(node)) {
        const maker = taken.has(tensor) ? undefined : this.makers.get(tensor);
        if (maker === undefined || inside.has(maker)) continue;
        if (maker.outputs.some((name) => name !== "" && this.isTakenOutside(name, inside))) continue;
        inside.add(maker);
        waiting.push(maker);
      }
    }
    return inside;
  }

  /** Whether a live node outside of `inside` uses the tensor, or the graph returns it. */
  isTakenOutside(tensor: string, inside: ReadonlySet<NodeProto>): boolean {
    return this.returned.has(tensor) || (this.takers.get(tensor) ?? []).some((node) => !inside.has(node));
  }

  /** Whether an input of the step depends on one of its outputs, given other steps. */
  isCyclic(step: Step, others: readonly Step[]): boolean {
    const outputs = new Set(step.outputs);
    const found = this.needed(others, step.inputs, this.earliestAfter(step, others));
    return [...found.tensors].some((name) => outputs.has(name));
  }

  /**
   * A position such that no tensor before it depends on the step's outputs. That is not simply the position of the outputs:
   * another step may compute an early tensor from later ones.
   */
  private earliestAfter(step: Step, others: readonly Step[]): number {
    const first = ({ outputs }: Step) => Math.min(...outputs.map((name) => this.positionOf(name)));
    const last = ({ inputs }: Step) => Math.max(-1, ...inputs.map((name) => this.positionOf(name)));
    let earliest = first(step);
    // In descending order of their last inputs, so that a single pass suffices.
    for (const one of others.toSorted((a, b) => last(b) - last(a))) {
      if (last(one) < earliest) break;
      earliest = Math.min(earliest, first(one));
    }
    return earliest;
  }

  private positionOf(tensor: string): number {
    return this.positions.get(tensor) ?? -1;
  }

  /**
   * The tensors, nodes and steps that are needed to compute tensors, by default the graph's outputs, given steps that replace
   * nodes.
   *
   * @param from tensors before this position are included, but not what they depend on.
   */
  needed<S extends Step>(steps: readonly S[], tensors: Iterable<string> = this.returned, from = -1) {
    const stepOf = new Map(steps.flatMap((step) => step.outputs.map((name) => [name, step] as const)));
    const wanted = new Set(tensors);
    const nodes = new Set<NodeProto>();
    const needed = new Set<S>();
    for (const tensor of wanted) {
      if (this.positionOf(tensor) < from) continue;
      const step = stepOf.get(tensor);
      const maker = step === undefined ? this.makers.get(tensor) : undefined;
      if (step !== undefined) needed.add(step);
      if (maker !== undefined) nodes.add(maker);
      const taken = step?.inputs ?? (maker && this.model.namesTaken(maker)) ?? [];
      for (const name of taken) wanted.add(name);
    }
    return { tensors: wanted as ReadonlySet<string>, nodes, steps: needed };
  }
}
