"""Copies models to test/onnx/models/matrix, without debug information: `fixtures.py FOLDER NAME...`.

Also writes `expected.json`: the number of norms that PyTorch runs in each model, and its inputs.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnx

here = Path(__file__).parent


def stripped(model):
    def clear(graph):
        for thing in [graph, *graph.node, *graph.initializer, *graph.input, *graph.output, *graph.value_info]:
            del thing.metadata_props[:]
            thing.doc_string = ""
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    clear(attribute.g)

    clear(model.graph)
    del model.metadata_props[:]
    for function in model.functions:
        del function.metadata_props[:]
        for node in function.node:
            del node.metadata_props[:]
            node.doc_string = ""
    return model


def main():
    folder, names = Path(sys.argv[1]), sys.argv[2:]
    target = here / "../../test/onnx/models/matrix"
    target.mkdir(parents=True, exist_ok=True)
    known = {}
    for name in names:
        model = stripped(onnx.load(str(folder / f"{name}.onnx")))
        (target / f"{name}.onnx").write_bytes(model.SerializeToString())
        arrays = np.load(folder / f"{name}.npz")
        counted = json.loads(str(arrays["norms"]))
        inputs = {}
        for key in arrays:
            if not key.startswith("in:"):
                continue
            array = arrays[key]
            given = {"type": str(array.dtype), "shape": list(array.shape)}
            # Ids and masks must keep their values; floats are drawn by the test.
            if array.dtype.kind in "iub":
                given["numbers"] = array.astype(int).flatten().tolist()
            inputs[key[3:]] = given
        known[name] = {"norms": sum(counted.values()), "inputs": inputs}
    (target / "expected.json").write_text(json.dumps(known, indent=1) + "\n")


main()
