"""Times of PyTorch's kernels on a CUDA device, in milliseconds, as JSON: bench/beside-pytorch.mjs runs it.

Each op is captured 20 times in a CUDA graph, which is replayed: the median of 15 replays between two events.
"""

import json
import statistics
import sys

import torch

F = torch.nn.functional


def timed(call, calls=20, rounds=15):
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            call()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(calls):
            call()
    times = []
    for _ in range(rounds):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        graph.replay()
        end.record()
        torch.cuda.synchronize()
        times.append(start.elapsed_time(end) / calls)
    return statistics.median(times)


def measured(rows, n):
    x, dy = (torch.randn(rows, n, device="cuda") for _ in range(2))
    y = torch.empty_like(x)
    gamma, beta = (torch.randn(n, device="cuda") for _ in range(2))
    mean, scale = torch.native_layer_norm(x, [n], gamma, beta, 1e-5)[1:]
    rms = torch.ops.aten._fused_rms_norm(x, [n], gamma, 1e-5)[1]
    layernorm_back = torch.ops.aten.native_layer_norm_backward
    rmsnorm_back = torch.ops.aten._fused_rms_norm_backward
    ops = {
        "copy": lambda: y.copy_(x),
        "layernorm": lambda: F.layer_norm(x, (n,), gamma, beta),
        "rmsnorm": lambda: F.rms_norm(x, (n,), gamma),
        "softmax": lambda: F.softmax(x, -1),
        "column-sums": lambda: x.sum(0),
        "layernorm-dx": lambda: layernorm_back(dy, x, [n], mean, scale, gamma, beta, [True, False, False]),
        "rmsnorm-dx": lambda: rmsnorm_back(dy, x, [n], rms, gamma, [True, False]),
        "rmsnorm-dx-dgamma": lambda: rmsnorm_back(dy, x, [n], rms, gamma, [True, True]),
    }
    return {"shape": f"{rows} x {n}", **{name: timed(op) for name, op in ops.items()}}


shapes = [[int(extent) for extent in shape.split("x")] for shape in sys.argv[1:]]
results = [measured(*shape) for shape in shapes]
print(json.dumps({"device": torch.cuda.get_device_name(0), "torch": torch.__version__, "results": results}))
