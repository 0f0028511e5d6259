/** A draft of the rewritten graph: nodes of the model, perhaps with other inputs, and new nodes. */

import { append } from "../ir/groups.ts";
import type { NewNode } from "../onnx/encode.ts";
import type { NodeProto } from "../onnx/messages.ts";
import type { OnnxModel } from "../onnx/model.ts";
import type { Scope } from "../onnx/types/view.ts";
import type { NodeEdit } from "../onnx/write.ts";

/** The change to a node: nodes inserted before it, and whether it stays, takes other inputs, or is replaced by them. */
export interface NodeChange {
  readonly before: readonly NewNode[];
  readonly self: "same" | "replaced" | { readonly inputs: readonly string[] };
}

/** A node of the draft. */
export interface Line {
  /** The node of the model that it is, or that it replaces. */
  readonly at: NodeProto;
  /** The new node; undefined if it is `at` itself. */
  readonly made: NewNode | undefined;
  /** The inputs, which may differ from those of `at`. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** The tensors that it uses: its inputs, and what its subgraphs capture. */
  readonly takes: readonly string[];
  /** Changes to its attributes. */
  readonly edit?: Omit<NodeEdit, "inputs">;
}

/** Changes to a node that is kept. */
export interface Edit extends Omit<NodeEdit, "inputs"> {
  /** Inputs to append. */
  readonly added?: readonly string[] | undefined;
}

const isNamed = (name: string) => name !== "";

export function kept(model: OnnxModel, at: NodeProto, inputs: readonly string[] = at.inputs): Line {
  const own = new Set(at.inputs);
  const captured = model.namesTaken(at).filter((name) => !own.has(name));
  return { at, made: undefined, inputs, outputs: at.outputs, takes: [...inputs.filter(isNamed), ...captured] };
}

/** The line with `to` in place of the input `from`. */
export function renamed({ model }: Draft, line: Line, from: string, to: string): Line {
  const inputs = line.inputs.map((name) => (name === from ? to : name));
  return line.made === undefined ? kept(model, line.at, inputs) : made(line.at, { ...line.made, inputs });
}

/** The line with more inputs and other attributes. */
export function edited(model: OnnxModel, { at, inputs }: Line, { added = [], ...edit }: Edit): Line {
  return { ...kept(model, at, [...inputs, ...added]), edit };
}

export function made(at: NodeProto, node: NewNode): Line {
  const { inputs, outputs } = node;
  return { at, made: node, inputs, outputs, takes: inputs.filter(isNamed) };
}

export const opOf = ({ at, made: node }: Line): string => {
  const { domain, opType } = node ?? at;
  return domain === "" || domain === "ai.onnx" ? opType : `${domain}:${opType}`;
};

/** Whether a node is the identity: exporters emit casts to the type that a tensor already has. */
export function isNothing({ at, made }: Line, types: Scope): boolean {
  if (made !== undefined || at.domain !== "") return false;
  if (at.opType === "Identity") return true;
  const from = types.info(at.inputs[0] ?? "")?.element;
  return at.opType === "Cast" && from !== undefined && from === types.info(at.outputs[0] ?? "")?.element;
}

/** The line that produces each tensor, and the lines that use it. */
interface Flow {
  readonly makers: ReadonlyMap<string, Line>;
  readonly readers: ReadonlyMap<string, readonly Line[]>;
}

export class Draft {
  readonly model: OnnxModel;
  private current: readonly Line[];
  /** The use-def chains of the current lines, computed on demand. */
  private flow: Flow | undefined;

  constructor(model: OnnxModel, changes: ReadonlyMap<NodeProto, NodeChange>) {
    this.model = model;
    this.current = model.order.flatMap((node) => {
      const change = changes.get(node);
      if (change === undefined) return [kept(model, node)];
      const { before, self } = change;
      const own = self === "replaced" ? [] : [kept(model, node, self === "same" ? node.inputs : self.inputs)];
      return [...before.map((one) => made(node, one)), ...own];
    });
  }

  /** In topological order. */
  get lines(): readonly Line[] {
    return this.current;
  }

  private set lines(lines: readonly Line[]) {
    this.current = lines;
    this.flow = undefined;
  }

  get makers(): Flow["makers"] {
    this.flow ??= flowOf(this.current);
    return this.flow.makers;
  }

  get readers(): Flow["readers"] {
    this.flow ??= flowOf(this.current);
    return this.flow.readers;
  }

  /** Replaces lines, each by a list. */
  replace(instead: ReadonlyMap<Line, readonly Line[]>): void {
    if (instead.size > 0) this.lines = this.lines.flatMap((line) => instead.get(line) ?? [line]);
  }

  /** Drops nodes that were needed in the model, but are not needed any more. */
  dropLeftovers(): Leftovers {
    const { order, graph } = this.model;
    const was = order.map((node) => kept(this.model, node));
    const neededBefore = new Set([...needed(this.model, was)].map(({ at }) => at));
    const neededNow = needed(this.model, this.lines);
    const gone = new Set<string>();
    const lines = this.lines.filter((line) => {
      if (neededNow.has(line)) return true;
      // A node that was dead in the model already stays, unless one of its inputs is gone.
      const stays = line.made === undefined && !neededBefore.has(line.at) && !line.takes.some((name) => gone.has(name));
      if (!stays) for (const name of line.outputs) if (isNamed(name)) gone.add(name);
      return stays;
    });
    this.lines = lines;
    const outputs = graph.outputs.map(({ name }) => name);
    const taken = (all: readonly Line[]) => new Set([...outputs, ...all.flatMap(({ takes }) => takes)]);
    const [takenBefore, takenNow] = [taken(was), taken(lines)];
    const inputs = new Set(graph.inputs.map(({ name }) => name));
    const isLeft = (name: string) => takenBefore.has(name) && !takenNow.has(name) && !inputs.has(name);
    const own = new Set(lines.flatMap((line) => (line.made === undefined ? [line.at] : [])));
    const makers = this.makers;
    return {
      nodes: new Set(order.filter((node) => !own.has(node) && !node.outputs.some((name) => makers.has(name)))),
      initializers: new Set(graph.initializers.map(({ name }) => name).filter(isLeft)),
      tensors: new Set(order.flatMap((node) => node.outputs.filter((name) => isNamed(name) && !makers.has(name)))),
    };
  }
}

function flowOf(lines: readonly Line[]): Flow {
  const makers = new Map<string, Line>();
  const readers = new Map<string, Line[]>();
  for (const line of lines) {
    for (const name of line.outputs.filter(isNamed)) makers.set(name, line);
    for (const name of new Set(line.takes)) append(readers, name, line);
  }
  return { makers, readers };
}

export interface Leftovers {
  /** Nodes that were removed without a replacement. */
  readonly nodes: ReadonlySet<NodeProto>;
  /** Initializers that nothing uses any more. */
  readonly initializers: ReadonlySet<string>;
  /** Tensors that nothing produces any more. */
  readonly tensors: ReadonlySet<string>;
}

/** The lines from which an output of the model is computed. */

function needed({ graph }: OnnxModel, lines: readonly Line[]): Set<Line> {
  const names = new Set(graph.outputs.map(({ name }) => name));
  const found = new Set<Line>();
  for (const line of lines.toReversed()) {
    if (!line.outputs.some((name) => isNamed(name) && names.has(name))) continue;
    found.add(line);
    for (const name of line.takes) names.add(name);
  }
  return found;
}
