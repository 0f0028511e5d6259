/** Types of tensors that are passed between the parts of a model, as a runtime for ONNX must be told them. */

import { fail } from "../diagnostics/diagnostic.ts";
import { onnxErrors } from "../diagnostics/errors-onnx.ts";
import type { ElementType } from "../ir/types.ts";
import { typeName } from "../onnx/data-types.ts";
import type { Imported } from "../onnx/import.ts";
import type { NodeProto, ValueInfoProto } from "../onnx/messages.ts";
import type { OnnxModel } from "../onnx/model.ts";
import type { Dataflow } from "./dataflow.ts";

export interface BoundaryTensor {
  /** As onnxruntime's tensors call it: `float32`. */
  readonly type: string;
  /** TensorProto.DataType. */
  readonly dataType: number;
  /** Missing where the rank is not known; an extent without a name is null. */
  readonly shape?: readonly (number | string | null)[];
}

const float = 1;
const int64 = 7;
const half = 10;
const dataTypeOf: Readonly<Partial<Record<ElementType, number>>> = { f32: float, f16: half, bool: 9, u32: 12 };

/** The operands that have the type of what the node makes, where that is not the first. */
const likeOperand: Readonly<Record<string, number>> = { Where: 1, OneHot: 2 };
const makesInt64: ReadonlySet<string> = new Set(["Shape", "Size", "NonZero", "ArgMax", "ArgMin"]);

export class BoundaryTypes {
  private readonly model: OnnxModel;
  private readonly imported: Imported;
  private readonly flow: Dataflow;
  private readonly declared: ReadonlyMap<string, ValueInfoProto>;

  constructor(model: OnnxModel, imported: Imported, flow: Dataflow) {
    this.model = model;
    this.imported = imported;
    this.flow = flow;
    const { inputs, outputs, valueInfo } = model.graph;
    this.declared = new Map([...valueInfo, ...outputs, ...inputs].map((info) => [info.name, info]));
  }

  /** @throws TircError E0757 for a tensor of which nothing says what its elements are. */
  of(names: Iterable<string>): Record<string, BoundaryTensor> {
    return Object.fromEntries([...new Set(names)].map((name) => [name, this.typeOf(name)]));
  }

  private typeOf(name: string): BoundaryTensor {
    const dataType = this.dataType(name);
    if (dataType === undefined) fail(onnxErrors.unknownBoundary(this.model.file, name));
    const type = this.imported.values.get(name)?.type;
    const known = type?.opaque ? undefined : type?.shape;
    const shape = known ?? this.model.tensorType(name)?.dims ?? this.declared.get(name)?.shape;
    const named = typeName(dataType).toLowerCase();
    const dims = shape?.map((extent) => extent ?? null);
    return {
      type: named === "float" ? "float32" : named === "double" ? "float64" : named,
      dataType,
      ...(dims && { shape: dims }),
    };
  }

  private dataType(name: string): number | undefined {
    const said = this.declared.get(name)?.elementType ?? this.model.tensorType(name)?.dataType;
    if (said !== undefined && said !== 0) return said;
    const type = this.imported.values.get(name)?.type;
    if (type === undefined || type.opaque) return undefined;
    return dataTypeOf[type.element] ?? this.integer(name);
  }

  /** An integer of the language has 32 bits or 64 in the model: the node that makes it says which. */
  private integer(name: string): number | undefined {
    const seen = new Set<NodeProto>();
    for (let at = name; ; ) {
      const said = this.declared.get(at)?.elementType ?? this.model.tensorType(at)?.dataType;
      const maker = this.flow.makerOf(at);
      if (said !== undefined && said !== 0) return said;
      if (maker === undefined || seen.has(maker)) return undefined;
      seen.add(maker);
      if (makesInt64.has(maker.opType)) return int64;
      if (maker.opType === "Cast") return this.model.attribute(maker, "to")?.integer;
      if (maker.opType === "ConstantOfShape") return this.model.attribute(maker, "value")?.tensor?.dataType ?? float;
      at = maker.inputs[likeOperand[maker.opType] ?? 0] ?? "";
    }
  }
}
