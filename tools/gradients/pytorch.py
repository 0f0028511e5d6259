"""Writes test/fixtures/gradients.json: float64 gradients of PyTorch's autograd, for 50 cases.

Inputs are not stored: both sides draw them from the same generator (src/ir/random.ts). Gradients are stored as f32.
Requires torch: python tools/gradients/pytorch.py
"""

import base64
import json
import pathlib
import struct

import torch

MASK = 0xFFFFFFFF


def imul(a, b):
    return (a * b) & MASK


def mulberry32(seed):
    state = seed & MASK
    while True:
        state = (state + 0x6D2B79F5) & MASK
        t = imul(state ^ (state >> 15), 1 | state)
        t = (t + imul(t ^ (t >> 7), 61 | t)) & MASK ^ t
        yield ((t ^ (t >> 14)) & MASK) / 2**32


def as_f32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def drawn(numbers, shape):
    count = 1
    for extent in shape:
        count *= extent
    values = [as_f32(4 * next(numbers) - 2) for _ in range(count)]
    return torch.tensor(values, dtype=torch.float64).reshape(shape).requires_grad_()


def layernorm(x, gamma, beta, eps):
    return torch.nn.functional.layer_norm(x, gamma.shape, gamma, beta, eps)


def rmsnorm(x, gamma, eps):
    return torch.nn.functional.rms_norm(x, gamma.shape, gamma, eps)


functions = {
    "layernorm": (layernorm, lambda s: {"x": s, "gamma": s[-1:], "beta": s[-1:]}),
    "rmsnorm": (rmsnorm, lambda s: {"x": s, "gamma": s[-1:]}),
    "groupnorm": (
        lambda x, gamma, beta, eps, groups: torch.nn.functional.group_norm(x, groups, gamma, beta, eps),
        lambda s: {"x": s, "gamma": s[1:2], "beta": s[1:2]},
    ),
    "softmax": (lambda x: torch.softmax(x, -1), lambda s: {"x": s}),
    "log_softmax": (lambda x: torch.log_softmax(x, -1), lambda s: {"x": s}),
    "gelu": (lambda x: torch.nn.functional.gelu(x), lambda s: {"x": s}),
    "gelu_tanh": (lambda x: torch.nn.functional.gelu(x, approximate="tanh"), lambda s: {"x": s}),
    "swiglu": (lambda a, b: torch.nn.functional.silu(a) * b, lambda s: {"a": s, "b": s}),
}

rows = [(3, 5), (1, 8), (4, 1), (2, 3, 7), (7, 2), (2, 33), (1, 64), (3, 31)]
cases = []
for op in ["layernorm", "rmsnorm"]:
    cases += [{"op": op, "shape": shape, "eps": eps} for shape, eps in zip(rows, [1e-5, 1e-6, 1e-5, 1e-12, 0.1, 1e-5, 1e-3, 1e-5])]
images = [((2, 4, 3), 2), ((1, 6, 5), 3), ((2, 8, 2, 2), 4), ((3, 3, 4), 1), ((1, 4, 7), 4), ((2, 6, 4), 2)]
cases += [{"op": "groupnorm", "shape": shape, "groups": groups, "eps": 1e-5} for shape, groups in images]
for op in ["softmax", "log_softmax"]:
    cases += [{"op": op, "shape": shape} for shape in rows]
for op, count in [("gelu", 4), ("gelu_tanh", 4), ("swiglu", 4)]:
    cases += [{"op": op, "shape": shape} for shape in rows[:count]]
assert len(cases) == 50

for seed, case in enumerate(cases):
    function, shapes_of = functions[case["op"]]
    numbers = mulberry32(seed)
    inputs = {name: drawn(numbers, shape) for name, shape in shapes_of(case["shape"]).items()}
    options = {name: case[name] for name in ["eps", "groups"] if name in case}
    y = function(**inputs, **options)
    d_y = drawn(numbers, y.shape).detach()
    y.backward(d_y)
    case["gradients"] = {
        f"d_{name}": base64.b64encode(struct.pack(f"<{x.numel()}f", *x.grad.flatten().tolist())).decode()
        for name, x in inputs.items()
    }

here = pathlib.Path(__file__).parent
file = here.parent.parent / "test" / "fixtures" / "gradients.json"
lines = ",\n".join(f"  {json.dumps(case)}" for case in cases)
file.write_text(f'{{ "torch": "{torch.__version__}", "cases": [\n{lines}\n] }}\n')
