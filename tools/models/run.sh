#!/bin/sh
# The matrix of models: exports them, operates on them, and writes results.json and docs/models.md.
#
# Needs `npm run build`, and Python (PYTHON=...) with torch, torchvision, transformers, onnx and onnxruntime.
# FOLDER keeps the models; what is exported there is not exported again. FAST=1 leaves out the times.
set -eu
cd "$(dirname "$0")"
folder=${FOLDER:-/tmp/tirc-models}
python=${PYTHON:-python3}
time=${FAST:+--no-time}
mkdir -p "$folder"
"$python" export.py "$folder"
node surgery.mjs "$folder"
# shellcheck disable=SC2086 # is one option or none
"$python" native.py $time "$folder"
node web.mjs $time "$folder"
node results.mjs "$folder"
