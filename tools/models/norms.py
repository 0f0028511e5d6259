"""Norms of 512 rows of 768 numbers: `norms.py FOLDER` writes a model for each form that exporters give them.

The rows come from a table, which takes the centering, and go into a narrow product, which takes beta; `rows` has the
table and the product alone, so that the time of the norm can be told from that of the model. `norms.py FOLDER summary`
puts what `native.py` and `web.mjs` measured into `norms.json`.
"""

import base64
import json
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

count, width, entries, narrow = 512, 768, 64, 8
names = {
    "rows": "a table and a product alone",
    "chain11": "LayerNorm as a chain, set 11 (TorchScript)",
    "chain11-mul": "LayerNorm as a chain with Mul and Reciprocal (as TensorFlow's exporter has it)",
    "layernorm17": "LayerNormalization, set 17",
    "layernorm23": "LayerNormalization, set 23",
    "rms17": "RMSNorm as a chain, set 17 (LLaMA)",
}


def chain(node, x, squared, inverse):
    mean = node("ReduceMean", [x], axes=[-1])
    centered = node("Sub", [x, mean])
    square = node("Mul", [centered, centered]) if squared == "Mul" else node("Pow", [centered, "two"])
    deviation = node("Sqrt", [node("Add", [node("ReduceMean", [square], axes=[-1]), "eps"])])
    if inverse:
        normal = node("Mul", [centered, node("Reciprocal", [deviation])])
    else:
        normal = node("Div", [centered, deviation])
    return node("Add", [node("Mul", [normal, "gamma"]), "beta"])


def root_mean_square(node, x):
    square = node("ReduceMean", [node("Pow", [x, "two"])], axes=[-1])
    inverse = node("Div", ["one", node("Sqrt", [node("Add", [square, "eps"])])])
    return node("Mul", ["gamma", node("Mul", [x, inverse])])


def model_of(name):
    generator = np.random.default_rng(1)
    numbers = lambda *shape: generator.standard_normal(shape, dtype=np.float32)
    scalar = lambda value: np.array(value, dtype=np.float32)
    tensors = {
        "table": numbers(entries, width) + 0.5,
        "gamma": 1 + 0.2 * numbers(width),
        "beta": 0.2 + 0.2 * numbers(width),
        "weight": numbers(width, narrow) / width**0.5,
        "bias": numbers(narrow),
        "two": scalar(2),
        "one": scalar(1),
        "eps": scalar(1e-5),
    }
    nodes = []

    def node(op, inputs, **attributes):
        output = f"{op}_{len(nodes)}"
        nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    x = node("Gather", ["table", "ids"])
    if name.startswith("chain"):
        y = chain(node, x, "Mul" if "mul" in name else "Pow", "mul" in name)
    elif name.startswith("layernorm"):
        y = node("LayerNormalization", [x, "gamma", "beta"], axis=-1)
    else:
        y = root_mean_square(node, x) if name.startswith("rms") else x
    y = node("Add", [node("MatMul", [y, "weight"]), "bias"])
    used = {given for each in nodes for given in each.input}
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("ids", TensorProto.INT64, [count])],
        [helper.make_tensor_value_info(y, TensorProto.FLOAT, [count, narrow])],
        [numpy_helper.from_array(value, key) for key, value in tensors.items() if key in used],
    )
    digits = "".join(letter for letter in name if letter.isdigit())
    opset = int(digits or 17)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def write(folder):
    folder.mkdir(parents=True, exist_ok=True)
    ids = np.arange(count, dtype=np.int64) % entries
    fed = {"type": "int64", "dims": [count], "data": base64.b64encode(ids.tobytes()).decode()}
    for name in names:
        onnx.save(model_of(name), str(folder / f"{name}.onnx"))
        counts = {"layernorm": 0 if name.startswith("r") else 1, "rmsnorm": 1 if name.startswith("rms") else 0}
        np.savez(folder / f"{name}.npz", norms=json.dumps(counts), **{"in:ids": ids})
        (folder / f"{name}.inputs.json").write_text(json.dumps({"ids": fed}))


def summary(folder):
    def measured(name, runtime):
        report = json.loads((folder / f"{name}.{'native' if runtime == 'native' else 'web'}.json").read_text())
        return report.get("time") if runtime == "native" else report["wasm"].get("time")

    rows = []
    for name, what in names.items():
        row = {"what": what}
        for runtime in ("native", "wasm"):
            time, alone = measured(name, runtime), measured("rows", runtime)
            if time is None or name == "rows":
                continue
            before, after = time["before"], time["before"] * time["ratio"][1]
            table = alone["before"]
            row[runtime] = {"before": before - table, "after": after - table}
            row[runtime]["ratio"] = row[runtime]["after"] / row[runtime]["before"]
        if name != "rows":
            rows.append(row)
    (folder / "norms.json").write_text(json.dumps(rows, indent=1))


(summary if sys.argv[2:] == ["summary"] else write)(Path(sys.argv[1]))
