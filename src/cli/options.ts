/** Options that several commands have, and what commands are given. */

import { parseFill } from "../compare/fill.ts";
import { accuracies, reductions, roundings, splitReductions as splitKinds } from "../target/options.ts";
import type { OptionSpec, PathUse } from "./arguments.ts";

export const noPath: PathUse = { use: "none" };
export const read: PathUse = { use: "read" };
export const write: PathUse = { use: "write" };
const assigned = (text: string) => text.slice(text.indexOf("=") + 1);
export const profile: PathUse = { use: "read", of: (text) => (text.endsWith(".json") ? text : undefined) };
export const input: PathUse = {
  use: "read",
  of: (text) => (parseFill(assigned(text)) === undefined ? assigned(text) : undefined),
};
export const output: PathUse = { use: "write", of: assigned };

export const common: readonly OptionSpec[] = [
  {
    name: "--diagnostics",
    value: "FORM",
    choices: ["pretty", "short", "json"],
    summary: "form of diagnostics: pretty (the default), short (one line each) or json (one object per line)",
  },
  { name: "--help", short: "-h", summary: "show this help" },
];

export const plugin: OptionSpec = {
  name: "--plugin",
  value: "FILE",
  path: read,
  repeats: true,
  summary: "a JavaScript module that adds passes, instruments, targets and ops; may be repeated",
};

const target: OptionSpec = {
  name: "--target",
  value: "NAME|FILE.json",
  path: profile,
  summary: "the target to compile for: a built-in one (`tirc targets`), a profile, or auto (this machine's device)",
};

export const dimension: OptionSpec = {
  name: "--dim",
  value: "NAME=EXTENT",
  path: noPath,
  repeats: true,
  summary: "the extent of a named dimension; may be repeated",
};

export const program: readonly OptionSpec[] = [
  { name: "--fn", value: "NAME", path: noPath, summary: "the function to use, if the file has several" },
  target,
  plugin,
  dimension,
];

export const singleKernel: OptionSpec = {
  name: "--single-kernel",
  summary: "reject functions that do not fit one kernel, and say why, instead of compiling them to several",
};

export const splitReductions: OptionSpec = {
  name: "--split-reductions",
  value: "KIND",
  choices: splitKinds,
  summary:
    "which large reductions several workgroups share, in kernels that reduce parts and kernels that merge them: those over rows of functions that take several kernels anyway (plans, the default); these and, on GPUs, all known to reduce 65536 elements or more to one (long); all; or none",
};

export const products: OptionSpec = {
  name: "--products",
  value: "KIND",
  choices: ["opaque", "plain"],
  summary:
    "what computes matrix products and convolutions: functions passed by the caller (opaque, the default), or generated kernels that are correct but not tuned (plain)",
};

export const checks: readonly OptionSpec[] = [
  target,
  plugin,
  singleKernel,
  {
    name: "--no-kernels",
    summary: "do not report why a function is not one kernel; for programs of whole models",
  },
];

export const passes: readonly OptionSpec[] = [
  {
    name: "--passes",
    value: "PIPELINE",
    path: noPath,
    summary: "the passes to run, for example 'canonicalize,fixpoint(cse,dce)'",
  },
  { name: "-O", short: "-O", value: "0|1", choices: ["0", "1"], summary: "-O0: only fuse; -O1: the default pipeline" },
  { name: "--disable-pass", value: "PASS", path: noPath, repeats: true, summary: "skip a pass; may be repeated" },
  {
    name: "--remarks",
    value: "FILTER",
    path: noPath,
    optional: true,
    summary: "say what passes did or did not do, and why; FILTER selects passes and codes: cse,R0102",
  },
  {
    name: "--verify-each",
    value: "KIND",
    choices: ["ir", "exact", "off"],
    summary:
      "what to check after each pass: ir (the default: the IR is well formed, and passes of plugins preserve the function), exact (all passes preserve the function, in exact arithmetic), off",
  },
];

export const mode: OptionSpec = {
  name: "--mode",
  value: "MODE",
  choices: ["exact", "lossy", "off"],
  summary:
    "where to remove centerings: exact (the default: where the function stays the same), lossy (everywhere), off (nowhere)",
};

export const arithmetic: readonly OptionSpec[] = [
  {
    name: "--accuracy",
    value: "KIND",
    choices: accuracies,
    summary:
      "normal (the default) or scaled, for rows whose squares overflow or underflow; scaled reads each row once more",
  },
  {
    name: "--reduction",
    value: "KIND",
    choices: reductions,
    summary:
      "how variances are computed: welford (the default: mean and variance in one read of the row) or two-fold (first the mean, then the squared deviations from it)",
  },
  {
    name: "--rounding",
    value: "KIND",
    choices: roundings,
    summary: "when f16 and bf16 values are rounded: late (the default: when they are stored) or strict (after each op)",
  },
  {
    name: "--specialize",
    value: "NAME",
    path: noPath,
    repeats: true,
    summary: "make a dimension a pipeline constant, so that each extent has its own pipeline; may be repeated",
  },
];

export const inside: readonly OptionSpec[] = [
  {
    name: "--print-ir-before",
    value: "PASS",
    path: noPath,
    repeats: true,
    summary: "print the IR before a pass; may be repeated",
  },
  {
    name: "--print-ir-after",
    value: "PASS",
    path: noPath,
    repeats: true,
    summary: "print the IR after a pass; may be repeated",
  },
  { name: "--print-ir-after-all", summary: "print the IR after every pass" },
  {
    name: "--print-ir-after-change",
    value: "FORM",
    choices: ["whole", "diff"],
    optional: true,
    summary: "print the IR after every pass that changed it: whole (the default), or diff, only the changed lines",
  },
  {
    name: "--dump-dir",
    value: "DIR",
    path: write,
    summary: "write the IR after every step, and the kernel, into a folder",
  },
  { name: "--timing", summary: "print how long each pass took" },
  { name: "--stats", summary: "print what the passes counted" },
];

export const file = { name: "FILE", what: "a .tir file, or `-` for stdin", path: read };
export const model = { name: "MODEL", what: "an ONNX model, or a torch.export archive (.pt2)", path: read };
export const modelOrFolder = {
  name: "MODEL",
  what: "an ONNX model, a torch.export archive (.pt2), or the folder of a Hugging Face checkpoint",
  path: read,
};

export const adapter: OptionSpec = {
  name: "--adapter",
  value: "NAME",
  path: noPath,
  summary: "the adapter with NAME in its name, such as nvidia or swiftshader; by default $TIRC_ADAPTER, or the fastest",
};
