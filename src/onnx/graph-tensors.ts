/** The constant tensors of a graph: its initializers and the results of its Constant nodes. */

import { elementCount } from "../ir/tensor.ts";
import type { ByteReader } from "./bytes.ts";
import { types } from "./data-types.ts";
import { dequantized, isDequantization } from "./dequantized.ts";
import { AttributeProto, type GraphProto, type NodeProto, type TensorProto } from "./messages.ts";
import { type OpenExternal, readNumbers, type TensorNumbers } from "./tensors.ts";

const mostInList = 1 << 20;

/** The files of a model. */
interface Reading {
  readonly reader: ByteReader;
  readonly open: OpenExternal;
  /** Whether a dequantized constant counts as a constant too. */
  readonly isDequantized: boolean;
}

export class GraphTensors {
  private readonly from: Reading;
  private readonly constants = new Map<string, TensorProto | NodeProto>();

  constructor(from: Reading, { initializers, nodes }: Pick<GraphProto, "initializers" | "nodes">) {
    this.from = from;
    for (const tensor of initializers) this.constants.set(tensor.name, tensor);
    for (const node of nodes) {
      const [output] = node.outputs;
      if (node.opType === "Constant" && node.domain === "" && output !== undefined) this.constants.set(output, node);
    }
    for (const node of from.isDequantized ? nodes.filter(isDequantization) : []) {
      const [output] = node.outputs;
      if (output !== undefined && this.canDequantize(node)) this.constants.set(output, node);
    }
  }

  private canDequantize(node: NodeProto): boolean {
    const { inputs, attributes } = node;
    const [x, scale, zero] = inputs.map((name) => (name === "" ? undefined : this.type(name)));
    const isZeroKnown = (inputs[2] ?? "") === "" || zero !== undefined;
    const isBytes = x !== undefined && (x.dataType === types.uint8 || x.dataType === types.int8);
    const isScale = scale?.dataType === types.float || scale?.dataType === types.half;
    const isBlocked = attributes.has("block_size") || attributes.has("output_dtype");
    const isOne = scale !== undefined && elementCount(scale.dims) === 1;
    const axis = this.axisOf(node);
    const isAlong = scale?.dims.length === 1 && x?.dims.at(axis) === scale.dims[0];
    return isBytes && isScale && isZeroKnown && !isBlocked && (isOne || isAlong);
  }

  get names(): string[] {
    return [...this.constants.keys()];
  }

  private part({ attributes }: NodeProto, key: string): AttributeProto | undefined {
    const range = attributes.get(key);
    return range && new AttributeProto(this.from.reader, range);
  }

  /** Type and shape. */
  type(name: string): Pick<TensorProto, "dims" | "dataType"> | undefined {
    const found = this.constants.get(name);
    if (found === undefined || "dims" in found) return found;
    if (isDequantization(found)) {
      const [x = "", scale = ""] = found.inputs;
      return { dims: this.type(x)?.dims as number[], dataType: this.type(scale)?.dataType as number };
    }
    const tensor = this.part(found, "value")?.tensor;
    if (tensor !== undefined) return tensor;
    const given = this.numbersIn(found);
    return given && { dims: given.dims, dataType: given.isFloat ? types.float : types.int64 };
  }

  private axisOf(node: NodeProto): number {
    return this.part(node, "axis")?.integer ?? 1;
  }

  /** The value of a Constant node that is a number or a list of numbers. */
  private numbersIn(node: NodeProto) {
    const [float, integer] = [this.part(node, "value_float"), this.part(node, "value_int")];
    if (float !== undefined || integer !== undefined) {
      return { dims: [], isFloat: float !== undefined, numbers: [float?.float ?? integer?.integer ?? 0] };
    }
    const floats = this.part(node, "value_floats")?.floats(mostInList);
    const numbers = floats ?? this.part(node, "value_ints")?.integers(mostInList);
    return numbers && { dims: [numbers.length], isFloat: floats !== undefined, numbers };
  }

  /** Reads the elements. Throws E0662, E0745, E0746; E0640 if a file is missing. */
  numbers(name: string): TensorNumbers | undefined {
    const found = this.constants.get(name);
    if (found === undefined) return undefined;
    if (!("dims" in found) && isDequantization(found)) {
      const [x, scale, zero] = found.inputs.map((input) => this.numbers(input));
      return dequantized(x as TensorNumbers, scale as TensorNumbers, zero, this.axisOf(found));
    }
    const tensor = "dims" in found ? found : this.part(found, "value")?.tensor;
    if (tensor !== undefined) return readNumbers(this.from.reader, { ...tensor, name }, this.from.open);
    const given = this.numbersIn(found as NodeProto);
    if (given === undefined) return undefined;
    const kind = given.isFloat
      ? ({ type: "FLOAT", kind: "float" } as const)
      : ({ type: "INT64", kind: "integer" } as const);
    return { shape: given.dims, ...kind, numbers: Float64Array.from(given.numbers) };
  }
}
