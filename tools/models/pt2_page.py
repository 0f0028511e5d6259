"""Runs the Python blocks of docs/pytorch.md in order, with `tirc surgery` between them. Requires `npm run build`."""

import os
import re
import subprocess
import tempfile
import warnings
from pathlib import Path

import torch

root = Path(__file__).parents[2]


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.table = torch.nn.Embedding(11, 8)
        self.norm = torch.nn.LayerNorm(8)
        self.head = torch.nn.Linear(8, 11, bias=False)

    def forward(self, ids):
        return self.head(self.norm(self.table(ids)))


def main():
    warnings.filterwarnings("ignore")
    blocks = re.findall(r"```python\n(.*?)```", (root / "docs/pytorch.md").read_text(), re.S)
    names = {"model": Model(), "ids": torch.randint(0, 11, (2, 5))}
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for block in blocks:
            exec(block, names)
            if Path("model.pt2").exists() and not Path("rms.pt2").exists():
                command = ["node", root / "dist/src/cli/main.js", "surgery", "model.pt2", "-o", "rms.pt2"]
                subprocess.run(command, check=True)
        os.chdir(root)
    off = (names["rms"](names["ids"]) - names["before"]).abs().max() / names["before"].abs().max()
    assert off < 1e-6, off


if __name__ == "__main__":
    main()
