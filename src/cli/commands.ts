/** The commands and their options. Help is written from these tables, and command lines are read by them. */

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
    summary: "pretty (the default), short (a line each) or json (an object a line)",
  },
  { name: "--help", short: "-h", summary: "show this" },
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
  summary: "what to compile for: a built-in target (`tirc targets`), a profile, or auto (this machine's device)",
};

const program: readonly OptionSpec[] = [
  { name: "--fn", value: "NAME", path: noPath, summary: "the function to take, where the file has several" },
  target,
  plugin,
  {
    name: "--dim",
    value: "NAME=EXTENT",
    path: noPath,
    repeats: true,
    summary: "the extent of a named dimension; may be repeated",
  },
];

const singleKernel: OptionSpec = {
  name: "--single-kernel",
  summary: "refuse a function that is not one kernel, and say why, instead of making several kernels of it",
};

const splitReductions: OptionSpec = {
  name: "--split-reductions",
  value: "KIND",
  choices: ["plans", "all", "none"],
  summary:
    "which large reductions over rows become two kernels, of tiles of rows and of these: those of functions that are several kernels anyway (plans, the default), all, or none",
};

const products: OptionSpec = {
  name: "--products",
  value: "KIND",
  choices: ["opaque", "plain"],
  summary:
    "what computes matrix products and convolutions: whoever runs the plan (opaque, the default), or kernels that are correct and not tuned (plain)",
};

const checks: readonly OptionSpec[] = [
  target,
  plugin,
  singleKernel,
  {
    name: "--no-kernels",
    summary: "do not report what keeps a function from being a kernel: for programs of whole models",
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
  { name: "--disable-pass", value: "PASS", path: noPath, repeats: true, summary: "leave a pass out; may be repeated" },
  {
    name: "--remarks",
    value: "FILTER",
    path: noPath,
    optional: true,
    summary: "say what passes did or did not do, and why; FILTER chooses passes and codes: cse,R0102",
  },
  {
    name: "--verify-each",
    value: "KIND",
    choices: ["ir", "exact", "off"],
    summary:
      "what to check after each pass: ir (the default: that it is well formed, and of a plugin's passes that they compute the same), exact (also that all passes compute the same, in exact arithmetic), off",
  },
];

const mode: OptionSpec = {
  name: "--mode",
  value: "MODE",
  choices: ["exact", "lossy", "off"],
  summary: "what to do with centerings: exact (the default), lossy (drop what is left), off",
};

const arithmetic: readonly OptionSpec[] = [
  {
    name: "--accuracy",
    value: "KIND",
    choices: accuracies,
    summary:
      "normal (the default) or scaled, for rows whose squares overflow or underflow: it reads each row once more",
  },
  {
    name: "--reduction",
    value: "KIND",
    choices: reductions,
    summary:
      "how variances are computed: welford (the default: with the mean, in one read of the row) or two-fold (first the mean, then the squared deviations from it)",
  },
  {
    name: "--rounding",
    value: "KIND",
    choices: roundings,
    summary: "late (the default: f16 values stay f32 until they are stored) or strict (each op rounds)",
  },
  {
    name: "--specialize",
    value: "NAME",
    path: noPath,
    repeats: true,
    summary: "make a dimension a pipeline constant, so that each extent has a pipeline of its own; may be repeated",
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
    summary: "print the IR after every pass that changed it: whole (if not said), or diff, what it changed",
  },
  {
    name: "--dump-dir",
    value: "DIR",
    path: write,
    summary: "write the IR at every step, and the kernel, into a folder",
  },
  { name: "--timing", summary: "how long each pass took" },
  { name: "--stats", summary: "what the passes counted" },
];

const file = { name: "FILE", what: "a .tir file, or `-` for stdin", path: read };
const model = { name: "MODEL", what: "an ONNX model, or an archive of torch.export (.pt2)", path: read };
const modelOrFolder = {
  name: "MODEL",
  what: "an ONNX model, an archive of torch.export (.pt2), or the folder of a checkpoint of Hugging Face's",
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
      summary: "where to write: a file, a folder for several functions",
    },
    {
      name: "--emit",
      value: "KIND",
      choices: ["wgsl", "kernel", "plan", "tir", "json", "ts", "typegpu", "rust"],
      summary:
        "wgsl (the default), kernel (what the WGSL is printed from), plan (the kernels of each function, and the memory between them), tir (the IR after all passes), json (WGSL and manifest), ts (a module that runs the kernels), typegpu (a module with layouts for TypeGPU) or rust (modules for wgpu)",
    },
    {
      name: "--source-map",
      value: "FILE",
      path: write,
      summary: "write a source map from lines of the WGSL to the program; a folder for several functions",
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
      summary: "print, in place of kernels, the schedules considered for each and their estimated times",
    },
    { name: "--json", summary: "print what --explain-schedule says as JSON" },
    { name: "--minify", summary: "write the WGSL without comments and needless spaces" },
    {
      name: "--weights-out",
      value: "FILE",
      path: write,
      summary: "let centerings move into constants, and write the new constants as safetensors",
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
    "A file whose first comment has `tirc-pipeline:` is compiled by that pipeline.",
    "The target is `portable` if not given; for `--emit ts` it is `all`: the module has a kernel for each kind of device, and chooses.",
  ],
};

const adapter: OptionSpec = {
  name: "--adapter",
  value: "NAME",
  path: noPath,
  summary:
    "the adapter with NAME in its name, such as nvidia or swiftshader; $TIRC_ADAPTER or the fastest if not given",
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
        "a .npy file, randn (if not given), rand, zeros, ones, a number, uniform(LOW, HIGH) or normal(MEAN, DEVIATION)",
    },
    { name: "--out", value: "NAME=FILE.npy", path: output, repeats: true, summary: "write an output; may be repeated" },
    {
      name: "--device",
      value: "DEVICE",
      choices: ["auto", "gpu", "cpu"],
      summary: "auto (a WebGPU adapter if there is one), gpu, or cpu (the reference interpreter)",
    },
    adapter,
    { name: "--seed", value: "N", path: noPath, summary: "for random numbers; 0 if not given" },
    { name: "--compare", summary: "check every output against the float64 reference" },
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
    "randn is the standard normal distribution, and rand is uniform on [0, 1); `--in 'v=uniform(0, 2)'` chooses a range.",
    "Integers are -10 to 10 with randn (u32: 0 to 20) and 0 to 20 with rand; bool is a coin toss.",
    "Dimensions that neither an input file nor --dim gives have a default, which is printed.",
    "Matrix products and convolutions are computed by plain kernels, which are correct and not tuned.",
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
      summary: "where to write the profile, for --target; stdout if not given",
    },
    { name: "--rounds", value: "N", path: noPath, summary: "how often each schedule is timed; 9 if not given" },
    adapter,
    ...program,
    ...passes,
    mode,
    ...arithmetic,
    ...common,
  ],
  notes: [
    "A choice holds for kernels that compute the same on rows of the same length.",
    "With --target PROFILE.json the choices are added to that profile; otherwise a profile of this device is written.",
  ],
};

const benchSpec: CommandSpec = {
  name: "bench",
  summary: "time kernels on this device, beside a copy of as many bytes and other libraries",
  operand: file,
  options: [
    { name: "--rounds", value: "N", path: noPath, summary: "how often each is timed; 15 if not given" },
    {
      name: "--peer",
      value: "NAME",
      choices: ["all", "none", "jax-js", "tfjs", "onnxruntime-web"],
      repeats: true,
      summary:
        "the libraries to compare with, of those that this project has installed: all (if not given), none, or one",
    },
    { name: "--json", summary: "print the times as JSON" },
    { name: "--svg", value: "FILE.svg", path: write, summary: "write the times as a chart" },
    adapter,
    ...program.map((option) =>
      option.name === "--dim"
        ? { ...option, summary: "extents of a named dimension, all of which are timed: rows=1,64,4096" }
        : option,
    ),
    ...passes,
    mode,
    ...arithmetic,
    ...common,
  ],
  notes: [
    "Times are medians of kernels alone, by timestamps where the device has them, all in turn.",
    "Other libraries compute the program op by op on the same device, and are held to float64.",
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
  summary: "say whether two programs compute the same, in exact arithmetic",
  operand: { name: "A.tir B.tir", what: "two .tir files, one of which may be `-` for stdin", many: true, path: read },
  options: [
    { name: "--fn", value: "NAME", path: noPath, summary: "the one function that is compared; all if not given" },
    {
      name: "--dim",
      value: "NAME=EXTENT",
      path: noPath,
      repeats: true,
      summary: "the extent of a named dimension; may be repeated",
    },
    { name: "--json", summary: "as JSON" },
    ...common,
  ],
  notes: [
    "Values are compared over finite fields at random points, where laws of real arithmetic hold and nothing is rounded.",
    "Exit code 1 if they differ; where float64 shows it, with inputs on which they do.",
  ],
};

const gradSpec: CommandSpec = {
  name: "grad",
  summary: "write functions that give the gradients of a file's functions",
  operand: file,
  options: [
    { name: "--output", short: "-o", value: "OUT.tir", path: write, summary: "where to write; stdout if not given" },
    { name: "--fn", value: "NAME", path: noPath, summary: "the one function to differentiate; all if not given" },
    {
      name: "--wrt",
      value: "NAME,NAME",
      path: noPath,
      summary: "the parameters to differentiate by; if not given, all of floats that a result depends on",
    },
    {
      name: "--of",
      value: "NAME,NAME",
      path: noPath,
      summary: "the results to differentiate; if not given, all of floats",
    },
    {
      name: "--save",
      value: "WHAT",
      choices: ["none", "auto", "all"],
      summary:
        "what the forward hands to the backward: none (the default, it is computed again), auto (what moves fewer bytes), all",
    },
    plugin,
    {
      name: "--remarks",
      value: "FILTER",
      path: noPath,
      optional: true,
      summary: "say where no gradient goes through, and what other passes did; FILTER chooses passes and codes",
    },
    ...common,
  ],
  notes: [
    "`f(x, ...) -> y` stays, and beside it stands `f_grad(x, ..., d_y) -> (d_x, ...)`.",
    "`tirc compile` and `tirc run --compare` take what it prints.",
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
  summary: "write the types of programs beside them, for `tsc`",
  operand: { ...file, what: "a .tir file, a folder, or a pattern such as 'src/**/*.tir'", many: true },
  options: [
    { name: "--check", summary: "write nothing, and fail if a declaration is missing or out of date" },
    {
      name: "--dim",
      value: "NAME=EXTENT",
      path: noPath,
      repeats: true,
      summary: "as in the options of the bundler's plugin, for programs that have the dimension; may be repeated",
    },
    { name: "--passes", value: "PIPELINE", path: noPath, summary: "as in the options of the bundler's plugin" },
    ...common,
  ],
  notes: ["NAME.tir is declared in NAME.d.tir.ts: what a bundler's plugin writes too, before it has run."],
};

const lspSpec: CommandSpec = {
  name: "lsp",
  summary: "start a language server (Language Server Protocol on stdin and stdout)",
  options: [{ name: "--stdio", summary: "the default; accepted because many editors pass it" }, ...checks, ...common],
  notes: ["An editor starts and stops it. It reads no files but plugins and profiles, and writes none."],
};

const targetsSpec: CommandSpec = {
  name: "targets",
  summary: "list the targets, and which devices each is for",
  options: [
    { name: "--detect", summary: "also say which of them this machine's adapter runs" },
    adapter,
    { name: "--json", summary: "as JSON, with the whole profiles" },
    ...common,
  ],
};

const passesSpec: CommandSpec = {
  name: "passes",
  summary: "list every pass, its options and what it does",
  options: [plugin, { name: "--json", summary: "as JSON" }, ...common],
};

const explainSpec: CommandSpec = {
  name: "explain",
  summary: "show the page of a diagnostic",
  operand: { name: "CODE", what: "the code of a diagnostic, such as `E0203`, or `list`", path: noPath },
  options: [plugin, ...common],
  notes: ["`tirc explain list` shows all codes, a line each."],
};

const explainNormsSpec: CommandSpec = {
  name: "explain-norms",
  summary: "list every norm of a program or a model, and what becomes of its centering",
  operand: {
    ...file,
    what: "a .tir file, a model (.onnx, .pt2, a checkpoint's folder), or `-` for a program on stdin",
  },
  options: [plugin, mode, { name: "--json", summary: "as JSON" }, ...common],
};

const importSpec: CommandSpec = {
  name: "import",
  summary: "turn a model into a program",
  operand: modelOrFolder,
  options: [
    { name: "--output", short: "-o", value: "OUT.tir", path: write, summary: "where to write; stdout if not given" },
    { name: "--remarks", summary: "say why nodes that look like ops of the language are kept as `extern`" },
    ...common,
  ],
  notes: ["Weights stay in the model: the program has a `const` for each, loaded from there when it is needed."],
};

const surgerySpec: CommandSpec = {
  name: "surgery",
  summary: "write the LayerNorms of a model as RMSNorms",
  operand: modelOrFolder,
  options: [
    {
      name: "--output",
      short: "-o",
      value: "OUT",
      path: write,
      summary: "where to write: a file, or a new folder for a checkpoint; nothing is written if not given",
    },
    {
      name: "--mode",
      value: "MODE",
      choices: ["exact", "lossy"],
      summary: "what to do with centerings: exact (the default), lossy (drop what is left)",
    },
    {
      name: "--norm-op",
      value: "OP",
      choices: normOps,
      summary:
        "write norms as RMSNormalization (rmsnorm, of set 23, in which the model is written then), onnxruntime's SkipSimplifiedLayerNormalization (skip), a function (simplified), or primitives; auto chooses; layernorm keeps LayerNorms, and makes LayerNormalization of chains; an archive of torch.export has aten.rms_norm, primitives, or aten.layer_norm",
    },
    {
      name: "--fold",
      value: "LIST",
      path: noPath,
      summary:
        "what goes into the products that read it, where nothing else reads it or their weights: beta (the default), gamma, center; with commas between; of a folder beta and gamma, and nothing by default",
    },
    {
      name: "--dequantize",
      summary:
        "write weights of 8 bits behind DequantizeLinear as floats where they are centered, or beta or gamma goes there",
    },
    {
      name: "--keep-tied",
      summary:
        "of a folder: leave a table that the head multiplies by as it is, and norms that need it centered LayerNorms",
    },
    { name: "--report", value: "FILE.json", path: write, summary: "write what became of each norm, as JSON" },
    {
      name: "--html",
      value: "FILE.html",
      path: write,
      summary: "write it as a page: the graph around each norm, and why its centering went or stays",
    },
    { name: "--json", summary: "print what --report writes, instead of the lines for people" },
    { name: "--verbose", summary: "print the weights that are centered, and the steps of proofs" },
    {
      name: "--check",
      summary:
        "run both models in onnxruntime on the same inputs, and hold them to float64; if it fails, write nothing",
    },
    {
      name: "--in",
      value: "NAME=VALUE",
      path: input,
      repeats: true,
      summary:
        "for the check: an input, as `tirc run` takes it: a .npy file, ones, uniform(LOW, HIGH), ...; may be repeated",
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
      summary: "for the check: of the numbers that are drawn; 0 if not given",
    },
    { name: "--time", summary: "check, and time both models in onnxruntime, by turns" },
    { name: "--keep", summary: "write the model although the check fails" },
    { name: "--remarks", summary: "say what passes did, and why nodes are kept as they are" },
    ...common,
  ],
  notes: [
    "Everything but the norms and the weights that are centered for them stays as it is, byte for byte.",
    "For a check, inputs that are row numbers of a table are drawn within it, other integers are 0 or 1.",
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
      summary: "where to write; nothing is written if not given",
    },
    {
      name: "--target",
      value: "NAME|FILE.json",
      path: profile,
      summary: "what to compile for: a built-in target or a profile",
    },
    {
      name: "--cut",
      summary: "also write what is left between the kernels as models, and plan.json: what runs after what",
    },
    ...common,
  ],
  notes: ["For each norm, with what stands around it: a program (.tir), its kernel (.wgsl), and its manifest (.json)."],
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
