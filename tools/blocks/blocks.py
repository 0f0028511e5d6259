"""Writes test/fixtures/blocks.json: onnxruntime's results for the four blocks of examples/plans, with the same weights.

The ONNX models follow the definitions of the architectures, independently of tirc's programs; extents are small. Inputs are
not stored: both sides draw them from the same generator (src/ir/random.ts), in the order of the program's parameters.
Requires onnx and onnxruntime: python tools/blocks/blocks.py
"""

import base64
import json
import pathlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

MASK = 0xFFFFFFFF
TOKENS, WIDTH, HEADS, HEAD = 5, 24, 3, 8
IMAGES, BATCH = 2, 2


def mulberry32(seed):
    state = seed & MASK
    while True:
        state = (state + 0x6D2B79F5) & MASK
        t = ((state ^ (state >> 15)) * (1 | state)) & MASK
        t = ((t + (((t ^ (t >> 7)) * (61 | t)) & MASK)) & MASK) ^ t
        yield ((t ^ (t >> 14)) & MASK) / 2**32


class Graph:
    """Builds a graph; each method appends nodes and returns the name of its result."""

    def __init__(self):
        self.nodes, self.constants, self.inputs = [], [], {}

    def op(self, kind, *operands, count=1, **attributes):
        names = [f"{kind}_{len(self.nodes)}_{i}" for i in range(count)]
        self.nodes.append(helper.make_node(kind, list(operands), names, **attributes))
        return names[0] if count == 1 else names

    def constant(self, values, dtype=np.float32):
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def ints(self, *values):
        return self.constant(values, np.int64)

    def input(self, name, shape, element=TensorProto.FLOAT):
        self.inputs[name] = (element, shape)
        return name

    def linear(self, x, weight, bias=None):
        y = self.op("MatMul", x, self.op("Transpose", weight, perm=[1, 0]))
        return y if bias is None else self.op("Add", y, bias)

    def rmsnorm(self, x, gamma, eps=1e-5):
        mean = self.op("ReduceMean", self.op("Mul", x, x), self.ints(-1), keepdims=1)
        root = self.op("Sqrt", self.op("Add", mean, self.constant(eps)))
        return self.op("Mul", self.op("Div", x, root), gamma)

    def layernorm(self, x, gamma, beta, eps):
        return self.op("LayerNormalization", x, gamma, beta, axis=-1, epsilon=eps)

    def heads(self, x, *leading):
        """[..., tokens, width] to [..., heads, tokens, head]."""
        rank = len(leading)
        apart = self.op("Reshape", x, self.ints(*leading, -1, HEADS, HEAD))
        return self.op("Transpose", apart, perm=[*range(rank), rank + 1, rank, rank + 2])

    def attention(self, q, k, v, *leading, allowed=None, refused=float("-inf")):
        rank = len(leading)
        turned = self.op("Transpose", k, perm=[*range(rank + 1), rank + 2, rank + 1])
        scores = self.op("Div", self.op("MatMul", q, turned), self.constant(8.0))
        if allowed is not None:
            scores = self.op("Where", allowed, scores, self.constant(refused))
        together = self.op("MatMul", self.op("Softmax", scores, axis=-1), v)
        back = self.op("Transpose", together, perm=[*range(rank), rank + 1, rank, rank + 2])
        return self.op("Reshape", back, self.ints(*leading, -1, WIDTH))

    def causal(self):
        return self.constant(np.tril(np.ones((TOKENS, TOKENS), bool)), bool)

    def run(self, y, values):
        value = lambda name, element, shape: helper.make_tensor_value_info(name, element, shape)
        graph = helper.make_graph(
            self.nodes,
            "block",
            [value(name, *type) for name, type in self.inputs.items()],
            [value(y, *self.inputs["x"])],
            self.constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
        onnx.checker.check_model(model)
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        return session.run([y], values)[0]


def llama(g):
    x = g.input("x", [TOKENS, WIDTH])
    shapes = {"g1": [WIDTH], "wq": [WIDTH, WIDTH], "wk": [WIDTH, WIDTH], "wv": [WIDTH, WIDTH], "wo": [WIDTH, WIDTH]}
    shapes |= {"g2": [WIDTH], "w_gate": [64, WIDTH], "w_up": [64, WIDTH], "w_down": [WIDTH, 64]}
    w = {name: g.input(name, shape) for name, shape in shapes.items()}
    n1 = g.rmsnorm(x, w["g1"])
    q, k, v = (g.heads(g.linear(n1, w[name])) for name in ("wq", "wk", "wv"))
    # Rotary positions; base 10000^(8 / 2 / 32): the example's constant with heads of 64.
    angle = np.outer(np.arange(TOKENS), np.exp(np.arange(HEAD // 2) * -0.28782313662425574))
    cos, sin = (g.constant(np.concatenate([f(angle)] * 2, axis=1)) for f in (np.cos, np.sin))

    def rotated(t):
        first, second = g.op("Split", t, count=2, axis=-1, num_outputs=2)
        half = g.op("Concat", g.op("Neg", second), first, axis=-1)
        return g.op("Add", g.op("Mul", t, cos), g.op("Mul", half, sin))

    heads = g.attention(rotated(q), rotated(k), v, allowed=g.causal())
    h = g.op("Add", x, g.linear(heads, w["wo"]))
    n2 = g.rmsnorm(h, w["g2"])
    gate = g.linear(n2, w["w_gate"])
    silu = g.op("Mul", gate, g.op("Sigmoid", gate))
    return g.op("Add", h, g.linear(g.op("Mul", silu, g.linear(n2, w["w_up"])), w["w_down"]))


def gpt2(g):
    x = g.input("x", [TOKENS, WIDTH])
    shapes = {"g1": [WIDTH], "b1": [WIDTH], "w_qkv": [WIDTH, 3 * WIDTH], "b_qkv": [3 * WIDTH]}
    shapes |= {"w_out": [WIDTH, WIDTH], "b_out": [WIDTH], "g2": [WIDTH], "b2": [WIDTH]}
    shapes |= {"w_fc": [WIDTH, 4 * WIDTH], "b_fc": [4 * WIDTH], "w_proj": [4 * WIDTH, WIDTH], "b_proj": [WIDTH]}
    w = {name: g.input(name, shape) for name, shape in shapes.items()}
    product = lambda x, weight, bias: g.op("Add", g.op("MatMul", x, w[weight]), w[bias])
    qkv = product(g.layernorm(x, w["g1"], w["b1"], 1e-5), "w_qkv", "b_qkv")
    q, k, v = (g.heads(part) for part in g.op("Split", qkv, count=3, axis=-1, num_outputs=3))
    heads = g.attention(q, k, v, allowed=g.causal())
    h = g.op("Add", x, product(heads, "w_out", "b_out"))
    n2 = g.layernorm(h, w["g2"], w["b2"], 1e-5)
    return g.op("Add", h, product(g.op("Gelu", product(n2, "w_fc", "b_fc"), approximate="tanh"), "w_proj", "b_proj"))


def encoder(g, x, leading, allowed=None, refused=0.0, first=(), last=()):
    """The common parts of ViT's and BERT's blocks; parameters are in the order of the respective program."""
    shapes = {name: [WIDTH] for name in first}
    for weight, bias in (("wq", "bq"), ("wk", "bk"), ("wv", "bv"), ("wo", "bo")):
        shapes |= {weight: [WIDTH, WIDTH], bias: [WIDTH]}
    shapes |= {name: [WIDTH] for name in last}
    tail = {"w1": [4 * WIDTH, WIDTH], "c1": [4 * WIDTH], "w2": [WIDTH, 4 * WIDTH], "c2": [WIDTH]}
    norm2 = {"g2": [WIDTH], "b2": [WIDTH]}
    shapes |= (norm2 | tail) if first else (tail | norm2)
    w = {name: g.input(name, shape) for name, shape in shapes.items()}

    def attend(n):
        q, k, v = (g.heads(g.linear(n, w[f"w{name}"], w[f"b{name}"]), *leading) for name in "qkv")
        heads = g.attention(q, k, v, *leading, allowed=allowed, refused=refused)
        return g.linear(heads, w["wo"], w["bo"])

    mlp = lambda n: g.linear(g.op("Gelu", g.linear(n, w["w1"], w["c1"])), w["w2"], w["c2"])
    norm = lambda t, i: g.layernorm(t, w[f"g{i}"], w[f"b{i}"], 1e-12)
    return attend, mlp, norm


def vit(g):
    x = g.input("x", [IMAGES, 5, WIDTH])
    attend, mlp, norm = encoder(g, x, [IMAGES], first=("g1", "b1"))
    h = g.op("Add", x, attend(norm(x, 1)))
    return g.op("Add", h, mlp(norm(h, 2)))


def bert(g):
    x = g.input("x", [BATCH, TOKENS, WIDTH])
    mask = g.input("mask", [BATCH, 1, 1, TOKENS], TensorProto.BOOL)
    attend, mlp, norm = encoder(g, x, [BATCH], allowed=mask, refused=-1e9, last=("g1", "b1"))
    a = norm(g.op("Add", x, attend(x)), 1)
    return norm(g.op("Add", a, mlp(a)), 2)


def main():
    blocks = {}
    for seed, block in enumerate((llama, gpt2, vit, bert), 1):
        graph = Graph()
        y = block(graph)
        numbers = mulberry32(seed)
        values = {}
        for name, (element, shape) in graph.inputs.items():
            drawn = np.array([next(numbers) for _ in range(int(np.prod(shape)))]).reshape(shape)
            is_mask = element == TensorProto.BOOL
            values[name] = drawn < 0.75 if is_mask else (2 * drawn - 1).astype(np.float32)
        got = graph.run(y, values)
        blocks[block.__name__] = {
            "seed": seed,
            "shape": list(got.shape),
            "y": base64.b64encode(got.astype("<f4").tobytes()).decode(),
        }
    path = pathlib.Path(__file__).parents[2] / "test/fixtures/blocks.json"
    result = {"onnxruntime": onnxruntime.__version__, "onnx": onnx.__version__, "blocks": blocks}
    path.write_text(json.dumps(result, indent=1) + "\n")


main()
