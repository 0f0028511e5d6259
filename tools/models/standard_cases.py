"""Test cases for type inference of ONNX's standard ops: `standard_cases.py FOLDER` writes standard.json and operators.json.

The cases are ONNX's own operator tests, with the shapes of its reference implementation; `operators.json` has the names
of all ops up to the newest supported opset. The tests read both files in test/fixtures/onnx-types/.
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import onnx
from onnx import AttributeProto, TensorProto, helper, numpy_helper

oldest, newest = 9, 23
integers = {TensorProto.INT32, TensorProto.INT64, TensorProto.BOOL, TensorProto.INT8, TensorProto.UINT8}
floats = {TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE}
# Float inputs of these ops determine shapes.
with_float_sizes = {"Resize", "Upsample", "Range", "OneHot"}
# Ops with many variants, for which more cases are included.
versatile = {
    *("Resize", "Reshape", "Slice", "Conv", "MaxPool", "AveragePool", "Einsum", "ConvTranspose", "Attention", "Pad"),
    *("Gather", "GatherND", "ReduceSum", "Split", "Squeeze", "LayerNormalization"),
}


class Skipped(Exception):
    """A case that the fixture cannot represent."""


def tensor_type(value):
    kind = value.type
    if kind.HasField("optional_type"):
        kind = kind.optional_type.elem_type
    if kind.HasField("sequence_type"):
        raise Skipped("sequence")
    return kind.tensor_type.elem_type


def array_of(value):
    if value is None or isinstance(value, (list, tuple, TensorProto)):
        raise Skipped("sequence")
    return np.asarray(value)


def input_of(value, given, op):
    element, array = tensor_type(value), array_of(given)
    case = [value.name, element, list(array.shape)]
    if array.size <= 32 and array.ndim < 2 and element in integers:
        case.append([int(number) for number in array.reshape(-1)])
    elif element in floats and op in with_float_sizes and array.size <= 8:
        case.append([float(number) for number in array.reshape(-1)])
    return case


def attribute_of(attribute):
    value = helper.get_attribute_value(attribute)
    if attribute.type == AttributeProto.TENSOR:
        array = numpy_helper.to_array(value)
        if array.dtype.kind not in "iufb":
            raise Skipped("attribute")
        return {"t": value.data_type, "d": list(array.shape), "v": [float(number) for number in array.reshape(-1)]}
    keys = {
        AttributeProto.FLOAT: lambda: {"f": value},
        AttributeProto.INT: lambda: {"i": value},
        AttributeProto.STRING: lambda: {"s": value.decode()},
        AttributeProto.INTS: lambda: {"is": list(value)},
        AttributeProto.FLOATS: lambda: {"fs": list(value)},
        AttributeProto.STRINGS: lambda: {"ss": 1},
    }
    if attribute.type not in keys:
        raise Skipped("attribute")
    return keys[attribute.type]()


def set_of(node, model):
    """The opset of a case; if it is too new, the newest supported one, provided that the op is the same."""
    version = next((one.version for one in model.opset_import if one.domain in ("", "ai.onnx")), 0)
    if version <= newest:
        return version
    first = min(schema.since_version for schema in histories()[node.op_type])
    since = onnx.defs.get_schema(node.op_type, version, "").since_version
    if first > newest + 1 or (node.op_type == "Attention" and since > newest):
        raise Skipped("set")
    return newest


def histories():
    found = {}
    for schema in onnx.defs.get_all_schemas_with_history():
        if schema.domain == "":
            found.setdefault(schema.name, []).append(schema)
    return found


def case_of(test):
    model = test.model
    if model is None or len(model.graph.node) != 1 or model.graph.node[0].op_type == "Constant":
        raise Skipped("nodes")
    graph, (node,) = model.graph, model.graph.node
    version = set_of(node, model) if node.domain in ("", "ai.onnx") else 0
    if version < oldest or not test.data_sets:
        raise Skipped("set")
    given, made = test.data_sets[0]
    if len(given) != len(graph.input):
        raise Skipped("inputs")
    inputs = {value.name: input_of(value, array, node.op_type) for value, array in zip(graph.input, given)}
    outputs = {
        value.name: [value.name, tensor_type(value), list(array_of(array).shape)]
        for value, array in zip(graph.output, made)
    }
    return {
        "op": node.op_type,
        "set": version,
        "a": {attribute.name: attribute_of(attribute) for attribute in node.attribute},
        "i": [inputs[name] if name else [""] for name in node.input],
        "o": [outputs[name] if name else [""] for name in node.output],
    }


def main(folder):
    from onnx.backend.test.case.node import collect_testcases

    warnings.filterwarnings("ignore")
    cases, seen, counts = [], set(), {}
    for test in collect_testcases(None):
        try:
            case = case_of(test)
        except Skipped:
            continue
        op, inputs = case["op"], [one for one in case["i"] if len(one) > 1]
        ranks, elements = tuple(len(one[2]) for one in inputs), tuple(one[1] for one in inputs)
        kind = (op, json.dumps(sorted(case["a"].items()))[:400], ranks, elements)
        counts.setdefault(op, 0)
        if kind in seen or counts[op] >= (14 if op in versatile else 5):
            continue
        seen.add(kind)
        counts[op] += 1
        cases.append(case)
    rows = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    (folder / "standard.json").write_text(f"[\n{rows}\n]\n")
    read = {name: [one for one in own if one.since_version <= newest] for name, own in sorted(histories().items())}
    last = {name: max(own, key=lambda one: one.since_version) for name, own in read.items() if own}
    names = [name for name, schema in last.items() if not schema.deprecated]
    (folder / "operators.json").write_text(json.dumps(names, indent=2) + "\n")


main(Path(sys.argv[1]))
