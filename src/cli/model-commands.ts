/** The commands on models, and their options. */

import { normOps } from "../surgery/norm-forms.ts";
import { type CommandSpec, flag, needing, option } from "./arguments.ts";
import {
  file,
  input,
  json,
  mode,
  model,
  modelOrFolder,
  noPath,
  plugin,
  profile,
  programOut,
  write,
} from "./options.ts";

export const modelCommands: readonly CommandSpec[] = [
  {
    name: "explain-norms",
    load: async () => (await import("./explain-norms-command.ts")).explainNormsCommand,
    summary: "list every norm of a program or a model, and what becomes of its centering",
    operand: {
      ...file,
      what: "a .tir file, a model (.onnx, .pt2, a checkpoint's folder), or `-` for a program on stdin",
    },
    options: [plugin, mode, json],
  },
  {
    name: "import",
    load: async () => (await import("./import-command.ts")).importCommand,
    summary: "write a model as a program",
    operand: modelOrFolder,
    options: [programOut, flag("--remarks", "say why nodes that look like ops of the language become `extern`")],
    notes: [
      "Weights stay in the model: the program has a `const` for each, which is loaded from the model when needed.",
    ],
  },
  {
    name: "surgery",
    load: async () => (await import("./surgery-command.ts")).surgeryCommand,
    summary: "rewrite the LayerNorms of a model as RMSNorms",
    operand: modelOrFolder,
    options: [
      option(
        "-o, --output OUT",
        write,
        "where to write: a file, or a new folder for a checkpoint; by default nothing is written",
      ),
      option(
        "--mode MODE",
        ["exact", "lossy"],
        "where to remove centerings: exact (the default: where the function stays the same), lossy (everywhere)",
      ),
      option(
        "--norm-op OP",
        normOps,
        "write norms as RMSNormalization (rmsnorm; raises the model to opset 23), onnxruntime's SkipSimplifiedLayerNormalization (skip), a function (simplified), or primitive ops (primitive); auto (the default) chooses; layernorm keeps LayerNorms, and turns chains of ops into LayerNormalization. In torch.export archives: aten.rms_norm, primitive ops, or aten.layer_norm",
      ),
      option(
        "--fold LIST",
        noPath,
        "what to fold into the products that read a norm, if neither the norm nor their weights have other readers: a list of beta (the default), gamma and center, separated by commas; for checkpoints beta and gamma, and nothing by default",
      ),
      flag(
        "--dequantize",
        "write 8-bit weights behind DequantizeLinear as floats where they must be centered, or where beta or gamma is folded into them",
      ),
      flag(
        "--keep-tied",
        "for checkpoints: do not center an embedding table that is also the weight of the head; the norms that depend on it stay LayerNorms",
      ),
      option("--report FILE.json", write, "write a report on each norm as JSON"),
      option(
        "--html FILE.html",
        write,
        "write the report as a page: the graph around each norm, and why its centering was removed or stays",
      ),
      flag("--json", "print the report as JSON instead of text"),
      flag("--verbose", "print the centered weights, and the steps of proofs"),
      flag(
        "--check",
        "run both models in onnxruntime on the same inputs, and compare them with float64; if the check fails, write nothing",
      ),
      ...[
        option(
          "--in NAME=VALUE...",
          input,
          "for the check: an input, as for `tirc run`: a .npy file, ones, uniform(LOW, HIGH), ...",
        ),
        option("--dim NAME=EXTENT...", noPath, "for the check: the extent of a named dimension"),
        option("--seed N", noPath, "for the check: the seed of random inputs; 0 by default"),
        flag("--keep", "write the model even if the check fails"),
      ].map((one) => needing(["--check", "--time"], one)),
      flag("--time", "check, and time both models in onnxruntime in interleaved runs"),
      flag("--remarks", "say what passes did, and why nodes stay as they are"),
    ],
    notes: [
      "Everything except the norms and the weights that are centered for them stays the same, byte for byte.",
      "For a check, inputs that are row numbers of a table are random rows of it; other integers are 0 or 1.",
    ],
  },
  {
    name: "extract",
    load: async () => (await import("./extract-command.ts")).extractCommand,
    summary: "write the norms of a model as kernels",
    operand: model,
    options: [
      option("-o, --output FOLDER", write, "where to write; by default nothing is written"),
      option("--target NAME|FILE.json", profile, "the target to compile for: a built-in one or a profile"),
      flag(
        "--cut",
        "also write the rest of the model, between the kernels, as models, and the order of execution as plan.json",
      ),
    ],
    notes: [
      "Writes for each norm, with the elementwise ops around it, a program (.tir), its kernel (.wgsl), and its manifest (.json).",
    ],
  },
];
