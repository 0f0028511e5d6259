/** The graph as it will be written: nodes of the model, with other inputs or not, and new ones, each at its place. */

import type { NewNode } from "../onnx/encode.ts";
import type { NodeProto } from "../onnx/messages.ts";
import type { OnnxModel } from "../onnx/model.ts";
import type { Scope } from "../onnx/types/view.ts";
import type { NodeEdit } from "../onnx/write.ts";

/** What becomes of a node: new ones stand before it, and it stays, takes other inputs, or is one of the new ones. */
export interface NodeChange {
  readonly before: readonly NewNode[];
  readonly self: "same" | "replaced" | { readonly inputs: readonly string[] };
}

/** A node of the written graph. */
export interface Line {
  /** The node of the model in whose place it stands. */
  readonly at: NodeProto;
  /** A new node; else it is `at` itself. */
  readonly made: NewNode | undefined;
  /** Those of `at` may be others now. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** What the graphs in its attributes take from around them, and its inputs. */
  readonly takes: readonly string[];
  /** What changes in its attributes. */
  readonly edit?: Omit<NodeEdit, "inputs">;
}

/** What a node that is kept has otherwise. */
export interface Edit extends Omit<NodeEdit, "inputs"> {
  /** Inputs behind those that it has. */
  readonly added?: readonly string[] | undefined;
}

const isNamed = (name: string) => name !== "";

export function kept(model: OnnxModel, at: NodeProto, inputs: readonly string[] = at.inputs): Line {
  const own = new Set(at.inputs);
  const captured = model.namesTaken(at).filter((name) => !own.has(name));
  return { at, made: undefined, inputs, outputs: at.outputs, takes: [...inputs.filter(isNamed), ...captured] };
}

/** The line with another tensor where it takes `from`. */
export function renamed({ model }: Draft, line: Line, from: string, to: string): Line {
  const inputs = line.inputs.map((name) => (name === from ? to : name));
  return line.made === undefined ? kept(model, line.at, inputs) : made(line.at, { ...line.made, inputs });
}

/** A node that is kept, with more inputs, and other attributes. */
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

/** Whether a node gives what it takes: exporters write casts to the type that a tensor has. */
export function isNothing({ at, made }: Line, types: Scope): boolean {
  if (made !== undefined || at.domain !== "") return false;
  if (at.opType === "Identity") return true;
  const from = types.info(at.inputs[0] ?? "")?.element;
  return at.opType === "Cast" && from !== undefined && from === types.info(at.outputs[0] ?? "")?.element;
}

/** Which lines make a tensor, and which take it; one that takes it twice stands there once. */
interface Flow {
  readonly makers: ReadonlyMap<string, Line>;
  readonly readers: ReadonlyMap<string, readonly Line[]>;
}

export class Draft {
  readonly model: OnnxModel;
  private current: readonly Line[];
  /** Of the current lines, once somebody asked. */
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

  /** In an order in which each stands after those whose results it takes. */
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

  /** Puts lines in the place of some, each set where the one was that it stands for. */
  replace(instead: ReadonlyMap<Line, readonly Line[]>): void {
    if (instead.size > 0) this.lines = this.lines.flatMap((line) => instead.get(line) ?? [line]);
  }

  /** Drops what nothing needs any more: what is left over of the model, and is needed by nothing else. */
  dropLeftovers(): Leftovers {
    const { order, graph } = this.model;
    const was = order.map((node) => kept(this.model, node));
    const neededBefore = new Set([...needed(this.model, was)].map(({ at }) => at));
    const neededNow = needed(this.model, this.lines);
    const gone = new Set<string>();
    const lines = this.lines.filter((line) => {
      if (neededNow.has(line)) return true;
      // A node that nothing ever needed stays, if what it takes does.
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
    for (const name of new Set(line.takes)) {
      const list = readers.get(name);
      if (list === undefined) readers.set(name, [line]);
      else list.push(line);
    }
  }
  return { makers, readers };
}

export interface Leftovers {
  /** Nodes of which nothing is left. */
  readonly nodes: ReadonlySet<NodeProto>;
  /** Initializers that only those read. */
  readonly initializers: ReadonlySet<string>;
  /** Tensors that nothing makes any more. */
  readonly tensors: ReadonlySet<string>;
}

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
