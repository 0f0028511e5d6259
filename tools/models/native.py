"""Checks the models of the matrix with native onnxruntime and onnx.checker: `native.py FOLDER [NAME...]`.

For each `NAME.onnx`, writes `NAME.native.json`: whether onnx.checker accepts the rewritten model, the errors of the outputs
before and after relative to PyTorch, and the times of both (unless `--no-time` is given).
"""

import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort


def session(path):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def distance(outputs, expected):
    """The largest difference, relative to the largest element if that exceeds 1."""
    off = 0.0
    for name, reference in expected.items():
        reference = reference.astype(np.float64)
        scale = max(1.0, float(np.max(np.abs(reference))))
        difference = np.abs(outputs[name].astype(np.float64) - reference)
        off = max(off, float(np.max(difference)) / scale) if np.all(np.isfinite(difference)) else float("inf")
    return off


def checked(path):
    """`valid`, or the error message of onnx.checker."""
    try:
        onnx.checker.check_model(onnx.load(str(path)), full_check=True)
        return "valid"
    except Exception as error:
        return str(error).strip()[:400]


def ratios(before, after, feeds, seconds=0.3, least=15):
    """Quartiles of time after / time before of interleaved runs, and the median time before in ms."""

    def timed(run):
        # Processor time is less sensitive to other load.
        started = time.process_time()
        run.run(None, feeds)
        return time.process_time() - started

    for run in (before, after) * 3:
        timed(run)
    pairs, end = [], time.perf_counter() + seconds
    while len(pairs) < least or time.perf_counter() < end:
        # Alternate the order: the second run of a pair finds warmer caches.
        if len(pairs) % 2:
            first, second = timed(before), timed(after)
        else:
            second, first = timed(after), timed(before)
        pairs.append((first, second))
    quartiles = statistics.quantiles([second / first for first, second in pairs], n=4)
    return {"before": 1e3 * statistics.median(first for first, _ in pairs), "ratio": quartiles}


def check(folder, name, is_timed):
    arrays = np.load(folder / f"{name}.npz")
    feeds = {key[3:]: arrays[key] for key in arrays if key.startswith("in:")}
    expected = {key[4:]: arrays[key] for key in arrays if key.startswith("out:")}
    paths = {"before": folder / f"{name}.onnx", "after": folder / f"{name}.after.onnx"}
    report = {"counted": json.loads(str(arrays["norms"])), "bytes": paths["before"].stat().st_size}
    report["changed"] = paths["before"].read_bytes() != paths["after"].read_bytes()
    report["checker"] = checked(paths["after"])
    if report["checker"] != "valid":
        report["checkerBefore"] = checked(paths["before"])
    sessions = {}
    for which, path in paths.items():
        try:
            sessions[which] = session(path)
            taken = {info.name for info in sessions[which].get_inputs()}
            given = {key: value for key, value in feeds.items() if key in taken}
            names = [info.name for info in sessions[which].get_outputs()]
            outputs = dict(zip(names, sessions[which].run(None, given)))
            report[which] = {"error": distance(outputs, expected)}
        except Exception as error:
            report[which] = {"refused": str(error)[:400]}
    if is_timed and all("error" in report[which] for which in paths):
        report["time"] = ratios(sessions["before"], sessions["after"], given)
    return report


def main():
    words = [word for word in sys.argv[1:] if word != "--no-time"]
    folder, chosen = Path(words[0]), words[1:]
    for path in sorted(folder.glob("*.after.onnx")):
        name = path.name.removesuffix(".after.onnx")
        if chosen and not any(name.startswith(start) for start in chosen):
            continue
        report = check(folder, name, "--no-time" not in sys.argv)
        (folder / f"{name}.native.json").write_text(json.dumps(report, indent=2))


main()
