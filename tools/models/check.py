"""`check.py BEFORE.onnx AFTER.onnx`: runs ONNX's checker on the second model, and compares both in onnxruntime."""

import sys

import numpy
import onnx
import onnxruntime

TYPES = {
    "tensor(float)": numpy.float32,
    "tensor(float16)": numpy.float16,
    "tensor(double)": numpy.float64,
    "tensor(int64)": numpy.int64,
    "tensor(int32)": numpy.int32,
    "tensor(bool)": numpy.bool_,
}


def feeds_of(session, extent=4):
    """Random values for each input; dynamic extents are `extent`."""
    random = numpy.random.default_rng(1)
    feeds = {}
    for one in session.get_inputs():
        shape = [dim if isinstance(dim, int) and dim > 0 else extent for dim in one.shape]
        kind = TYPES[one.type]
        is_float = issubclass(kind, numpy.floating)
        feeds[one.name] = random.standard_normal(shape).astype(kind) if is_float else numpy.ones(shape, kind)
    return feeds


def main(before, after):
    model = onnx.load(after)
    onnx.checker.check_model(after, full_check=True)
    made = {name for node in model.graph.node for name in node.output}
    taken = {name for node in model.graph.node for name in node.input}
    stale = [info.name for info in model.graph.value_info if info.name not in made]
    dead = [tensor.name for tensor in model.graph.initializer if tensor.name not in taken]
    print(f"valid; value_info without a tensor: {stale}; unused initializers: {dead}")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    sessions = [onnxruntime.InferenceSession(path, options) for path in (before, after)]
    feeds = feeds_of(sessions[0])
    worst = 0.0
    for output, was, now in zip(sessions[0].get_outputs(), *(one.run(None, feeds) for one in sessions)):
        largest = max(numpy.abs(was.astype(numpy.float64)).max(initial=0), 1e-30)
        off = numpy.abs(was.astype(numpy.float64) - now.astype(numpy.float64)).max(initial=0) / largest
        worst = max(worst, off if numpy.isfinite(off) else numpy.inf)
        print(f"{output.name}: off by {off:.1e}, relative to the largest element")
    return 0 if worst <= 1e-4 else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
