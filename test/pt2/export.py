"""Writes the archives of test/pt2/models: small models of the usual shapes, exported by PyTorch, with random weights.

    python test/pt2/export.py test/pt2/models

Beside them stands what PyTorch computes of their inputs in float64 (expected.json), and how many norms a model has. Stack
traces are left out, so that the files are small. Gammas, betas and biases have a mean, so that a centering which is
lost shows.
"""

import json
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

D, HEADS, VOCABULARY = 8, 2, 16


class Attention(nn.Module):
    def __init__(self, causal):
        super().__init__()
        self.causal = causal
        self.qkv, self.out = nn.Linear(D, 3 * D), nn.Linear(D, D)

    def forward(self, x):
        batch, length, width = x.shape
        q, k, v = self.qkv(x).view(batch, length, 3, HEADS, width // HEADS).permute(2, 0, 3, 1, 4).unbind(0)
        rows = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        return self.out(rows.transpose(1, 2).reshape(batch, length, width))


class Block(nn.Module):
    def __init__(self, causal):
        super().__init__()
        self.norm, self.attention = nn.LayerNorm(D), Attention(causal)

    def forward(self, x):
        return x + self.attention(self.norm(x))


class Mlp(nn.Module):
    """A stream that begins with a product; only norms read it."""

    def __init__(self):
        super().__init__()
        self.first, self.norm, self.up, self.down = nn.Linear(4, D), nn.LayerNorm(D), nn.Linear(D, D), nn.Linear(D, D)
        self.last = nn.LayerNorm(D, elementwise_affine=False)

    def forward(self, x):
        x = self.first(x)
        x = x + self.down(F.relu(self.up(self.norm(x))))
        return self.last(x)


class Gpt(nn.Module):
    """Its table is the weight of the last product too."""

    def __init__(self):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(VOCABULARY, D), nn.Embedding(8, D)
        self.block, self.norm, self.head = Block(causal=True), nn.LayerNorm(D), nn.Linear(D, VOCABULARY, bias=False)
        self.head.weight = self.tokens.weight

    def forward(self, ids):
        x = self.tokens(ids) + self.positions(torch.arange(ids.shape[1]))
        return self.head(self.norm(self.block(x)))


class Bert(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens, self.positions, self.kinds = nn.Embedding(VOCABULARY, D), nn.Embedding(8, D), nn.Embedding(2, D)
        self.norm, self.after, self.up, self.down = nn.LayerNorm(D, eps=1e-12), nn.LayerNorm(D), nn.Linear(D, D), nn.Linear(D, D)
        self.register_buffer("ids", torch.arange(8)[None])

    def forward(self, ids):
        x = self.tokens(ids) + self.positions(self.ids[:, : ids.shape[1]]) + self.kinds(torch.zeros_like(ids))
        x = self.norm(x)
        return self.after(x + self.down(F.gelu(self.up(x))))


class Vit(nn.Module):
    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, D, 4, 4)
        self.first, self.positions = nn.Parameter(torch.randn(1, 1, D)), nn.Parameter(torch.randn(1, 5, D))
        self.before, self.mix, self.norm, self.head = nn.LayerNorm(D), nn.Linear(D, D), nn.LayerNorm(D), nn.Linear(D, 4)

    def forward(self, image):
        x = self.patches(image).flatten(2).transpose(1, 2)
        x = torch.cat([self.first.expand(x.shape[0], -1, -1), x], 1) + self.positions
        x = x + self.mix(self.before(x))
        return self.head(self.norm(x)[:, 0])


class Conv1D(nn.Module):
    """GPT-2's linear layer, whose weight is [in, out]."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(inputs, outputs) / 3), nn.Parameter(torch.randn(outputs))

    def forward(self, x):
        flat = torch.addmm(self.bias, x.view(-1, x.size(-1)), self.weight)
        return flat.view(*x.size()[:-1], self.weight.size(1))


class Gpt2(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(VOCABULARY, D)
        self.norm, self.up, self.down, self.last = nn.LayerNorm(D), Conv1D(D, 2 * D), Conv1D(2 * D, D), nn.LayerNorm(D)

    def forward(self, ids):
        x = self.table(ids)
        x = x + self.down(F.gelu(self.up(self.norm(x)), approximate="tanh"))
        return self.last(x)


class Shared(nn.Module):
    """Weights that are views of one storage, one of them transposed."""

    def __init__(self):
        super().__init__()
        storage = torch.randn(2 * D * D) / 3
        self.a = nn.Parameter(storage[: D * D].view(D, D))
        self.b = nn.Parameter(storage[D * D :].view(D, D).t())
        self.norm, self.last = nn.LayerNorm(D), nn.LayerNorm(D)

    def forward(self, x):
        x = F.linear(x, self.a)
        return self.last(x + F.linear(self.norm(x), self.b))


class Llama(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.norm, self.last = nn.Embedding(VOCABULARY, D), nn.RMSNorm(D, eps=1e-6), nn.RMSNorm(D)
        self.gate, self.up = nn.Linear(D, D, bias=False), nn.Linear(D, D, bias=False)

    def forward(self, ids):
        x = self.table(ids)
        n = self.norm(x)
        return self.last(x + F.silu(self.gate(n)) * self.up(n))


class Branches(nn.Module):
    """Norms in both branches, and one behind them."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(4, D), nn.LayerNorm(D)
        self.here, self.there = nn.LayerNorm(D), nn.RMSNorm(D, eps=1e-6)

    def forward(self, x):
        return self.last(torch.cond(x.sum() > 0, self.here, lambda h: 2 * self.there(h), (self.first(x),)))


def with_means(model):
    """Rows, gammas and betas that have a mean."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.add_(torch.rand_like(parameter) * 0.5 + (0.1 if parameter.dim() > 1 else 0.2))
    return model.eval()


def exported(model, args, dynamic=None):
    program = torch.export.export(model, args, dynamic_shapes=dynamic)
    for module in program.graph_module.modules():
        for node in getattr(module, "graph", torch.fx.Graph()).nodes:
            for key in ("stack_trace", "nn_module_stack", "source_fn_stack", "torch_fn"):
                node.meta.pop(key, None)
    return program


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Linear(4, D), nn.LayerNorm(D)

    def forward(self, x):
        return self.norm(self.first(x))


def programs():
    ids = torch.randint(0, VOCABULARY, (2, 5))
    batch, length = torch.export.Dim("batch"), torch.export.Dim("length", max=8)
    both, one = ({0: batch, 1: length},), ({0: batch},)
    x = torch.randn(3, 4)
    yield "mlp", with_means(Mlp()), (x,), one
    yield "half", with_means(Small()).half(), (x.half(),), one
    yield "bfloat", with_means(Small()).bfloat16(), (x.bfloat16(),), one
    yield "gpt", with_means(Gpt()), (ids,), both
    yield "decomposed", with_means(Gpt2()), (ids,), both
    yield "bert", with_means(Bert()), (ids,), both
    yield "vit", with_means(Vit()), (torch.randn(2, 3, 8, 8),), one
    yield "shared", with_means(Shared()), (torch.randn(3, D),), one
    yield "llama", with_means(Llama()), (ids,), both
    yield "branches", with_means(Branches()), (x,), None


def described(tensor):
    kind = "integer" if tensor.dtype == torch.int64 else "float"
    return {"kind": kind, "shape": list(tensor.shape), "numbers": [float(f"{number:.9g}") for number in tensor.flatten().tolist()]}


def expected(model, args):
    """What it computes in float64, and its norms by their classes."""
    inputs = [described(arg) for arg in args]
    wide = [arg.double() if arg.is_floating_point() else arg for arg in args]
    kinds = [type(module).__name__ for module in model.modules()]
    norms = {kind: kinds.count(kind) for kind in ("LayerNorm", "RMSNorm") if kind in kinds}
    with torch.no_grad():
        output = model.double()(*wide)
    return {"norms": norms, "inputs": inputs, "output": described(output)}


def main(folder):
    Path(folder).mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    outcomes = {}
    for name, model, args, dynamic in programs():
        program = exported(model, args, dynamic)
        torch.export.save(program.run_decompositions() if name == "decomposed" else program, f"{folder}/{name}.pt2")
        outcomes[name] = expected(model, args)
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(outcome)}" for name, outcome in outcomes.items())
    Path(folder, "expected.json").write_text("{" + lines + "}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
