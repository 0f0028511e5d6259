/** Options that several commands have, and what commands are given. */

import { parseFill } from "../compare/fill.ts";
import {
  accuracies,
  reductions,
  roundings,
  scheduleOptions,
  splitReductions as splitKinds,
} from "../target/options.ts";
import { flag, type OptionSpec, option, type PathUse } from "./arguments.ts";

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

export const programOut = option("-o, --output OUT.tir", write, "where to write; stdout by default");

export const common = [
  option(
    "--diagnostics FORM",
    ["pretty", "short", "json"],
    "form of diagnostics: pretty (the default), short (one line each) or json (one object per line)",
  ),
  flag("-h, --help", "show this help"),
];

export const plugin = option(
  "--plugin FILE...",
  read,
  "a JavaScript module that adds passes, instruments, targets and ops",
);

const target = option(
  "--target NAME|FILE.json",
  profile,
  "the target to compile for: a built-in one (`tirc targets`), a profile, or auto (this machine's device)",
);

export const dimension = option("--dim NAME=EXTENT...", noPath, "the extent of a named dimension");

export const json = flag("--json", "print the result as JSON");

export const singleKernel = flag(
  "--single-kernel",
  "reject functions that do not fit one kernel, and say why, instead of compiling them to several",
);

export const splitReductions = option(
  "--split-reductions KIND",
  splitKinds,
  "which large reductions several workgroups share, in kernels that reduce parts and kernels that merge them: those over rows of functions that take several kernels anyway (plans, the default); these and, on GPUs, all known to reduce 65536 elements or more to one (long); all; or none",
);

export const products = option(
  "--products KIND",
  ["opaque", "plain"],
  "what computes matrix products and convolutions: functions passed by the caller (opaque, the default), or generated kernels that are correct but not tuned (plain)",
);

export const checks = [
  target,
  plugin,
  singleKernel,
  flag("--no-kernels", "do not report why a function is not one kernel; for programs of whole models"),
];

const passes = [
  option("--passes PIPELINE", noPath, "the passes to run, for example 'canonicalize,fixpoint(cse,dce)'"),
  option("-O0|1", ["0", "1"], "-O0: only fuse; -O1: the default pipeline"),
  option("--disable-pass PASS...", noPath, "skip a pass"),
  option(
    "--remarks[=FILTER]",
    noPath,
    "say what passes did or did not do, and why; FILTER selects passes and codes: cse,R0102",
  ),
  option(
    "--verify-each KIND",
    ["ir", "exact", "off"],
    "what to check after each pass: ir (the default: the IR is well formed, and passes of plugins preserve the function), exact (all passes preserve the function, in exact arithmetic), off",
  ),
];

export const mode = option(
  "--mode MODE",
  ["exact", "lossy", "off"],
  "where to remove centerings: exact (the default: where the function stays the same), lossy (everywhere), off (nowhere)",
);

const arithmetic = [
  option(
    "--accuracy KIND",
    accuracies,
    "normal (the default) or scaled, for rows whose squares overflow or underflow; scaled reads each row once more",
  ),
  option(
    "--reduction KIND",
    reductions,
    "how variances are computed: welford (the default: mean and variance in one read of the row) or two-fold (first the mean, then the squared deviations from it)",
  ),
  option(
    "--rounding KIND",
    roundings,
    "when f16 and bf16 values are rounded: late (the default: when they are stored) or strict (after each op)",
  ),
  option(
    "--schedule KIND",
    scheduleOptions,
    "how schedules are chosen where none was measured: rules (the default: by the kind of device and the row length) or least-estimate (by the least estimated time, which compiles more slowly; it may change the order of a row's sums)",
  ),
  option(
    "--specialize NAME...",
    noPath,
    "make a dimension a pipeline constant, so that each extent has its own pipeline",
  ),
];

/** What determines the program to compile, and how: its function, passes, target and arithmetic. */
export const compilation = (dim: OptionSpec = dimension): readonly OptionSpec[] => [
  option("--fn NAME", noPath, "the function to use, if the file has several"),
  target,
  plugin,
  dim,
  ...passes,
  mode,
  ...arithmetic,
];

export const inside = [
  option("--print-ir-before PASS...", noPath, "print the IR before a pass"),
  option("--print-ir-after PASS...", noPath, "print the IR after a pass"),
  flag("--print-ir-after-all", "print the IR after every pass"),
  option(
    "--print-ir-after-change[=FORM]",
    ["whole", "diff"],
    "print the IR after every pass that changed it: whole (the default), or diff, only the changed lines",
  ),
  option("--dump-dir DIR", write, "write the IR after every step, and the kernel, into a folder"),
  flag("--timing", "print how long each pass took"),
  flag("--stats", "print what the passes counted"),
];

export const file = { name: "FILE", what: "a .tir file, or `-` for stdin", path: read };
export const model = { name: "MODEL", what: "an ONNX model, or a torch.export archive (.pt2)", path: read };
export const modelOrFolder = {
  name: "MODEL",
  what: "an ONNX model, a torch.export archive (.pt2), or the folder of a Hugging Face checkpoint",
  path: read,
};

export const adapter = option(
  "--adapter NAME",
  noPath,
  "the adapter with NAME in its name, such as nvidia or swiftshader; by default $TIRC_ADAPTER, or the fastest",
);
