/** Which nodes of a model make a tensor, which take it, and which of them its outputs need. */

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
  /** Of each tensor, the nodes that take it, as far as an output of the graph needs them. */
  private readonly takers = new Map<string, NodeProto[]>();

  constructor(model: OnnxModel) {
    this.model = model;
    this.constants = new Set([...model.tensorNames, ...model.graph.sparse]);
    this.returned = new Set(model.graph.outputs.map(({ name }) => name));
    for (const node of model.graph.nodes) {
      for (const name of node.outputs) if (name !== "" && !this.constants.has(name)) this.makers.set(name, node);
    }
    for (const node of this.needed([]).nodes) {
      for (const name of model.namesTaken(node)) {
        const takers = this.takers.get(name);
        if (takers === undefined) this.takers.set(name, [node]);
        else takers.push(node);
      }
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
    const found = this.needed(others, step.inputs);
    return step.inputs.some((name) => outputs.has(name)) || [...found.tensors].some((name) => outputs.has(name));
  }

  /** What is needed for tensors, for those that the graph returns if none are given, where `steps` compute theirs. */
  needed<S extends Step>(steps: readonly S[], tensors: Iterable<string> = this.returned) {
    const stepOf = new Map(steps.flatMap((step) => step.outputs.map((name) => [name, step] as const)));
    const wanted = new Set(tensors);
    const nodes = new Set<NodeProto>();
    const needed = new Set<S>();
    for (const tensor of wanted) {
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
