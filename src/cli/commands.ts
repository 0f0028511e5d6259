/** The commands and their options. Help is generated from these tables, and command lines are parsed by them. */

import { type CommandSpec, flag, needing, option } from "./arguments.ts";
import { modelCommands } from "./model-commands.ts";
import {
  adapter,
  checks,
  common,
  compilation,
  dimension,
  file,
  input,
  inside,
  json,
  noPath,
  output,
  plugin,
  products,
  programOut,
  read,
  singleKernel,
  splitReductions,
  write,
} from "./options.ts";

const programCommands: readonly CommandSpec[] = [
  {
    name: "compile",
    load: async () => (await import("./compile-command.ts")).compileCommand,
    summary: "compile each function of a file to a WGSL kernel, or to a plan of several",
    operand: file,
    options: [
      option("-o, --output OUT", write, "where to write: a file, or a folder for several functions"),
      option(
        "--emit KIND",
        ["wgsl", "kernel", "plan", "tir", "json", "ts", "typegpu", "rust"],
        "wgsl (the default), kernel (the kernel IR from which WGSL is printed), plan (the kernels of each function, and the memory between them), tir (the program after all passes), json (WGSL and manifest), ts (a module that runs the kernels), typegpu (a module for TypeGPU) or rust (modules for wgpu)",
      ),
      option(
        "--source-map FILE",
        write,
        "write a source map from the WGSL to the program; a folder for several functions",
      ),
      singleKernel,
      splitReductions,
      products,
      flag(
        "--prove",
        "check in exact arithmetic that the passes preserve each function and that its kernel computes it, lane by lane; implies --verify-each exact",
      ),
      flag(
        "--explain-schedule",
        "instead of the kernels, print the schedules considered for each, with their estimated times",
      ),
      needing(
        ["--explain-schedule"],
        flag("--json", "print the output of --explain-schedule as JSON; --emit json writes kernels as JSON"),
      ),
      flag("--minify", "write the WGSL without comments and unnecessary spaces"),
      option(
        "--weights-out FILE",
        write,
        "allow centerings to move into constants, and write the new constants as safetensors",
      ),
      ...compilation(),
      ...inside,
    ],
    notes: [
      "WGSL and IR go to stdout, everything else to stderr.",
      "If the first comment of a file contains `tirc-pipeline:`, the file is compiled by that pipeline.",
      "The default target is `portable`; for `--emit ts` it is `all`: the module has a kernel for each kind of device, and selects one at run time.",
    ],
  },
  {
    name: "run",
    load: async () => (await import("./run-command.ts")).runCommand,
    summary: "run a function on a WebGPU device or on the reference interpreter",
    operand: file,
    options: [
      option(
        "--in NAME=VALUE...",
        input,
        "an input: a .npy file, randn (the default), rand, zeros, ones, a number, uniform(LOW, HIGH) or normal(MEAN, DEVIATION)",
      ),
      option("--out NAME=FILE.npy...", output, "write a result to a file"),
      option(
        "--device DEVICE",
        ["auto", "gpu", "cpu"],
        "auto (a WebGPU adapter if there is one), gpu, or cpu (the reference interpreter)",
      ),
      adapter,
      option("--seed N", noPath, "the seed of random inputs; 0 by default"),
      flag("--compare", "compare every result with float64"),
      json,
      singleKernel,
      splitReductions,
      ...compilation(),
      ...inside,
    ],
    notes: [
      "randn is the standard normal distribution, and rand is uniform on [0, 1); `--in 'v=uniform(0, 2)'` gives another range.",
      "Integers are -10 to 10 with randn (u32: 0 to 20) and 0 to 20 with rand; bools are random.",
      "Dimensions given neither by an input file nor by --dim have a default, which is printed.",
      "Matrix products and convolutions are computed by plain kernels, which are correct but not tuned.",
    ],
  },
  {
    name: "tune",
    load: async () => (await import("./tune-command.ts")).tuneCommand,
    summary: "time schedules of kernels on this device, and write the fastest to a profile",
    operand: file,
    options: [
      option(
        "-o, --output OUT.json",
        { use: "write", updates: "--target" },
        "where to write the profile, for use with --target; stdout by default",
      ),
      option("--rounds N", noPath, "how often each schedule is timed; 9 by default"),
      adapter,
      ...compilation(),
    ],
    notes: [
      "A choice applies to all kernels that compute the same on rows of the same length.",
      "With --target PROFILE.json the choices are added to that profile; otherwise a profile of this device is written.",
    ],
  },
  {
    name: "bench",
    load: async () => (await import("./bench-command.ts")).benchCommand,
    summary: "time kernels on this device against plain copies and other libraries",
    operand: file,
    options: [
      option("--rounds N", noPath, "how often each is timed; 15 by default"),
      option(
        "--peer NAME...",
        ["all", "none", "jax-js", "tfjs", "onnxruntime-web"],
        "the libraries to compare with, if this project has them installed: all (the default), none, or one",
      ),
      flag("--json", "print the times as JSON"),
      option("--svg FILE.svg", write, "draw the times as a chart"),
      adapter,
      ...compilation(
        option("--dim NAME=EXTENT...", noPath, "the extents of a named dimension to time: rows=1,64,4096"),
      ),
    ],
    notes: [
      "Times are medians of interleaved runs of the kernels alone, measured by timestamps where the device has them.",
      "Other libraries compute the program op by op on the same device; their results are compared with float64.",
    ],
  },
  {
    name: "check",
    load: async () => (await import("./check-command.ts")).checkCommand,
    summary: "report every problem in files, as `tirc compile` does, without writing anything",
    operand: { ...file, many: true },
    options: checks,
  },
  {
    name: "verify",
    load: async () => (await import("./verify-command.ts")).verifyCommand,
    summary: "check in exact arithmetic whether two programs compute the same",
    operand: { name: "A.tir B.tir", what: "two .tir files, one of which may be `-` for stdin", many: true, path: read },
    options: [option("--fn NAME", noPath, "the function to compare; all by default"), dimension, json],
    notes: [
      "Values are compared over finite fields at random points, where the laws of real arithmetic hold and nothing is rounded.",
      "Files of loaded constants are not read: constants of one name are taken to be the same, and all others to be arbitrary.",
      "The exit code is 1 if they differ; if the difference shows in float64, inputs with different results are printed.",
    ],
  },
  {
    name: "grad",
    load: async () => (await import("./grad-command.ts")).gradCommand,
    summary: "write functions that compute the gradients of a file's functions",
    operand: file,
    options: [
      programOut,
      option("--fn NAME", noPath, "the function to differentiate; all by default"),
      option(
        "--wrt NAME,NAME",
        noPath,
        "the parameters to differentiate by; by default all float parameters on which a result depends",
      ),
      option("--of NAME,NAME", noPath, "the results to differentiate; by default all float results"),
      option(
        "--save WHAT",
        ["none", "auto", "all"],
        "what the forward passes to the backward: none (the default: values are recomputed), auto (values for which that moves fewer bytes), all",
      ),
      plugin,
      option(
        "--remarks[=FILTER]",
        noPath,
        "say where gradients stop, and what other passes did; FILTER selects passes and codes",
      ),
    ],
    notes: [
      "The output has `f(x, ...) -> y` unchanged, and `f_grad(x, ..., d_y) -> (d_x, ...)`.",
      "`tirc compile` and `tirc run --compare` accept the output.",
    ],
  },
  {
    name: "fmt",
    load: async () => (await import("./fmt-command.ts")).fmtCommand,
    summary: "format files in place",
    operand: { ...file, many: true, path: { use: "format" } },
    options: [flag("--check", "change nothing, and fail if a file is not formatted")],
  },
  {
    name: "types",
    load: async () => (await import("./types-command.ts")).typesCommand,
    summary: "write type declarations next to programs, for `tsc`",
    operand: { ...file, what: "a .tir file, a folder, or a pattern such as 'src/**/*.tir'", many: true },
    options: [
      flag("--check", "write nothing, and fail if a declaration is missing or out of date"),
      option(
        "--dim NAME=EXTENT...",
        noPath,
        "as in the options of the bundler plugin, for programs with that dimension",
      ),
      option("--passes PIPELINE", noPath, "as in the options of the bundler plugin"),
    ],
    notes: [
      "The declaration of NAME.tir is NAME.d.tir.ts, as also written by the bundler plugins; use this command before a bundler has run.",
    ],
  },
  {
    name: "lsp",
    load: async () => (await import("./lsp-command.ts")).lspCommand,
    summary: "start a language server (Language Server Protocol on stdin and stdout)",
    options: [flag("--stdio", "the default; accepted because many editors pass it"), ...checks],
    notes: ["Editors start and stop the server. It reads no files except plugins and profiles, and writes none."],
  },
  {
    name: "targets",
    load: async () => (await import("./targets-command.ts")).targetsCommand,
    summary: "list the targets and the devices that each is for",
    options: [
      flag("--detect", "also say which of them this machine's adapter supports"),
      needing(["--detect"], adapter),
      flag("--json", "print the list as JSON, with complete profiles"),
    ],
  },
  {
    name: "passes",
    load: async () => (await import("./passes-command.ts")).passesCommand,
    summary: "list every pass with its options and what it does",
    options: [plugin, json],
  },
  {
    name: "explain",
    load: async () => (await import("./explain-command.ts")).explainCommand,
    summary: "explain a diagnostic",
    operand: { name: "CODE", what: "the code of a diagnostic, such as `E0203`, or `list`", path: noPath },
    options: [plugin],
    notes: ["`tirc explain list` lists all codes."],
  },
];

export const commandSpecs: readonly CommandSpec[] = [...programCommands, ...modelCommands].map((command) => {
  return { ...command, options: [...command.options, ...common] };
});
