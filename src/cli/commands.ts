/** The commands and their options. Help is generated from these tables, and command lines are parsed by them. */

import type { CommandSpec } from "./arguments.ts";
import { explainNormsSpec, extractSpec, importSpec, surgerySpec } from "./model-commands.ts";
import {
  adapter,
  arithmetic,
  checks,
  common,
  dimension,
  file,
  input,
  inside,
  mode,
  noPath,
  output,
  passes,
  plugin,
  products,
  program,
  read,
  singleKernel,
  splitReductions,
  write,
} from "./options.ts";

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
  summary: "time kernels on this device against plain copies and other libraries",
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
  summary: "write type declarations next to programs, for `tsc`",
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
