/**
 * Type inference for all tensors of a model: element types, shapes, and the items of small integer tensors.
 *
 * - scope: a graph, the body of a control flow node, or a function of the model at a call. A name that is not defined in a
 *   body belongs to the enclosing scope.
 */

import type { Dimensions } from "../dimensions.ts";
import type { Extent, Extents } from "../extent.ts";
import { GraphTensors } from "../graph-tensors.ts";
import type { AttributeProto, FunctionProto, GraphProto, NodeProto, TensorProto, ValueInfoProto } from "../messages.ts";
import { AttributeProto as Attribute, functionKey } from "../messages.ts";
import type { OnnxModel } from "../model.ts";
import { readNumbers } from "../tensors.ts";
import { rowsOfUnknownRank, rowsThatNormTakes } from "./last.ts";
import { typeRuleOf } from "./rules.ts";
import { smallShape, valuesOf } from "./values.ts";
import { closed, type Item, type Scope, type TensorInfo, type Typed, TypeView, tried } from "./view.ts";

interface Shared {
  readonly model: OnnxModel;
  readonly dimensions: Dimensions;
}

/** No real model nests functions and bodies more deeply. */
const deepest = 32;
/** No real model has more nodes, even if the nodes of a function count once per call. */
const mostNodes = 1_000_000;

type Part = Pick<GraphProto, "nodes" | "initializers" | "valueInfo">;

export class ScopeTypes implements Scope {
  readonly shared: Shared;
  /** The scopes of bodies, and those of functions at their last calls. */
  readonly inner = new Map<GraphProto | FunctionProto, ScopeTypes>();
  private readonly infos = new Map<string, TensorInfo>();
  private readonly tensors: GraphTensors;
  private readonly around: ScopeTypes | undefined;
  private readonly call: Call | undefined;
  private readonly depth: number;
  private readonly declared: ReadonlyMap<string, ValueInfoProto>;
  /** What the scales of norms imply for their inputs. */
  private readonly wanted: ReadonlyMap<string, Pick<TensorInfo, "element" | "last">>;
  /** Shared by all scopes of one model. */
  private readonly count: { nodes: number };
  readonly opset: number;

  constructor(shared: Shared, part: Part & { readonly outputs?: readonly ValueInfoProto[] }, from: Around = {}) {
    this.shared = shared;
    this.around = from.around;
    this.call = from.call;
    const { around } = from;
    this.depth = (around?.depth ?? from.call?.from.depth ?? -1) + 1;
    this.count = around?.count ?? from.call?.from.count ?? { nodes: 0 };
    this.opset = from.call?.function.opsets.get("") ?? around?.opset ?? shared.model.opset;
    this.tensors = new GraphTensors(shared.model, part);
    this.wanted = new Map(
      part.nodes.flatMap((node) => {
        const rows = tried(() => rowsThatNormTakes(new TypeView(node, this)));
        return rows === undefined ? [] : node.inputs.slice(0, 1).map((name) => [name, rows] as const);
      }),
    );
    this.declared = new Map([...part.valueInfo, ...(part.outputs ?? [])].map((info) => [info.name, info]));
  }

  get extents(): Extents {
    return this.shared.dimensions.extents;
  }

  fresh(): Extent {
    return this.shared.dimensions.fresh();
  }

  set(name: string, info: TensorInfo): void {
    this.infos.set(name, info);
  }

  info(name: string): TensorInfo | undefined {
    return this.infos.get(name) ?? this.constant(name) ?? this.around?.info(name);
  }

  private constant(name: string): TensorInfo | undefined {
    const type = this.tensors.type(name);
    if (type === undefined) return undefined;
    const shape = type.dims.every((dim) => dim >= 0) ? type.dims : undefined;
    const small = smallShape({ shape }) !== undefined;
    const items = small ? this.numbersOf(name) : undefined;
    const info = { element: type.dataType, shape, items };
    this.infos.set(name, info);
    return info;
  }

  private numbersOf(name: string): readonly Item[] | undefined {
    try {
      return [...(this.tensors.numbers(name)?.numbers ?? [])];
    } catch {
      // Whatever needs the elements reports the error.
      return undefined;
    }
  }

  numberOf(tensor: TensorProto): number | undefined {
    try {
      return readNumbers(this.shared.model.reader, tensor, this.shared.model.open).numbers[0];
    } catch {
      return undefined;
    }
  }

  /** An attribute; in a function, it may refer to an attribute of the call. */
  attribute(node: NodeProto, name: string): AttributeProto | undefined {
    const found = this.shared.model.attribute(node, name);
    const reference = found?.reference;
    if (reference === undefined || reference === "") return found;
    const { call } = this.callAround() ?? {};
    if (call === undefined) return undefined;
    const given = call.from.attribute(call.node, reference);
    const other = call.function.defaults.get(reference);
    return given ?? (other && new Attribute(this.shared.model.reader, other));
  }

  private callAround(): { call: Call } | undefined {
    return this.call === undefined ? this.around?.callAround() : { call: this.call };
  }

  /** Whether any tensor has one of these element types. */
  hasElement(...elements: readonly number[]): boolean {
    return [...this.infos.values()].some(({ element }) => element !== undefined && elements.includes(element));
  }

  /** Whether the rank of some tensor is unknown. */
  hasUnknownRank(): boolean {
    return [...this.infos.values()].some(({ shape, isSequence }) => shape === undefined && isSequence !== true);
  }

  /** Sets the type of an input, from its declaration and from the type given at a call. */
  parameter(info: ValueInfoProto, given?: TensorInfo): void {
    const declared = this.fromFile(info);
    const type = given === undefined ? declared : combined(given, declared);
    this.set(info.name, closed(type, this));
  }

  private fromFile({ elementType, shape, isSequence }: ValueInfoProto): Typed {
    const extent = (dim: number | string | undefined) =>
      typeof dim === "string" ? this.shared.dimensions.named(dim) : dim;
    return { element: elementType, shape: shape?.map(extent), ...(isSequence === true && { isSequence }) };
  }

  /** Infers the results of nodes in topological order. */
  run(nodes: readonly NodeProto[]): void {
    for (const node of nodes) this.node(node);
  }

  node(node: NodeProto): void {
    this.count.nodes++;
    const view = new TypeView(node, this);
    const results = this.count.nodes > mostNodes ? [] : this.results(node, view);
    for (const [i, name] of node.outputs.entries()) {
      if (name === "" || this.tensors.type(name) !== undefined) continue;
      const declared = this.declared.get(name);
      const found = results[i] ?? { element: undefined, shape: undefined };
      const info = this.withRows(
        closed(declared === undefined ? found : this.both(found, this.fromFile(declared)), this),
        name,
        i === 0 ? view : undefined,
      );
      const items = info.items ?? tried(() => valuesOf(view, info, i));
      this.set(name, items === undefined ? info : { ...info, items });
    }
  }

  private both(found: Typed, declared: Typed): Typed {
    if (!this.shared.model.isTyped || declared.shape === undefined) return combined(found, declared);
    return { ...combined(declared, found), ...(found.items !== undefined && { items: found.items }) };
  }

  /** If the rank is unknown, infers the last extent. */
  private withRows(info: TensorInfo, name: string, view: TypeView | undefined): TensorInfo {
    if (info.shape !== undefined || info.isSequence === true) return info;
    const found = (view && tried(() => rowsOfUnknownRank(view))) ?? this.wanted.get(name);
    return found === undefined ? info : { ...info, element: info.element ?? found.element, last: found.last };
  }

  private results(node: NodeProto, view: TypeView): readonly (Typed | undefined)[] {
    const own = this.shared.model.functions.get(functionKey({ ...node, name: node.opType }));
    if (own !== undefined) return this.called(node, own);
    const rule = typeRuleOf(node);
    return rule === undefined ? [] : (tried(() => rule(view)) ?? []);
  }

  private called(node: NodeProto, own: FunctionProto): readonly (TensorInfo | undefined)[] {
    if (this.depth >= deepest) return [];
    const call = { node, function: own, from: this };
    const inside = new ScopeTypes(
      this.shared,
      { nodes: own.nodes, initializers: [], valueInfo: own.valueInfo },
      { call },
    );
    this.inner.set(own, inside);
    for (const [i, name] of own.inputs.entries()) {
      const given = node.inputs[i] ?? "";
      const info = given === "" ? undefined : this.info(given);
      if (info !== undefined) inside.set(name, info);
    }
    inside.run(own.nodes);
    return own.outputs.map((name) => inside.info(name));
  }

  body(node: NodeProto, name: string, inputs: readonly (TensorInfo | undefined)[]) {
    const graph = this.shared.model.bodies(node).get(name);
    if (graph === undefined || this.depth >= deepest) return [];
    return this.bodyScope(graph, inputs).outputsOf(graph);
  }

  /** The scope of a subgraph, after inference. */
  bodyScope(graph: GraphProto, inputs: readonly (TensorInfo | undefined)[]): ScopeTypes {
    const inside = new ScopeTypes(this.shared, graph, { around: this });
    this.inner.set(graph, inside);
    for (const [i, info] of graph.inputs.entries()) inside.parameter(info, inputs[i]);
    inside.run(graph.nodes);
    return inside;
  }

  private outputsOf({ outputs }: GraphProto): (TensorInfo | undefined)[] {
    return outputs.map(({ name }) => this.info(name));
  }
}

/** A call of a function. */
interface Call {
  readonly node: NodeProto;
  readonly function: FunctionProto;
  readonly from: ScopeTypes;
}

interface Around {
  readonly around?: ScopeTypes;
  readonly call?: Call;
}

/** The inferred type, completed by the declared one. */
function combined(found: Typed, declared: Typed): Typed {
  const element = found.element ?? declared.element;
  const { shape } = found;
  if (shape === undefined) return { ...found, element, shape: declared.shape };
  if (declared.shape?.length !== shape.length) return { ...found, element };
  const merged = shape.map((extent, i) => {
    const said = declared.shape?.[i];
    if (extent === undefined) return said;
    return typeof extent !== "number" && typeof said === "number" ? said : extent;
  });
  return { ...found, element, shape: merged };
}
