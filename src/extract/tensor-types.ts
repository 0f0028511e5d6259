/** The types of tensors at the boundaries of pieces, which ONNX requires. */

import * as onnxMessages from "../diagnostics/areas/onnx.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { typeName } from "../onnx/data-types.ts";
import type { Imported } from "../onnx/import.ts";
import type { OnnxModel } from "../onnx/model.ts";

export interface BoundaryTensor {
  /** The name of the type in onnxruntime: `float32`. */
  readonly type: string;
  /** TensorProto.DataType. */
  readonly dataType: number;
  /** Missing if the rank is unknown; an unknown extent is null. */
  readonly shape?: readonly (number | string | null)[];
}

const longNames: Readonly<Record<string, string>> = { float: "float32", double: "float64" };

/** @throws TircError E0757 for a tensor whose element type is unknown. */
export function boundaryTypes(
  model: OnnxModel,
  { types, values }: Imported,
  names: Iterable<string>,
): Record<string, BoundaryTensor> {
  const { inputs, outputs, valueInfo } = model.graph;
  const declared = new Map([...valueInfo, ...outputs, ...inputs].map((info) => [info.name, info]));
  const { dimensions } = types.shared;
  const typeOf = (name: string): BoundaryTensor => {
    const info = types.info(name);
    const said = declared.get(name);
    const dataType = info?.isSequence ? undefined : (info?.element ?? said?.elementType);
    if (dataType === undefined) fail(onnxMessages.unknownBoundary(model.file, name));
    const value = values.get(name)?.type;
    const inferred = info?.shape?.map((extent) => dimensions.dim(extent));
    const shape = (value?.opaque ? undefined : value?.shape) ?? inferred ?? said?.shape;
    const short = typeName(dataType).toLowerCase();
    return {
      type: longNames[short] ?? short,
      dataType,
      ...(shape && { shape: shape.map((extent) => extent ?? null) }),
    };
  };
  return Object.fromEntries([...new Set(names)].map((name) => [name, typeOf(name)]));
}
