/** A model whose graph is sound: every name is defined once, before it is used, and by nothing that needs it. */

import * as onnxMessages from "../diagnostics/areas/onnx.ts";
import { type Diagnostic, fail } from "../diagnostics/diagnostic.ts";
import { ByteReader, type ByteSource, type Range } from "./bytes.ts";
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

/** The operator sets of ONNX that are read, from the oldest to the newest. */
export const opsetRange = { oldest: 9, newest: 23 } as const;

/** More graphs inside of one another than any model has. */
const deepest = 32;

/** A model of which parts are read as they are needed. */
export class OnnxModel {
  readonly file: string;
  readonly irVersion: number;
  /** The version of ONNX's own operator set. */
  readonly opset: number;
  /** The version of each operator set, by its domain. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly functions: ReadonlyMap<string, FunctionProto>;
  readonly graph: GraphProto;
  /** The nodes, each after those whose results it takes; in the order of the file where that is one. */
  readonly order: readonly NodeProto[];
  /** For what looks at the file itself. */
  readonly reader: ByteReader;
  readonly open: OpenExternal;
  readonly isDequantized: boolean = false;
  /** Whether the types that the file says of all tensors are those of who wrote it, and hold above what follows from nodes. */
  readonly isTyped: boolean = false;
  /** Whether what runs it computes in bfloat16: onnxruntime has hardly an op of that type. */
  readonly hasBfloat16: boolean = false;
  /** The tensors of the graph that are constants. */
  private readonly tensors: GraphTensors;
  private byWrittenName: ReadonlyMap<string, string> | undefined;
  private readonly read = new Map<NodeProto, ReadonlyMap<string, GraphProto>>();
  private readonly captured = new Map<NodeProto, readonly string[]>();

  /**
   * @param open gives the files in which a model keeps its weights.
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
    // A model may have nothing but ops of other sets.
    if (!isKnown && (opsets.has("") || opsets.size === 0)) {
      fail(onnxMessages.unknownOpset(source.name, this.opset, oldest, newest));
    }
    this.graph = readGraph(this.reader, graph);
    this.tensors = new GraphTensors(this, this.graph);
    this.order = this.check();
  }

  /** The model with other shapes of its inputs, by their names; what else says shapes is left out. */
  withShapes(shapes: ReadonlyMap<string, readonly number[]>): OnnxModel {
    const inputs = this.graph.inputs.map((info) => ({ ...info, shape: shapes.get(info.name) ?? info.shape }));
    const outputs = this.graph.outputs.map((info) => ({ ...info, shape: undefined }));
    const graph: GraphProto = { ...this.graph, inputs, outputs, valueInfo: [] };
    return Object.assign(Object.create(OnnxModel.prototype) as OnnxModel, this, { graph });
  }

  /** The model with weights that DequantizeLinear makes of bytes as tensors that it holds, of the numbers that it makes. */
  dequantized(): OnnxModel {
    const parts = { isDequantized: true, byWrittenName: undefined };
    const model = Object.assign(Object.create(OnnxModel.prototype) as OnnxModel, this, parts);
    return Object.assign(model, { tensors: new GraphTensors(model, this.graph) });
  }

  /** A graph inside of a node, or the nodes of a function, as if they were the model's graph. */
  inside(graph: GraphProto): OnnxModel {
    const tensors = new GraphTensors(this, graph);
    return Object.assign(Object.create(OnnxModel.prototype) as OnnxModel, this, { graph, tensors, order: graph.nodes });
  }

  /** The tensor that a program calls so. */
  tensorWritten(written: string): string | undefined {
    this.byWrittenName ??= new Map(this.tensorNames.map((name) => [writtenName(name), name]));
    return this.byWrittenName.get(written);
  }

  /** Names of the tensors that the model holds: initializers, and what Constant nodes make. */
  get tensorNames(): string[] {
    return this.tensors.names;
  }

  /** The files beside the model that hold numbers of it, as it calls them. */
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
      for (const range of node.attributes.values()) {
        const attribute = new AttributeProto(this.reader, range);
        note(attribute.tensor);
        // How deep they nest was found out when their names were read.
        for (const inner of attribute.graphs) this.findLocations(readGraph(this.reader, inner), found);
      }
    }
  }

  /** Type and shape of a tensor that the model holds. */
  tensorType(name: string): Pick<TensorProto, "dims" | "dataType"> | undefined {
    return this.tensors.type(name);
  }

  /** The numbers of a tensor that the model holds, read now. Throws E0662, E0745, E0746; E0640 where a file is missing. */
  numbers(name: string): TensorNumbers | undefined {
    return this.tensors.numbers(name);
  }

  /** The bytes of a tensor whose numbers lie in another file. Throws E0746; E0640 where the file is missing. */
  externalBytes(tensor: TensorProto): Uint8Array {
    const { source, range } = externalRange(this.reader, tensor, this.open);
    return source.read(range.start, range.end - range.start);
  }

  /** An attribute of a node, or `undefined`. */
  attribute(node: NodeProto, name: string): AttributeProto | undefined {
    const range = node.attributes.get(name);
    return range && new AttributeProto(this.reader, range);
  }

  /** The graphs in the attributes of a node, by the names of these. */
  bodies(node: NodeProto): ReadonlyMap<string, GraphProto> {
    let found = this.read.get(node);
    if (found === undefined) {
      const graphs = [...node.attributes.keys()].flatMap((key) => {
        const [range] = this.attribute(node, key)?.graphs ?? [];
        return range === undefined ? [] : [[key, readGraph(this.reader, range)] as const];
      });
      found = new Map(graphs);
      this.read.set(node, found);
    }
    return found;
  }

  /** The names that a node takes: its inputs, and what the graphs in its attributes take from around them. */
  namesTaken(node: NodeProto): readonly string[] {
    let names = this.captured.get(node);
    if (names === undefined) {
      const inner = [...node.attributes.keys()].flatMap((key) => this.attribute(node, key)?.graphs ?? []);
      const free = inner.flatMap((range) => [...this.freeNames(range, 1)]);
      names = [...new Set([...node.inputs.filter((name) => name !== ""), ...free])];
      this.captured.set(node, names);
    }
    return names;
  }

  /** What a graph inside of a node takes from around it. */
  private freeNames(range: Range, depth: number): Set<string> {
    if (depth > deepest) fail(onnxMessages.corrupt(this.file, range.start, `graphs nest more than ${deepest} deep`));
    const graph = readGraph(this.reader, range);
    const own = new Set(["", ...graph.sparse]);
    for (const { name } of [...graph.inputs, ...graph.initializers]) own.add(name);
    for (const { outputs } of graph.nodes) for (const name of outputs) own.add(name);
    const used = new Set(graph.outputs.map(({ name }) => name));
    for (const node of graph.nodes) {
      for (const name of node.inputs) used.add(name);
      for (const key of node.attributes.keys()) {
        for (const inner of this.attribute(node, key)?.graphs ?? []) {
          for (const name of this.freeNames(inner, depth + 1)) used.add(name);
        }
      }
    }
    return new Set([...used].filter((name) => !own.has(name)));
  }

  /** The order of the nodes, or everything that is wrong with the names. */
  private check(): readonly NodeProto[] {
    const { nodes, inputs, outputs, initializers, sparse } = this.graph;
    const problems: Diagnostic[] = [];
    const definedBy = new Map<string, NodeProto | undefined>();
    const named = [initializers.map(({ name }) => name).concat(sparse), inputs.map(({ name }) => name)];
    // An initializer of an input's name is its default; two of either are not allowed.
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
    const before = (node: NodeProto) => {
      return this.namesTaken(node).flatMap((name) => definedBy.get(name) ?? []);
    };
    if (nodes.every((node) => before(node).every(({ index }) => index < node.index))) return nodes;
    const waits = nodes.map((node) => new Set(before(node)).size);
    const users = new Map<NodeProto, NodeProto[]>();
    for (const node of nodes) {
      for (const one of new Set(before(node))) {
        const list = users.get(one);
        if (list === undefined) users.set(one, [node]);
        else list.push(node);
      }
    }
    const order = nodes.filter((node) => waits[node.index] === 0);
    for (const node of order) {
      for (const user of users.get(node) ?? []) {
        waits[user.index] = (waits[user.index] as number) - 1;
        if (waits[user.index] === 0) order.push(user);
      }
    }
    if (order.length < nodes.length) {
      const inRing = new Set(nodes.filter((node) => (waits[node.index] as number) > 0));
      fail(onnxMessages.cycle(this.file, ringOf(inRing, before).map(shown)));
    }
    return order;
  }
}

/** The nodes of a graph by the tensors that they make. */
export const makersIn = ({ graph }: OnnxModel): ReadonlyMap<string, NodeProto> =>
  new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));

const mostProblems = 20;

/** What messages call the op of a node. */
export const shownOp = ({ sourceOp, opType }: Pick<NodeProto, "sourceOp" | "opType">): string => sourceOp ?? opType;

/** What messages call a node. */
export function shown(node: NodeProto): string {
  const { name, index } = node;
  return name === "" ? `node ${index} (${shownOp(node)})` : `${name} (${shownOp(node)})`;
}

/** Nodes each of which waits for the next, and the last for the first. */
function ringOf(waiting: ReadonlySet<NodeProto>, before: (node: NodeProto) => readonly NodeProto[]): NodeProto[] {
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
 * A tensor's name as a program writes it: its strings have no escapes, and hold nothing that a terminal would obey. No two
 * names are written alike.
 */
export function writtenName(name: string): string {
  return name.replace(/["%\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu, (char) =>
    encodeURIComponent(char).replace(/[A-F]/g, (digit) => digit.toLowerCase()),
  );
}
