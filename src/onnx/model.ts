/** A model whose graph is valid: every name is defined exactly once, and definitions have no cycle. */

import * as onnxMessages from "../diagnostics/areas/onnx.ts";
import { type Diagnostic, fail } from "../diagnostics/diagnostic.ts";
import { append } from "../ir/groups.ts";
import { ByteReader, type ByteSource } from "./bytes.ts";
import { GraphTensors } from "./graph-tensors.ts";
import {
  AttributeProto,
  type FunctionProto,
  type GraphProto,
  type NodeProto,
  readGraph,
  readModel,
  type TensorProto,
} from "./messages.ts";
import { externalRange, type OpenExternal, type TensorNumbers } from "./tensors.ts";

/** The supported versions of the standard operator set. */
export const opsetRange = { oldest: 9, newest: 23 } as const;

/** No real model nests subgraphs more deeply. */
const deepest = 32;

/** A model whose weights are read on demand. */
export class OnnxModel {
  readonly file: string;
  readonly irVersion: number;
  /** The version of the standard operator set. */
  readonly opset: number;
  /** The version of each operator set, by its domain. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly functions: ReadonlyMap<string, FunctionProto>;
  readonly graph: GraphProto;
  /** The nodes in topological order: that of the file, if it is one. */
  readonly order: readonly NodeProto[];
  readonly reader: ByteReader;
  readonly open: OpenExternal;
  readonly isDequantized: boolean = false;
  /** Whether the shapes that the file declares take precedence over inferred ones. */
  readonly isTyped: boolean = false;
  /** Whether the model's runtime computes in bfloat16: onnxruntime has hardly any op for it. */
  readonly hasBfloat16: boolean = false;
  private readonly tensors: GraphTensors;
  private byWrittenName: ReadonlyMap<string, string> | undefined;
  private readonly graphs = new Map<NodeProto, readonly (readonly [attribute: string, graph: GraphProto])[]>();
  private readonly taken = new Map<NodeProto, readonly string[]>();

  /**
   * @param open opens the files with external weights.
   * @throws TircError E0740 to E0744.
   */
  constructor(source: ByteSource, open: OpenExternal) {
    this.reader = new ByteReader(source);
    this.open = open;
    this.file = source.name;
    const { irVersion, opsets, functions, graph } = readModel(this.reader);
    if (graph === undefined || irVersion === 0) fail(onnxMessages.notOnnx(source.name));
    this.irVersion = irVersion;
    this.functions = functions;
    this.opsets = opsets;
    this.opset = opsets.get("") ?? 0;
    const { oldest, newest } = opsetRange;
    const isKnown = this.opset >= oldest && this.opset <= newest;
    // A model may use only ops of other operator sets.
    if (!isKnown && (opsets.has("") || opsets.size === 0)) {
      fail(onnxMessages.unknownOpset(source.name, this.opset, oldest, newest));
    }
    this.graph = readGraph(this.reader, graph);
    this.tensors = new GraphTensors(this, this.graph);
    this.order = this.check();
  }

  /** The model with other input shapes, given by name; all other declared shapes are dropped. */
  withShapes(shapes: ReadonlyMap<string, readonly number[]>): OnnxModel {
    const inputs = this.graph.inputs.map((info) => ({ ...info, shape: shapes.get(info.name) ?? info.shape }));
    const outputs = this.graph.outputs.map((info) => ({ ...info, shape: undefined }));
    const graph: GraphProto = { ...this.graph, inputs, outputs, valueInfo: [] };
    return this.with({ graph });
  }

  /** The model with the results of DequantizeLinear nodes on constants as constants. */
  dequantized(): OnnxModel {
    const from = { reader: this.reader, open: this.open, isDequantized: true };
    return this.with({ ...from, tensors: new GraphTensors(from, this.graph), byWrittenName: undefined });
  }

  /** The model with a subgraph, or the nodes of a function, as its graph. */
  inside(graph: GraphProto): OnnxModel {
    const tensors = new GraphTensors(this, graph);
    return this.with({ graph, tensors, order: graph.nodes });
  }

  /** The model, of the same class, with other members. */
  private with(members: object): OnnxModel {
    return Object.assign(Object.create(Object.getPrototypeOf(this)) as OnnxModel, this, members);
  }

  /** The constant tensor that a program refers to as `written`. */
  tensorWritten(written: string): string | undefined {
    this.byWrittenName ??= new Map(this.tensorNames.map((name) => [writtenName(name), name]));
    return this.byWrittenName.get(written);
  }

  /** The names of the constant tensors: initializers and results of Constant nodes. */
  get tensorNames(): string[] {
    return this.tensors.names;
  }

  /** The files with external weights, relative to the model. */
  get locations(): ReadonlySet<string> {
    const found = new Set<string>();
    this.findLocations(this.graph, found);
    return found;
  }

  private findLocations({ initializers, nodes }: GraphProto, found: Set<string>): void {
    const note = (tensor: TensorProto | undefined) => {
      const location = tensor?.external?.get("location");
      if (location !== undefined) found.add(location);
    };
    initializers.forEach(note);
    for (const node of nodes) {
      for (const range of node.attributes.values()) note(new AttributeProto(this.reader, range).tensor);
      // The depth of nesting was checked when the names were resolved.
      for (const [, inner] of this.graphsIn(node)) this.findLocations(inner, found);
    }
  }

  /** The type and shape of a constant tensor. */
  tensorType(name: string): Pick<TensorProto, "dims" | "dataType"> | undefined {
    return this.tensors.type(name);
  }

  /** Reads the elements of a constant tensor. Throws E0662, E0745, E0746; E0640 if a file is missing. */
  numbers(name: string): TensorNumbers | undefined {
    return this.tensors.numbers(name);
  }

  /** Reads the bytes of a tensor with external data. Throws E0746; E0640 if the file is missing. */
  externalBytes(tensor: TensorProto): Uint8Array {
    const { source, range } = externalRange(this.reader, tensor, this.open);
    return source.read(range.start, range.end - range.start);
  }

  /** The attribute of a node, or undefined if it has none of that name. */
  attribute(node: NodeProto, name: string): AttributeProto | undefined {
    const range = node.attributes.get(name);
    return range && new AttributeProto(this.reader, range);
  }

  private graphsIn(node: NodeProto) {
    let found = this.graphs.get(node);
    if (found === undefined) {
      found = [...node.attributes].flatMap(([key, range]) => {
        const { graphs } = new AttributeProto(this.reader, range);
        return graphs.map((graph) => [key, readGraph(this.reader, graph)] as const);
      });
      this.graphs.set(node, found);
    }
    return found;
  }

  /** The subgraphs of a node by attribute; the first one if an attribute has several. */
  bodies(node: NodeProto): ReadonlyMap<string, GraphProto> {
    return new Map(this.graphsIn(node).toReversed());
  }

  /** The names that a node uses: its inputs, and what its subgraphs capture from the enclosing graph. */
  namesTaken(node: NodeProto): readonly string[] {
    return this.namesAt(node, 0);
  }

  private namesAt(node: NodeProto, depth: number): readonly string[] {
    let names = this.taken.get(node);
    if (names === undefined) {
      if (depth > deepest) {
        fail(onnxMessages.corrupt(this.file, node.range.start, `graphs nest more than ${deepest} deep`));
      }
      const inner = this.graphsIn(node).flatMap(([, graph]) => this.freeNames(graph, depth + 1));
      names = [...new Set([...node.inputs.filter((name) => name !== ""), ...inner])];
      this.taken.set(node, names);
    }
    return names;
  }

  /** The names that a subgraph captures from the enclosing graph. */
  private freeNames({ nodes, inputs, outputs, initializers, sparse }: GraphProto, depth: number): string[] {
    const own = new Set(["", ...sparse, ...[...inputs, ...initializers].map(({ name }) => name)]);
    for (const node of nodes) for (const name of node.outputs) own.add(name);
    const used = new Set(outputs.map(({ name }) => name));
    for (const node of nodes) for (const name of this.namesAt(node, depth)) used.add(name);
    return [...used].filter((name) => !own.has(name));
  }

  /** The nodes in topological order. Fails with everything that is wrong with the names. */
  private check(): readonly NodeProto[] {
    const { nodes, inputs, outputs, initializers, sparse } = this.graph;
    const problems: Diagnostic[] = [];
    const definedBy = new Map<string, NodeProto | undefined>();
    const named = [initializers.map(({ name }) => name).concat(sparse), inputs.map(({ name }) => name)];
    // An initializer with the name of an input is its default; two of either kind are an error.
    for (const names of named) {
      const own = new Set<string>();
      for (const name of names) {
        if (own.has(name)) problems.push(onnxMessages.definedTwice(this.file, name));
        own.add(name);
        definedBy.set(name, undefined);
      }
    }
    for (const node of nodes) {
      for (const name of node.outputs) {
        if (name === "") continue;
        if (definedBy.has(name)) problems.push(onnxMessages.definedTwice(this.file, name));
        definedBy.set(name, node);
      }
    }
    for (const node of nodes) {
      for (const name of this.namesTaken(node)) {
        if (!definedBy.has(name)) problems.push(onnxMessages.undefinedName(this.file, name, shown(node)));
      }
    }
    for (const { name } of outputs) {
      if (!definedBy.has(name)) problems.push(onnxMessages.undefinedName(this.file, name, "the graph"));
    }
    if (problems.length > 0) fail(...problems.slice(0, mostProblems));
    return this.sorted(definedBy);
  }

  private sorted(definedBy: ReadonlyMap<string, NodeProto | undefined>): readonly NodeProto[] {
    const { nodes } = this.graph;
    const before = (node: NodeProto) => this.namesTaken(node).flatMap((name) => definedBy.get(name) ?? []);
    if (nodes.every((node) => before(node).every(({ index }) => index < node.index))) return nodes;
    const waits = nodes.map((node) => new Set(before(node)).size);
    const users = new Map<NodeProto, NodeProto[]>();
    for (const node of nodes) {
      for (const one of new Set(before(node))) append(users, one, node);
    }
    const order = nodes.filter((node) => waits[node.index] === 0);
    for (const node of order) {
      for (const user of users.get(node) ?? []) {
        waits[user.index] = (waits[user.index] as number) - 1;
        if (waits[user.index] === 0) order.push(user);
      }
    }
    if (order.length < nodes.length) {
      const waiting = new Set(nodes.filter((node) => (waits[node.index] as number) > 0));
      fail(onnxMessages.cycle(this.file, cycleIn(waiting, before).map(shown)));
    }
    return order;
  }
}

/** The node that produces each tensor of a graph. */
export const makersIn = ({ graph }: OnnxModel): ReadonlyMap<string, NodeProto> =>
  new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));

const mostProblems = 20;

/** The name of a node's op in messages. */
export const shownOp = ({ sourceOp, opType }: Pick<NodeProto, "sourceOp" | "opType">): string => sourceOp ?? opType;

/** The name of a node in messages. */
export function shown(node: NodeProto): string {
  const { name, index } = node;
  return name === "" ? `node ${index} (${shownOp(node)})` : `${name} (${shownOp(node)})`;
}

/** A cycle among the nodes of `waiting`, each of which depends on the one before it. */
function cycleIn(waiting: ReadonlySet<NodeProto>, before: (node: NodeProto) => readonly NodeProto[]): NodeProto[] {
  const path: NodeProto[] = [];
  const at = new Map<NodeProto, number>();
  let [node] = waiting;
  while (node !== undefined && !at.has(node)) {
    at.set(node, path.length);
    path.push(node);
    node = before(node).find((one) => waiting.has(one));
  }
  return path.slice(node === undefined ? 0 : at.get(node)).reverse();
}

/**
 * A tensor's name as it is written in a program, whose strings have no escapes: quotes and all characters that a terminal
 * might interpret are percent-encoded. Distinct names stay distinct.
 */
export function writtenName(name: string): string {
  return name.replace(/["%\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu, (char) =>
    encodeURIComponent(char).replace(/[A-F]/g, (digit) => digit.toLowerCase()),
  );
}
