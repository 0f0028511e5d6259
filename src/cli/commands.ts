/** The commands and their options. Help is generated from these tables, and command lines are parsed by them. */

import { parseFill } from "../compare/fill.ts";
import { normOps } from "../surgery/norm-forms.ts";
import { accuracies, reductions, roundings } from "../target/options.ts";
import type { CommandSpec, OptionSpec, PathUse } from "./arguments.ts";

const noPath: PathUse = { use: "none" };
const read: PathUse = { use: "read" };
const write: PathUse = { use: "write" };
const assigned = (text: string) => text.slice(text.indexOf("=") + 1);
const profile: PathUse = { use: "read", of: (text) => (text.endsWith(".json") ? text : undefined) };
const input: PathUse = {
  use: "read",
  of: (text) => (parseFill(assigned(text)) === undefined ? assigned(text) : undefined),
};
const output: PathUse = { use: "write", of: assigned };

const common: readonly OptionSpec[] = [
  {
    name: "--diagnostics",
    value: "FORM",
    choices: ["pretty", "short", "json"],
    summary: "form of diagnostics: pretty (the default), short (one line each) or json (one object per line)",
  },
  { name: "--help", short: "-h", summary: "show this help" },
];

const plugin: OptionSpec = {
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

const dimension: OptionSpec = {
  name: "--dim",
  value: "NAME=EXTENT",
  path: noPath,
  repeats: true,
  summary: "the extent of a named dimension; may be repeated",
};

const program: readonly OptionSpec[] = [
  { name: "--fn", value: "NAME", path: noPath, summary: "the function to use, if the file has several" },
  target,
  plugin,
  dimension,
];

const singleKernel: OptionSpec = {
  name: "--single-kernel",
  summary: "reject functions that do not fit one kernel, and say why, instead of compiling them to several",
};

const splitReductions: OptionSpec = {
  name: "--split-reductions",
  value: "KIND",
  choices: ["plans", "all", "none"],
  summary:
    "which large reductions over rows are split into two kernels, one that reduces tiles of rows and one that merges the tiles: those of functions that take several kernels anyway (plans, the default), all, or none",
};

const products: OptionSpec = {
  name: "--products",
  value: "KIND",
  choices: ["opaque", "plain"],
  summary:
    "what computes matrix products and convolutions: functions passed by the caller (opaque, the default), or generated kernels that are correct but not tuned (plain)",
};

const checks: readonly OptionSpec[] = [
  target,
  plugin,
  singleKernel,
  {
    name: "--no-kernels",
    summary: "do not report why a function is not one kernel; for programs of whole models",
  },
];

const passes: readonly OptionSpec[] = [
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

const mode: OptionSpec = {
  name: "--mode",
  value: "MODE",
  choices: ["exact", "lossy", "off"],
  summary:
    "where to remove centerings: exact (the default: where the function stays the same), lossy (everywhere), off (nowhere)",
};

const arithmetic: readonly OptionSpec[] = [
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

const inside: readonly OptionSpec[] = [
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

const file = { name: "FILE", what: "a .tir file, or `-` for stdin", path: read };
const model = { name: "MODEL", what: "an ONNX model, or a torch.export archive (.pt2)", path: read };
const modelOrFolder = {
  name: "MODEL",
  what: "an ONNX model, a torch.export archive (.pt2), or the folder of a Hugging Face checkpoint",
  path: read,
};

const compileSpec: CommandSpec = {
  name: "compile",
  summary: "compile each function of a file to a WGSL kernel, or to a plan of several",
  operand: file,
  options: [
    {
      name: "--output",
      short: "-o",
      value: "OUT",
      path: write,
      summary: "where to write: a file, or a folder for several functions",
    },
    {
      name: "--emit",
      value: "KIND",
      choices: ["wgsl", "kernel", "plan", "tir", "json", "ts", "typegpu", "rust"],
      summary:
        "wgsl (the default), kernel (the kernel IR from which WGSL is printed), plan (the kernels of each function, and the memory between them), tir (the program after all passes), json (WGSL and manifest), ts (a module that runs the kernels), typegpu (a module for TypeGPU) or rust (modules for wgpu)",
    },
    {
      name: "--source-map",
      value: "FILE",
      path: write,
      summary: "write a source map from the WGSL to the program; a folder for several functions",
    },
    singleKernel,
    splitReductions,
    products,
    {
      name: "--prove",
      summary:
        "check in exact arithmetic that the passes preserve each function and that its kernel computes it, lane by lane; implies --verify-each exact",
    },
    {
      name: "--explain-schedule",
      summary: "instead of the kernels, print the schedules considered for each, with their estimated times",
    },
    { name: "--json", summary: "print the output of --explain-schedule as JSON" },
    { name: "--minify", summary: "write the WGSL without comments and unnecessary spaces" },
    {
      name: "--weights-out",
      value: "FILE",
      path: write,
      summary: "allow centerings to move into constants, and write the new constants as safetensors",
    },
    ...program,
    ...passes,
    mode,
    ...arithmetic,
    ...inside,
    ...common,
  ],
  notes: [
    "WGSL and IR go to stdout, everything else to stderr.",
    "If the first comment of a file contains `tirc-pipeline:`, the file is compiled by that pipeline.",
    "The default target is `portable`; for `--emit ts` it is `all`: the module has a kernel for each kind of device, and selects one at run time.",
  ],
};

const adapter: OptionSpec = {
  name: "--adapter",
  value: "NAME",
  path: noPath,
  summary: "the adapter with NAME in its name, such as nvidia or swiftshader; by default $TIRC_ADAPTER, or the fastest",
};

const runSpec: CommandSpec = {
  name: "run",
  summary: "run a function on a WebGPU device or on the reference interpreter",
  operand: file,
  options: [
    {
      name: "--in",
      value: "NAME=VALUE",
      path: input,
      repeats: true,
      summary:
        "an input: a .npy file, randn (the default), rand, zeros, ones, a number, uniform(LOW, HIGH) or normal(MEAN, DEVIATION); may be repeated",
    },
    {
      name: "--out",
      value: "NAME=FILE.npy",
      path: output,
      repeats: true,
      summary: "write a result to a file; may be repeated",
    },
    {
      name: "--device",
      value: "DEVICE",
      choices: ["auto", "gpu", "cpu"],
      summary: "auto (a WebGPU adapter if there is one), gpu, or cpu (the reference interpreter)",
    },
    adapter,
    { name: "--seed", value: "N", path: noPath, summary: "the seed of random inputs; 0 by default" },
    { name: "--compare", summary: "compare every result with float64" },
    { name: "--json", summary: "print the result as JSON" },
    singleKernel,
    splitReductions,
    ...program,
    ...passes,
    mode,
    ...arithmetic,
    ...inside,
    ...common,
  ],
  notes: [
    "randn is the standard normal distribution, and rand is uniform on [0, 1); `--in 'v=uniform(0, 2)'` gives another range.",
    "Integers are -10 to 10 with randn (u32: 0 to 20) and 0 to 20 with rand; bools are random.",
    "Dimensions given neither by an input file nor by --dim have a default, which is printed.",
    "Matrix products and convolutions are computed by plain kernels, which are correct but not tuned.",
  ],
};

const tuneSpec: CommandSpec = {
  name: "tune",
  summary: "time schedules of kernels on this device, and write the fastest to a profile",
  operand: file,
  options: [
    {
      name: "--output",
      short: "-o",
      value: "OUT.json",
      path: { use: "write", updates: "--target" },
      summary: "where to write the profile, for use with --target; stdout by default",
    },
    { name: "--rounds", value: "N", path: noPath, summary: "how often each schedule is timed; 9 by default" },
    adapter,
    ...program,
    ...passes,
    mode,
    ...arithmetic,
    ...common,
  ],
  notes: [
    "A choice applies to all kernels that compute the same on rows of the same length.",
    "With --target PROFILE.json the choices are added to that profile; otherwise a profile of this device is written.",
  ],
};

const benchSpec: CommandSpec = {
  name: "bench",
  summary: "time kernels on this device, beside plain copies and other libraries",
  operand: file,
  options: [
    { name: "--rounds", value: "N", path: noPath, summary: "how often each is timed; 15 by default" },
    {
      name: "--peer",
      value: "NAME",
      choices: ["all", "none", "jax-js", "tfjs", "onnxruntime-web"],
      repeats: true,
      summary:
        "the libraries to compare with, if this project has them installed: all (the default), none, or one; may be repeated",
    },
    { name: "--json", summary: "print the times as JSON" },
    { name: "--svg", value: "FILE.svg", path: write, summary: "draw the times as a chart" },
    adapter,
    ...program.map((option) =>
      option.name === "--dim"
        ? { ...option, summary: "the extents of a named dimension to time: rows=1,64,4096; may be repeated" }
        : option,
    ),
    ...passes,
    mode,
    ...arithmetic,
    ...common,
  ],
  notes: [
    "Times are medians of interleaved runs of the kernels alone, measured by timestamps where the device has them.",
    "Other libraries compute the program op by op on the same device; their results are compared with float64.",
  ],
};

const checkSpec: CommandSpec = {
  name: "check",
  summary: "report every problem in files, as `tirc compile` does, without writing anything",
  operand: { ...file, many: true },
  options: [...checks, ...common],
};

const verifySpec: CommandSpec = {
  name: "verify",
  summary: "check in exact arithmetic whether two programs compute the same",
  operand: { name: "A.tir B.tir", what: "two .tir files, one of which may be `-` for stdin", many: true, path: read },
  options: [
    { name: "--fn", value: "NAME", path: noPath, summary: "the function to compare; all by default" },
    dimension,
    { name: "--json", summary: "print the result as JSON" },
    ...common,
  ],
  notes: [
    "Values are compared over finite fields at random points, where the laws of real arithmetic hold and nothing is rounded.",
    "The exit code is 1 if they differ; if the difference shows in float64, inputs with different results are printed.",
  ],
};

const gradSpec: CommandSpec = {
  name: "grad",
  summary: "write functions that compute the gradients of a file's functions",
  operand: file,
  options: [
    { name: "--output", short: "-o", value: "OUT.tir", path: write, summary: "where to write; stdout by default" },
    { name: "--fn", value: "NAME", path: noPath, summary: "the function to differentiate; all by default" },
    {
      name: "--wrt",
      value: "NAME,NAME",
      path: noPath,
      summary: "the parameters to differentiate by; by default all float parameters on which a result depends",
    },
    {
      name: "--of",
      value: "NAME,NAME",
      path: noPath,
      summary: "the results to differentiate; by default all float results",
    },
    {
      name: "--save",
      value: "WHAT",
      choices: ["none", "auto", "all"],
      summary:
        "what the forward passes to the backward: none (the default: values are recomputed), auto (values for which that moves fewer bytes), all",
    },
    plugin,
    {
      name: "--remarks",
      value: "FILTER",
      path: noPath,
      optional: true,
      summary: "say where gradients stop, and what other passes did; FILTER selects passes and codes",
    },
    ...common,
  ],
  notes: [
    "The output has `f(x, ...) -> y` unchanged, and `f_grad(x, ..., d_y) -> (d_x, ...)`.",
    "`tirc compile` and `tirc run --compare` accept the output.",
  ],
};

const fmtSpec: CommandSpec = {
  name: "fmt",
  summary: "format files in place",
  operand: { ...file, many: true, path: { use: "format" } },
  options: [{ name: "--check", summary: "change nothing, and fail if a file is not formatted" }, ...common],
};

const typesSpec: CommandSpec = {
  name: "types",
  summary: "write type declarations beside programs, for `tsc`",
  operand: { ...file, what: "a .tir file, a folder, or a pattern such as 'src/**/*.tir'", many: true },
  options: [
    { name: "--check", summary: "write nothing, and fail if a declaration is missing or out of date" },
    {
      name: "--dim",
      value: "NAME=EXTENT",
      path: noPath,
      repeats: true,
      summary: "as in the options of the bundler plugin, for programs with that dimension; may be repeated",
    },
    { name: "--passes", value: "PIPELINE", path: noPath, summary: "as in the options of the bundler plugin" },
    ...common,
  ],
  notes: [
    "The declaration of NAME.tir is NAME.d.tir.ts, as also written by the bundler plugins; use this command before a bundler has run.",
  ],
};

const lspSpec: CommandSpec = {
  name: "lsp",
  summary: "start a language server (Language Server Protocol on stdin and stdout)",
  options: [{ name: "--stdio", summary: "the default; accepted because many editors pass it" }, ...checks, ...common],
  notes: ["Editors start and stop the server. It reads no files except plugins and profiles, and writes none."],
};

const targetsSpec: CommandSpec = {
  name: "targets",
  summary: "list the targets and the devices that each is for",
  options: [
    { name: "--detect", summary: "also say which of them this machine's adapter supports" },
    adapter,
    { name: "--json", summary: "print the list as JSON, with complete profiles" },
    ...common,
  ],
};

const passesSpec: CommandSpec = {
  name: "passes",
  summary: "list every pass with its options and what it does",
  options: [plugin, { name: "--json", summary: "print the result as JSON" }, ...common],
};

const explainSpec: CommandSpec = {
  name: "explain",
  summary: "explain a diagnostic",
  operand: { name: "CODE", what: "the code of a diagnostic, such as `E0203`, or `list`", path: noPath },
  options: [plugin, ...common],
  notes: ["`tirc explain list` lists all codes."],
};

const explainNormsSpec: CommandSpec = {
  name: "explain-norms",
  summary: "list every norm of a program or a model, and what becomes of its centering",
  operand: {
    ...file,
    what: "a .tir file, a model (.onnx, .pt2, a checkpoint's folder), or `-` for a program on stdin",
  },
  options: [plugin, mode, { name: "--json", summary: "print the result as JSON" }, ...common],
};

const importSpec: CommandSpec = {
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

const surgerySpec: CommandSpec = {
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

const extractSpec: CommandSpec = {
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

export const commandSpecs = [
  compileSpec,
  runSpec,
  tuneSpec,
  benchSpec,
  checkSpec,
  verifySpec,
  gradSpec,
  fmtSpec,
  typesSpec,
  lspSpec,
  targetsSpec,
  passesSpec,
  explainSpec,
  explainNormsSpec,
  importSpec,
  surgerySpec,
  extractSpec,
] as const;
