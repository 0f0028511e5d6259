/** Which nodes of a model make a tensor, which take it, and which of them its outputs need. */

import { append } from "../ir/groups.ts";
import type { NodeProto } from "../onnx/messages.ts";
import type { OnnxModel } from "../onnx/model.ts";

/** Something that computes tensors from others, and stands for the nodes that would. */
export interface Step {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

export class Dataflow {
  readonly model: OnnxModel;
  private readonly constants: ReadonlySet<string>;
  private readonly returned: ReadonlySet<string>;
  private readonly makers = new Map<string, NodeProto>();
  /** Of the maker of each tensor, in an order in which nodes can run. */
  private readonly positions = new Map<string, number>();
  /** Of each tensor, the nodes that take it, as far as an output of the graph needs them. */
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

  /** The node that makes a tensor; none where it is an input of the graph or a constant. */
  makerOf(tensor: string): NodeProto | undefined {
    return this.makers.get(tensor);
  }

  /** The nodes that are needed only for tensors `made` where those of `taken` are there, makers of `made` included. */
  only(made: Iterable<string>, taken: ReadonlySet<string>): Set<NodeProto> {
    const inside = new Set<NodeProto>();
    for (const tensor of made) {
      const maker = this.makers.get(tensor);
      if (maker !== undefined) inside.add(maker);
    }
    // A maker that something outside takes as well is asked again by each of its takers that comes inside.
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

  /** Whether a node that is needed and not one of these takes the tensor, or the graph returns it. */
  isTakenOutside(tensor: string, inside: ReadonlySet<NodeProto>): boolean {
    return this.returned.has(tensor) || (this.takers.get(tensor) ?? []).some((node) => !inside.has(node));
  }

  /** Whether one of the step's inputs waits for one of its outputs, where `others` compute theirs. */
  isCyclic(step: Step, others: readonly Step[]): boolean {
    const outputs = new Set(step.outputs);
    const found = this.needed(others, step.inputs, this.earliestAfter(step, others));
    return [...found.tensors].some((name) => outputs.has(name));
  }

  /**
   * No tensor that is made before this position waits for the step's outputs. A step that takes tensors made after it may
   * make some that nodes make before it.
   */
  private earliestAfter(step: Step, others: readonly Step[]): number {
    const first = ({ outputs }: Step) => Math.min(...outputs.map((name) => this.positionOf(name)));
    const last = ({ inputs }: Step) => Math.max(-1, ...inputs.map((name) => this.positionOf(name)));
    let earliest = first(step);
    // Those that end last come first: each is looked at when all that could let it in were.
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
   * What is needed for tensors, for those that the graph returns if none are given, where `steps` compute theirs.
   *
   * @param from what is made before this position is needed too, and not looked into.
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
