"""Models with a single norm of 512 rows of 768 elements.

    norms.py FOLDER            writes a model for each form in which exporters write norms
    norms.py FOLDER floor      replaces the rewritten `floor` model by one with an Add instead of the norm
    norms.py FOLDER native     times the models in onnxruntime, interleaved, the fastest of three runs each
    norms.py FOLDER summary    collects the times of all runtimes in norms.json

The rows come from a table, into which the centering is folded, and go into a narrow product, into which beta is folded.
`rows` has the table and the product alone; its time is subtracted from the others.
"""

import base64
import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

count, width, entries, narrow = 512, 768, 64, 8
names = {
    "rows": "a table and a product alone",
    "chain11": "LayerNorm as a chain, set 11 (TorchScript)",
    "chain11-mul": "LayerNorm as a chain with Mul and Reciprocal (as TensorFlow's exporter has it)",
    "layernorm17": "LayerNormalization, set 17",
    "layernorm23": "LayerNormalization, set 23",
    "rms17": "RMSNorm as a chain, set 17 (LLaMA)",
    "floor": "an Add of a vector instead of the LayerNormalization of set 17: reading and writing the rows alone",
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
    if name == "floor":
        y = node("Add", [x, "gamma"])
    elif name.startswith("chain"):
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
        onnx.save(model_of("layernorm17" if name == "floor" else name), str(folder / f"{name}.onnx"))
        counts = {"layernorm": 0 if name.startswith("r") else 1, "rmsnorm": 1 if name.startswith("rms") else 0}
        np.savez(folder / f"{name}.npz", norms=json.dumps(counts), **{"in:ids": ids})
        (folder / f"{name}.inputs.json").write_text(json.dumps({"ids": fed}))


def native(folder, seconds=60):
    """Writes quartiles of time after / time before, both less the time of the table and the product."""

    def session(path):
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 4
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def fastest(run):
        times = []
        for _ in range(3):
            started = time.process_time()
            run.run(None, {"ids": ids})
            times.append(time.process_time() - started)
        return min(times)

    ids = np.arange(count, dtype=np.int64) % entries
    sessions = {name: [session(folder / f"{name}{end}.onnx") for end in ("", ".after")] for name in names}
    pairs, end = {name: [] for name in names}, time.perf_counter() + seconds
    while time.perf_counter() < end:
        alone = fastest(sessions["rows"][0])
        for name in names:
            pairs[name].append([fastest(run) - alone for run in sessions[name]])
    report = {
        name: {
            "before": 1e3 * statistics.median(before for before, _ in pairs[name]),
            "ratio": statistics.quantiles([after / before for before, after in pairs[name]], n=4),
        }
        for name in names
        if name != "rows"
    }
    (folder / "native.json").write_text(json.dumps(report, indent=1))


def summary(folder):
    times = {runtime: json.loads((folder / f"{runtime}.json").read_text()) for runtime in ("native", "wasm")}

    def measured(name, runtime):
        took = times[runtime][name]
        return {"before": took["before"], "ratio": took["ratio"][1], "quartiles": took["ratio"][::2]}

    rows = [
        {"what": what, **{runtime: measured(name, runtime) for runtime in times}}
        for name, what in names.items()
        if name != "rows"
    ]
    (folder / "norms.json").write_text(json.dumps(rows, indent=1))


def floor(folder):
    onnx.save(model_of("floor"), str(folder / "floor.after.onnx"))


{"write": write, "floor": floor, "native": native, "summary": summary}[(sys.argv[2:] or ["write"])[0]](Path(sys.argv[1]))
