"""Loads archives before and after surgery in PyTorch, runs both, and says how far apart they are.

    python test/pt2/check.py before.pt2 after.pt2 ...

Prints a JSON list, for each pair: the LayerNorms of both graphs, and for each output the largest difference, and that from
the model in float64, as parts of its largest number.
"""

import json
import sys
import warnings

import torch


def count(program, name):
    return sum(name in str(node.target) for node in program.graph.nodes)


def leaves(value):
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [leaf for item in value for leaf in leaves(item)] if isinstance(value, (list, tuple)) else []


def compared(before_path, after_path):
    before, after = torch.export.load(before_path), torch.export.load(after_path)
    args, kwargs = before.example_inputs
    with torch.no_grad():
        was = leaves(before.module()(*args, **kwargs))
        now = leaves(after.module()(*args, **kwargs))
    off = []
    for a, b in zip(was, now, strict=True):
        assert a.shape == b.shape and a.dtype == b.dtype, (a.shape, b.shape, a.dtype, b.dtype)
        if a.is_floating_point():
            a, b = a.double(), b.double()
            off.append(float((a - b).abs().max() / a.abs().max().clamp_min(1e-30)))
    norms = {
        name: [count(before, name), count(after, name)] for name in ("layer_norm", "rms_norm")
    }
    return {"norms": norms, "off": max(off), "nodes": [len(before.graph.nodes), len(after.graph.nodes)]}


def main(paths):
    warnings.filterwarnings("ignore")
    print(json.dumps([compared(*pair) for pair in zip(paths[::2], paths[1::2], strict=True)]))


if __name__ == "__main__":
    main(sys.argv[1:])
