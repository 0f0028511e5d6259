"""Tests surgery on archives of torch.export: `pt2.py FOLDER [NAME...]`, where NAME is a prefix of architecture names.

Exports the architectures of the matrix with static and with dynamic axes, rewrites their norms by `tirc surgery`, loads
both archives in PyTorch, and compares them with each other and with the module in float64. Writes the results to
test/pt2/results.json, by model, and to docs/pytorch.md, by architecture. Requires `npm run build`.

Each archive is rewritten four times: by default, and with `--fold` for gamma, for centerings, and for everything.

Fails if a norm that PyTorch runs is not found, if fewer centerings are folded than possible (expected.json), if an output is
off by more than 1e-5 of its largest element, if PyTorch does not load the result, or if a second surgery changes it.
"""

import copy
import json
import logging
import subprocess
import sys
import warnings
from pathlib import Path

import torch

from architectures import architectures
from export import counting, dynamic_shapes, randomize

root = Path(__file__).parents[2]
results = root / "test/pt2/results.json"
page = root / "docs/pytorch.md"
begin, finish = "<!-- archives -->", "<!-- /archives -->"
most = 1e-5
# Values of `--fold` besides the default, beta.
folds = ("gamma", "center", "gamma,beta,center")


session = ["node", root / "scripts/tirc-session.mjs"]
# A single process runs all commands, which are hundreds.
commands = subprocess.Popen(session, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def tirc(*args):
    print(json.dumps([str(arg) for arg in args]), file=commands.stdin, flush=True)
    done = json.loads(commands.stdout.readline())
    if done["code"] != 0:
        raise RuntimeError(f"tirc {args[0]}: {done['stderr'].strip()[-400:]}")
    return done["stdout"]


def tensors_of(value):
    return [value] if isinstance(value, torch.Tensor) else [one for one in value if isinstance(one, torch.Tensor)]


def distance(a, b):
    """The largest difference of outputs, relative to the largest element of each output if that exceeds 1."""
    pairs = [(x.double(), y.double()) for x, y in zip(a, b, strict=True)]
    return max(float((x - y).abs().max() / x.abs().max().clamp_min(1)) for x, y in pairs)


def count(program, op):
    return sum(f"aten.{op}." in str(node.target) for node in program.graph.nodes)


def checked(name, make, is_dynamic, folder):
    torch.manual_seed(3)
    case = make()
    module = case.module.eval()
    randomize(module)
    args = tuple(case.inputs.values())
    with torch.no_grad(), counting(module) as norms:
        plain = tensors_of(module(*args))
    shapes = dynamic_shapes(case, module) if is_dynamic else None
    program = torch.export.export(module, args, dynamic_shapes=shapes, strict=False)
    before = folder / f"{name}.pt2"
    torch.export.save(program, before)
    report, written, now, is_fixpoint = operated(before, args)
    with torch.no_grad():
        wide = copy.deepcopy(module).double()
        try:
            exact = tensors_of(wide(*(arg.double() if arg.is_floating_point() else arg for arg in args)))
        except Exception:
            exact = None
    found = [norm["norm"] for norm in report["norms"]]
    outcomes = [norm["centering"] for norm in report["norms"] if norm["norm"] == "layernorm"]
    return {
        "norms": norms,
        "found": {kind: found.count(kind) for kind in norms},
        "folded": sum(outcome in ("folded", "proved") for outcome in outcomes),
        "kept": sum(outcome in ("kept", "moved") for outcome in outcomes),
        "left": sum(outcome in ("left", "unknown") for outcome in outcomes),
        "written": {op: [count(program, op), count(written, op)] for op in ("layer_norm", "rms_norm")},
        "nodes": [report["nodes"]["before"], report["nodes"]["after"]],
        "off": distance(plain, now),
        "fromFloat64": None if exact is None else [distance(exact, plain), distance(exact, now)],
        "isFixpoint": is_fixpoint,
        "fold": {fold: folded(before, args, plain, fold) for fold in folds},
    }


def operated(before, args, *options):
    """The report, the rewritten program, its outputs, and whether a second surgery leaves it unchanged."""
    after, again = (before.with_suffix(f".{kind}.pt2") for kind in ("after", "again"))
    report = json.loads(tirc("surgery", before, "-o", after, "--json", *options))
    tirc("surgery", after, "-o", again, "--json", *options)
    written = torch.export.load(after)
    with torch.no_grad():
        now = tensors_of(written.module()(*args))
    return report, written, now, after.read_bytes() == again.read_bytes()


def folded(before, args, plain, fold):
    """The results of a surgery with `--fold`."""
    report, _, now, is_fixpoint = operated(before, args, "--fold", fold)
    norms = report["norms"]
    return {
        "gammas": sum(norm.get("isGammaFolded", False) for norm in norms),
        "betas": sum(norm["beta"] == "folded" for norm in norms),
        "nodes": report["nodes"]["after"],
        "off": distance(plain, now),
        "isFixpoint": is_fixpoint,
    }


def faults(result, expected):
    """Describes unmet expectations."""
    if "failed" in result:
        return [result["failed"]]
    said = []
    if result["found"] != result["norms"]:
        said.append(f"found {result['found']} of {result['norms']}")
    if result["folded"] < expected.get("folded", 0):
        said.append(f"{result['folded']} centerings are folded, and {expected['folded']} can be")
    for fold, one in [(None, result), *result["fold"].items()]:
        by = "" if fold is None else f" with --fold {fold}"
        if one["off"] > most:
            said.append(f"off by {one['off']:.1e}{by}")
        if not one["isFixpoint"]:
            said.append(f"a second surgery changes it{by}")
    return said


def table(known):
    """A table with a row for each architecture, for both exports."""
    lines = ["| architecture | norms | found | folded / kept / RMS | written as `rms_norm` | off from PyTorch |", "| --- | --- | --- | --- | --- | --- |"]
    for architecture in architectures:
        both = [known[name] for name in (f"{architecture}.static", f"{architecture}.dynamic") if name in known]
        own = [one for one in both if "failed" not in one]
        if not own:
            continue
        first = own[0]
        assert all(one["norms"] == first["norms"] for one in own), architecture
        is_found = all(one["found"] == one["norms"] for one in own)
        made = sorted({one["written"]["rms_norm"][1] - one["written"]["rms_norm"][0] for one in own})
        off = max(one["off"] for one in own)
        counts = sorted({f"{one['folded']} / {one['kept']} / {one['norms']['rmsnorm']}" for one in own})
        cells = [architecture, sum(first["norms"].values()), "all" if is_found else "not all", " or ".join(counts)]
        lines.append(f"| {' | '.join(map(str, cells))} | {' or '.join(map(str, made))} | {off:.1e} |")
    return "\n".join(lines)


def write_page(known):
    text = page.read_text()
    start, end = text.index(begin) + len(begin), text.index(finish)
    page.write_text(f"{text[:start]}\n{table(known)}\n{text[end:]}")


def main(folder, *chosen):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    torch.backends.mha.set_fastpath_enabled(False)
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    expected = json.loads((Path(__file__).parent / "expected.json").read_text())
    known = json.loads(results.read_text()) if results.exists() else {}
    is_wrong = False
    for architecture, make in architectures.items():
        if chosen and not any(architecture.startswith(start) for start in chosen):
            continue
        for is_dynamic in (False, True):
            name = f"{architecture}.{'dynamic' if is_dynamic else 'static'}"
            try:
                known[name] = checked(name, make, is_dynamic, folder)
            except Exception as error:
                known[name] = {"failed": f"{type(error).__name__}: {error}"[:400]}
            wrong = faults(known[name], expected.get(architecture, {}))
            is_wrong |= bool(wrong)
            print(f"{name}: {'; '.join(wrong) or 'ok'}", flush=True)
            lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in sorted(known.items()))
            results.write_text("{" + lines + "}\n")
    write_page(known)
    sys.exit(1 if is_wrong else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
