"""Exports the models of the matrix: `export.py FOLDER [NAME...]`, where NAME is a prefix of model names.

For each model `NAME.onnx`, writes `NAME.npz` with its inputs, PyTorch's outputs, and the number of norms of each kind that
PyTorch runs; and `NAME.inputs.json` with the inputs for JavaScript. Existing models are not exported again.
"""

import base64
import contextlib
import io
import json
import logging
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import nn

from architectures import architectures, Outputs

# Each architecture is exported with each option at least once: both exporters, static and dynamic axes, f32 and f16, an
# opset in which a LayerNorm is a chain (below 17), and opsets with operators for LayerNorm (17) and RMSNorm (23). Other
# opsets alternate between architectures, so that the matrix includes all from 11 to 23.
old, new = [13, 12, 14, 11, 15, 16], [23, 20, 21, 22, 19]


# Variants for models that onnxruntime would otherwise reject (f32 masks in f16 models, a RotaryEmbedding of one row).
halves = {name: ("dynamo", 18) for name in ("opt", "roberta", "distilbert", "clip")} | {"gemma": ("torchscript", 17)}
sets = {"olmo": 20}


def variants(name, position):
    half = halves.get(name, ("torchscript", 17) if position % 2 else ("dynamo", 23))
    return [
        ("torchscript", old[position % len(old)], "static", "f32"),
        ("torchscript", 17, "dynamic", "f32"),
        ("dynamo", 18, "static", "f32"),
        ("dynamo", sets.get(name, new[position % len(new)]), "dynamic", "f32"),
        (*half, "static", "f16"),
    ]


def randomize(module):
    """Sets generic parameters: gammas around 1; betas, biases and rows of weights with a nonzero mean."""
    generator = torch.Generator().manual_seed(7)
    for name, parameter in module.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if parameter.dim() >= 2:
            fan_in = parameter[0].numel()
            value = noise / fan_in**0.5 + 0.2 / fan_in
        else:
            value = 0.3 * noise + (1 if name.endswith("weight") else 0.2)
        parameter.data.copy_(value)
    for name, buffer in module.named_buffers():
        if name.endswith("running_mean"):
            buffer.data.copy_(0.3 * torch.randn(buffer.shape, generator=generator))
        if name.endswith("running_var"):
            buffer.data.copy_(0.5 + torch.rand(buffer.shape, generator=generator))


@contextlib.contextmanager
def counting(module):
    """Counts executed norms: calls of layer_norm and rms_norm, and RMSNorms of other libraries."""
    counts = {"layernorm": 0, "rmsnorm": 0}
    functional = nn.functional
    originals = functional.layer_norm, functional.rms_norm

    def counted(kind, function):
        def call(*args, **kwargs):
            counts[kind] += 1
            return function(*args, **kwargs)

        return call

    def is_own_rms_norm(candidate):
        name = type(candidate).__name__
        return name.endswith("RMSNorm") and not isinstance(candidate, nn.RMSNorm) or name == "T5LayerNorm"

    functional.layer_norm = counted("layernorm", originals[0])
    functional.rms_norm = counted("rmsnorm", originals[1])
    add = lambda *_: counts.__setitem__("rmsnorm", counts["rmsnorm"] + 1)
    hooks = [found.register_forward_hook(add) for found in module.modules() if is_own_rms_norm(found)]
    try:
        yield counts
    finally:
        functional.layer_norm, functional.rms_norm = originals
        for hook in hooks:
            hook.remove()


def export(case, path, exporter, opset, is_dynamic, is_half):
    module = case.module.eval()
    randomize(module)
    half = lambda tensor: tensor.half() if is_half and tensor.is_floating_point() else tensor
    if is_half:
        module = module.half()
    inputs = {name: half(tensor) for name, tensor in case.inputs.items()}
    args = tuple(inputs.values())
    with torch.no_grad(), counting(module) as counts:
        outputs = module(*args)
    outputs = (outputs,) if isinstance(outputs, torch.Tensor) else tuple(outputs)
    names = module.outputs if isinstance(module, Outputs) else ["y"]
    common = dict(input_names=list(inputs), output_names=list(names), opset_version=opset)
    if exporter == "torchscript":
        axes = dict(dynamic_axes=case.dynamic) if is_dynamic else {}
        torch.onnx.export(module, args, str(path), dynamo=False, **common, **axes)
    else:
        axes = dict(dynamic_shapes=dynamic_shapes(case, module)) if is_dynamic else {}
        torch.onnx.export(module, args, str(path), dynamo=True, external_data=False, optimize=True, **common, **axes)
    arrays = {f"in:{name}": tensor.numpy() for name, tensor in inputs.items()}
    arrays |= {f"out:{name}": tensor.detach().numpy() for name, tensor in zip(names, outputs)}
    fed = {name: json_of(tensor.numpy()) for name, tensor in inputs.items()}
    path.with_suffix(".inputs.json").write_text(json.dumps(fed))
    np.savez(path.with_suffix(".npz"), norms=json.dumps(counts), **arrays)


def json_of(array):
    data = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
    return {"type": str(array.dtype), "dims": list(array.shape), "data": data}


def dynamic_shapes(case, module):
    named = {}
    axes = [
        {axis: named.setdefault(name, torch.export.Dim(name, min=2, max=16)) for axis, name in case.dynamic[key].items()}
        if key in case.dynamic
        else {}
        for key in case.inputs
    ]
    # The wrapper takes its tensors as varargs, which count as one tuple.
    return (tuple(axes),) if isinstance(module, Outputs) else tuple(axes)


def exported(folder, make, name, exporter, opset, axes, element):
    """Exports a variant, in a later opset if the exporter does not support this one; returns its name and size."""
    for tried in range(opset, 17 if opset < 17 else opset + 1):
        path = folder / f"{name}.{exporter}{tried}.{axes}.{element}.onnx"
        torch.manual_seed(3)
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                export(make(), path, exporter, tried, axes == "dynamic", element == "f16")
            return f"{path.stem}: {path.stat().st_size} bytes"
        except torch.onnx.errors.UnsupportedOperatorError as error:
            refusal = error
        finally:
            if not path.with_suffix(".npz").exists():
                path.unlink(missing_ok=True)
    raise refusal


def main():
    folder, chosen = Path(sys.argv[1]), sys.argv[2:]
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    torch.backends.mha.set_fastpath_enabled(False)
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    for position, (name, make) in enumerate(architectures.items()):
        for exporter, opset, axes, element in variants(name, position):
            asked = f"{name}.{exporter}{opset}.{axes}.{element}"
            # The result of the last attempt: the name of the model, or why it was not exported.
            note = folder / f"{asked}.export.txt"
            if chosen and not any(asked.startswith(start) for start in chosen):
                continue
            if note.exists() and (not chosen or not note.read_text().startswith("not exported")):
                continue
            started = time.time()
            try:
                said = exported(folder, make, name, exporter, opset, axes, element)
            except Exception as error:
                said = f"not exported: {type(error).__name__}: {error}".strip()
            note.write_text(said)
            print(f"{asked}: {said[:60]} ... {said[-300:]}, {time.time() - started:.1f} s", flush=True)


if __name__ == "__main__":
    main()
