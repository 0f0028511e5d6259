/** The tensors that a graph holds: its initializers, and what its Constant nodes make. */

import type { ByteReader } from "./bytes.ts";
import { AttributeProto, type GraphProto, type NodeProto, type TensorProto } from "./messages.ts";
import { type OpenExternal, readNumbers, type TensorNumbers } from "./tensors.ts";

const mostInList = 1 << 20;

/** What reads a file, and files beside it. */
export interface Reading {
  readonly reader: ByteReader;
  readonly open: OpenExternal;
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
    const attribute = (key: string) => this.part(found, key);
    if (attribute("value") !== undefined) return attribute("value")?.tensor;
    if (attribute("value_float") !== undefined) return { dims: [], dataType: 1 };
    if (attribute("value_int") !== undefined) return { dims: [], dataType: 7 };
    const floats = attribute("value_floats")?.floats(mostInList);
    if (floats !== undefined) return { dims: [floats.length], dataType: 1 };
    const integers = attribute("value_ints")?.integers(mostInList);
    return integers && { dims: [integers.length], dataType: 7 };
  }

  /** The numbers, read now. Throws E0662, E0745, E0746; E0640 where a file is missing. */
  numbers(name: string): TensorNumbers | undefined {
    const found = this.constants.get(name);
    if (found === undefined) return undefined;
    const tensor = "dims" in found ? found : this.part(found, "value")?.tensor;
    if (tensor !== undefined) return readNumbers(this.from.reader, { ...tensor, name }, this.from.open);
    const type = this.type(name);
    if (type === undefined) return undefined;
    const part = (key: string) => this.part(found as NodeProto, key);
    const single = part("value_float")?.float ?? part("value_int")?.integer;
    const list = part("value_floats")?.floats(mostInList) ?? part("value_ints")?.integers(mostInList);
    const numbers = Float64Array.from(type.dims.length === 0 ? [single ?? 0] : (list ?? []));
    const isFloat = type.dataType === 1;
    return { shape: type.dims, type: isFloat ? "FLOAT" : "INT64", kind: isFloat ? "float" : "integer", numbers };
  }
}
