"""Test cases for type inference of onnxruntime's ops: `microsoft_cases.py FOLDER` writes FOLDER/microsoft.json.

The expected shapes come from native onnxruntime. The tests read the file in test/fixtures/onnx-types/.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

F, U8, I8, I32, I64, B = (
    *(TensorProto.FLOAT, TensorProto.UINT8, TensorProto.INT8, TensorProto.INT32, TensorProto.INT64),
    TensorProto.BOOL,
)
one, zero = (F, [], [1.0]), (U8, [], [0])
opset = 17


def numbers(kind, shape, given):
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    if given is not None:
        return np.array(given).astype(dtype).reshape(shape)
    return (np.random.rand(*shape) if kind == F else np.random.randint(0, 3, shape)).astype(dtype)


def attribute(value):
    keys = {int: "i", float: "f", str: "s"}
    return {keys[type(value)]: value} if type(value) in keys else {"is": list(value)}


def case(op, inputs, outputs, attributes=None, domain="com.microsoft"):
    """An input is a tuple of type, shape, and values if they matter; None for an omitted input."""
    attributes = attributes or {}
    infos, feeds, taken, rows = [], {}, [], []
    for i, one in enumerate(inputs):
        taken.append("" if one is None else f"i{i}")
        if one is None:
            rows.append([])
            continue
        kind, shape, given = (*one, None)[:3]
        array = numbers(kind, shape, given)
        infos.append(helper.make_tensor_value_info(f"i{i}", kind, shape))
        feeds[f"i{i}"] = array
        row = [f"i{i}", kind, list(shape)]
        if given is not None and array.ndim < 2:
            row.append([float(each) if kind == F else int(each) for each in array.reshape(-1)])
        rows.append(row)
    names = [f"o{i}" for i in range(outputs)]
    node = helper.make_node(op, taken, names, domain=domain, **attributes)
    graph = helper.make_graph([node], "g", infos, [helper.make_value_info(name, onnx.TypeProto()) for name in names])
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        made = session.run(None, feeds)
    except Exception as error:
        print(f"{op} is left out: {str(error)[:150]!r}", file=sys.stderr)
        return []
    results = [
        [name, helper.np_dtype_to_tensor_dtype(array.dtype), list(array.shape)] for name, array in zip(names, made)
    ]
    written = {name: attribute(value) for name, value in attributes.items()}
    return [{"op": op, "domain": domain, "set": opset, "a": written, "i": rows, "o": results}]


def cases():
    q = (one, zero)
    yield from case("FusedMatMul", [(F, [2, 4, 3]), (F, [2, 4, 5])], 1, {"transA": 1})
    yield from case("FusedMatMul", [(F, [4, 3]), (F, [5, 3])], 1, {"transB": 1, "alpha": 2.0})
    yield from case("FusedGemm", [(F, [4, 3]), (F, [3, 5]), (F, [5])], 1, {"activation": "Relu"})
    yield from case(
        "FusedConv", [(F, [1, 3, 6, 7]), (F, [4, 3, 3, 3]), (F, [4])], 1, {"activation": "Relu", "pads": [1, 1, 1, 1],
        "strides": [2, 2]}
    )
    yield from case(
        "MatMulNBits", [(F, [2, 3, 32]), (U8, [8, 1, 16]), (F, [8])], 1, {"K": 32, "N": 8, "bits": 4,
        "block_size": 32}
    )
    yield from case("QLinearAdd", [(U8, [2, 3]), *q, (U8, [3]), *q, *q], 1)
    yield from case("QLinearMul", [(U8, [2, 1, 3]), *q, (U8, [4, 3]), *q, *q], 1)
    yield from case("QLinearConcat", [*q, (U8, [2, 3]), *q, (U8, [2, 5]), *q], 1, {"axis": 1})
    yield from case("QLinearGlobalAveragePool", [(U8, [1, 3, 4, 5]), *q, *q], 1)
    yield from case("QLinearGlobalAveragePool", [(U8, [1, 4, 5, 3]), *q, *q], 1, {"channels_last": 1})
    yield from case("QLinearAveragePool", [(U8, [1, 3, 6, 6]), *q, *q], 1, {"kernel_shape": [2, 2], "strides": [2, 2]})
    yield from case("QLinearSigmoid", [(U8, [2, 3]), *q, *q], 1)
    yield from case("QLinearLeakyRelu", [(U8, [2, 3]), *q, *q], 1)
    yield from case("QLinearWhere", [(B, [2, 1]), (U8, [2, 3]), *q, (U8, [1, 3]), *q, *q], 1)
    yield from case("QGemm", [(U8, [4, 3]), *q, (U8, [3, 5]), *q], 1)
    yield from case("DynamicQuantizeMatMul", [(F, [2, 4, 3]), (U8, [3, 5]), *q], 1)
    yield from case("MatMulIntegerToFloat", [(U8, [2, 4, 3]), (U8, [3, 5]), one, one], 1)
    yield from case(
        "SkipLayerNormalization", [(F, [2, 3, 8]), (F, [2, 3, 8]), (F, [8]), (F, [8]), (F, [8])], 1,
        {"epsilon": 1e-5}
    )
    yield from case(
        "SkipSimplifiedLayerNormalization", [(F, [2, 3, 8]), (F, [2, 3, 8]), (F, [8])], 1, {"epsilon": 1e-5}
    )
    yield from case(
        "SimplifiedLayerNormalization", [(F, [2, 3, 8]), (F, [8])], 1, {"epsilon": 1e-5, "axis": -1}, domain=""
    )
    yield from case(
        "EmbedLayerNormalization", [(I32, [2, 3]), (I32, [2, 3]), (F, [9, 8]), (F, [5, 8]), (F, [3, 8]), (F, [8]),
        (F, [8])], 2
    )
    yield from case("BiasGelu", [(F, [2, 3, 8]), (F, [8])], 1)
    yield from case("FastGelu", [(F, [2, 3, 8]), (F, [8])], 1)
    yield from case("QuickGelu", [(F, [2, 3, 8])], 1, {"alpha": 1.7})
    yield from case("Gelu", [(F, [2, 3, 8])], 1)
    yield from case("Attention", [(F, [2, 3, 8]), (F, [8, 24]), (F, [24])], 1, {"num_heads": 2})
    yield from case(
        "Attention", [(F, [2, 3, 8]), (F, [8, 20]), (F, [20])], 1, {"num_heads": 2, "qkv_hidden_sizes": [8, 8, 4]}
    )
    yield from case("MultiHeadAttention", [(F, [2, 3, 8]), (F, [2, 5, 8]), (F, [2, 5, 8])], 1, {"num_heads": 2})
    yield from case("MultiHeadAttention", [(F, [2, 3, 8]), (F, [2, 5, 8]), (F, [2, 5, 12])], 1, {"num_heads": 2})
    yield from case("MultiHeadAttention", [(F, [2, 3, 8]), (F, [2, 2, 5, 4]), (F, [2, 2, 5, 4])], 1, {"num_heads": 2})
    yield from case(
        "GroupQueryAttention", [(F, [1, 3, 32]), (F, [1, 3, 16]), (F, [1, 3, 16]), (F, [1, 1, 8, 16]), (F, [1, 1, 8,
        16]), (I32, [1], [2]), (I32, [], [3])], 3, {"num_heads": 2, "kv_num_heads": 1}
    )
    yield from case("RotaryEmbedding", [(F, [1, 3, 32]), (I64, [1, 3]), (F, [8, 8]), (F, [8, 8])], 1, {"num_heads": 2})
    yield from case("NhwcMaxPool", [(U8, [1, 6, 6, 3])], 1, {"kernel_shape": [2, 2], "strides": [2, 2]})
    yield from case("Inverse", [(F, [2, 3, 3], np.stack([np.eye(3), np.eye(3)]))], 1)
    yield from case("Trilu", [(F, [3, 3])], 1)
    yield from case("ExpandDims", [(F, [2, 3]), (I32, [], [1])], 1)
    yield from case("UnfoldTensor", [(F, [2, 8])], 1, {"dim": 1, "size": 3, "step": 2})
    yield from case(
        "DynamicQuantizeLSTM", [(F, [5, 2, 4]), (U8, [1, 4, 12]), (U8, [1, 3, 12]), None, None, None, None, None,
        (F, [1], [1.]), (U8, [1], [0]), (F, [1], [1.]), (U8, [1], [0])], 3, {"hidden_size": 3}
    )
    yield from case("TransposeMatMul", [(F, [4, 3]), (F, [4, 5])], 1, {"transA": 1})
    yield from case("Pad", [(F, [2, 3]), (I64, [4], [0, 1, 0, 2])], 1)
    yield from case("Range", [(F, [], [0.]), (F, [], [5.]), (F, [], [2.])], 1)
    yield from case(
        "GatherBlockQuantized", [(U8, [9, 16]), (I64, [2]), (F, [9, 1])], 1, {"gather_axis": 0, "quantize_axis": 1,
        "block_size": 32, "bits": 4}
    )
    yield from case("GatherND", [(F, [3, 4, 5]), (I64, [2, 1], [[0], [1]])], 1)
    yield from case("QuantizeLinear", [(F, [2, 3]), one, (I8, [], [0])], 1)
    yield from case("DequantizeLinear", [(U8, [2, 3]), *q], 1)


def main(folder):
    onnxruntime.set_default_logger_severity(4)
    np.random.seed(0)
    rows = ",\n".join(json.dumps(each, separators=(",", ":")) for each in cases())
    (folder / "microsoft.json").write_text(f"[\n{rows}\n]\n")


main(Path(sys.argv[1]))
