/** The commands on models, and their options. */

import { normOps } from "../surgery/norm-forms.ts";
import type { CommandSpec } from "./arguments.ts";
import { common, file, input, mode, model, modelOrFolder, noPath, plugin, profile, write } from "./options.ts";

export const explainNormsSpec: CommandSpec = {
  name: "explain-norms",
  summary: "list every norm of a program or a model, and what becomes of its centering",
  operand: {
    ...file,
    what: "a .tir file, a model (.onnx, .pt2, a checkpoint's folder), or `-` for a program on stdin",
  },
  options: [plugin, mode, { name: "--json", summary: "print the result as JSON" }, ...common],
};

export const importSpec: CommandSpec = {
  name: "import",
  summary: "write a model as a program",
  operand: modelOrFolder,
  options: [
    { name: "--output", short: "-o", value: "OUT.tir", path: write, summary: "where to write; stdout by default" },
    { name: "--remarks", summary: "say why nodes that look like ops of the language become `extern`" },
    ...common,
  ],
  notes: ["Weights stay in the model: the program has a `const` for each, which is loaded from the model when needed."],
};

export const surgerySpec: CommandSpec = {
  name: "surgery",
  summary: "rewrite the LayerNorms of a model as RMSNorms",
  operand: modelOrFolder,
  options: [
    {
      name: "--output",
      short: "-o",
      value: "OUT",
      path: write,
      summary: "where to write: a file, or a new folder for a checkpoint; by default nothing is written",
    },
    {
      name: "--mode",
      value: "MODE",
      choices: ["exact", "lossy"],
      summary: "where to remove centerings: exact (the default: where the function stays the same), lossy (everywhere)",
    },
    {
      name: "--norm-op",
      value: "OP",
      choices: normOps,
      summary:
        "write norms as RMSNormalization (rmsnorm; raises the model to opset 23), onnxruntime's SkipSimplifiedLayerNormalization (skip), a function (simplified), or primitive ops (primitive); auto (the default) chooses; layernorm keeps LayerNorms, and turns chains of ops into LayerNormalization. In torch.export archives: aten.rms_norm, primitive ops, or aten.layer_norm",
    },
    {
      name: "--fold",
      value: "LIST",
      path: noPath,
      summary:
        "what to fold into the products that read a norm, if neither the norm nor their weights have other readers: a list of beta (the default), gamma and center, separated by commas; for checkpoints beta and gamma, and nothing by default",
    },
    {
      name: "--dequantize",
      summary:
        "write 8-bit weights behind DequantizeLinear as floats where they must be centered, or where beta or gamma is folded into them",
    },
    {
      name: "--keep-tied",
      summary:
        "for checkpoints: do not center an embedding table that is also the weight of the head; the norms that depend on it stay LayerNorms",
    },
    { name: "--report", value: "FILE.json", path: write, summary: "write a report on each norm as JSON" },
    {
      name: "--html",
      value: "FILE.html",
      path: write,
      summary: "write the report as a page: the graph around each norm, and why its centering was removed or stays",
    },
    { name: "--json", summary: "print the report as JSON instead of text" },
    { name: "--verbose", summary: "print the centered weights, and the steps of proofs" },
    {
      name: "--check",
      summary:
        "run both models in onnxruntime on the same inputs, and compare them with float64; if the check fails, write nothing",
    },
    {
      name: "--in",
      value: "NAME=VALUE",
      path: input,
      repeats: true,
      summary:
        "for the check: an input, as for `tirc run`: a .npy file, ones, uniform(LOW, HIGH), ...; may be repeated",
    },
    {
      name: "--dim",
      value: "NAME=EXTENT",
      path: noPath,
      repeats: true,
      summary: "for the check: the extent of a named dimension; may be repeated",
    },
    {
      name: "--seed",
      value: "N",
      path: noPath,
      summary: "for the check: the seed of random inputs; 0 by default",
    },
    { name: "--time", summary: "check, and time both models in onnxruntime in interleaved runs" },
    { name: "--keep", summary: "write the model even if the check fails" },
    { name: "--remarks", summary: "say what passes did, and why nodes stay as they are" },
    ...common,
  ],
  notes: [
    "Everything except the norms and the weights that are centered for them stays the same, byte for byte.",
    "For a check, inputs that are row numbers of a table are random rows of it; other integers are 0 or 1.",
  ],
};

export const extractSpec: CommandSpec = {
  name: "extract",
  summary: "write the norms of a model as kernels",
  operand: model,
  options: [
    {
      name: "--output",
      short: "-o",
      value: "FOLDER",
      path: write,
      summary: "where to write; by default nothing is written",
    },
    {
      name: "--target",
      value: "NAME|FILE.json",
      path: profile,
      summary: "the target to compile for: a built-in one or a profile",
    },
    {
      name: "--cut",
      summary:
        "also write the rest of the model, between the kernels, as models, and the order of execution as plan.json",
    },
    ...common,
  ],
  notes: [
    "Writes for each norm, with the elementwise ops around it, a program (.tir), its kernel (.wgsl), and its manifest (.json).",
  ],
};
