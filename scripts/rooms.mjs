/**
 * The rooms of the sources, low to high: a file imports from its own layer or a lower one. `npm run check:imports` holds
 * files to it, and docs/architecture.md is written from it. The longest path that fits a file decides its room.
 */
const room = (name, paths, does) => ({ name, paths, does });

/** Rooms of one layer may import each other, but where they are `apart`. */
export const layers = [
  { rooms: [room("grammar", ["grammar/"], "the syntax of the language, in ohm")] },
  {
    rooms: [
      room(
        "launcher",
        ["src/launch/"],
        "binds tensors to a kernel and dispatches it; generated modules carry its text",
      ),
    ],
  },
  {
    rooms: [room("diagnostics", ["src/diagnostics/"], "every message, and the pages of `tirc explain`")],
  },
  {
    rooms: [
      room(
        "tensor IR",
        ["src/ir/"],
        "values, ops and functions; the op table (`ops/`); types, verifier, printer, interpreter in float64",
      ),
      // Rows of the op table are expressions of kernels, and what these reduce by.
      room("kernel IR", ["src/kernel/"], "expressions, loops and reductions of a kernel; its verifier and interpreter"),
    ],
  },
  {
    apart: true,
    rooms: [
      room("parser", ["src/parse/"], "text to tensor IR: syntax, names, types"),
      room("pass", ["src/pass/"], "what a pass is: its options, the facts it reports, where values went"),
      room("ONNX", ["src/onnx/"], "a model of ONNX as tensor IR, by a rule for each operator"),
    ],
  },
  { rooms: [room("torch.export", ["src/pt2/"], "an archive of `torch.export` as such a model")] },
  { rooms: [room("passes", ["passes/"], "the passes, one file each, and the default pipeline")] },
  { rooms: [room("pass manager", ["src/pass-manager/"], "runs a pipeline: checks, statistics, instruments, history")] },
  {
    rooms: [
      room(
        "target",
        ["src/target/"],
        "what kernels are compiled for and what is said of them: profiles, rates, choices, manifests",
      ),
      room("plan", ["src/plan/"], "a function as several kernels: outlining, split reductions, memory between them"),
    ],
  },
  {
    rooms: [room("code generation", ["codegen/"], "a function to a schedule, a kernel program, WGSL and its manifest")],
  },
  {
    rooms: [
      room(
        "driver",
        ["src/driver/"],
        "all of it in order: `compile.ts` reads from top to bottom; the other things that one asks of a module",
      ),
      room(
        "emission",
        ["src/emit/"],
        "kernels and plans as modules of TypeScript, TypeGPU and Rust, and as compact data",
      ),
    ],
  },
  { rooms: [room("language service", ["src/language/"], "completion, hover, rename and the like, for any editor")] },
  { rooms: [room("language server", ["src/lsp/"], "the same over the Language Server Protocol")] },
  {
    rooms: [
      room("surgery", ["src/surgery/"], "norms of an ONNX model written anew, and the weights they need"),
      room("torch.export writer", ["src/pt2/write/"], "the same for archives of `torch.export`"),
      room("extraction", ["src/extract/"], "norms of a model as kernels, and the rest as pieces between them"),
      room("file tests", ["src/testing/"], "the runner of `test/filetests`, for passes of one's own too"),
    ],
  },
  { rooms: [room("runtime", ["src/runtime/"], "the launcher with diagnostics, arrays of any form, and timing")] },
  { rooms: [room("formats", ["src/formats/"], "files of tensors: npy, safetensors")] },
  {
    rooms: [
      room("comparison", ["src/compare/"], "inputs for a function, and its results beside those of the interpreter"),
    ],
  },
  {
    rooms: [room("checkpoints", ["src/checkpoint/"], "surgery on checkpoints of Hugging Face, by their architectures")],
  },
  { rooms: [room("reports", ["src/report/"], "what surgery and its checks say, as tables, lines and a page")] },
  {
    rooms: [
      room(
        "integrations",
        ["src/integrations/"],
        "tensors of onnxruntime-web and TensorFlow.js as arguments of a kernel",
      ),
    ],
  },
  {
    rooms: [room("measurement", ["src/bench/"], "times of kernels, copies and other libraries; schedules")],
  },
  { rooms: [room("library", ["src/index.ts", "src/onnx/index.ts"], "what the package exports")] },
  { rooms: [room("bundlers", ["src/bundlers/"], "plugins of Vite, Rollup, webpack, esbuild and Rspack")] },
  { rooms: [room("command", ["src/cli/"], "the command `tirc`")] },
  { rooms: [room("examples", ["examples/"], "programs, and pages that use them")] },
  { rooms: [room("playground", ["playground/"], "the page that compiles and runs programs")] },
];

/** The way of a program, from top to bottom: what there is, and the rooms that make the next of it. */
export const flow = [
  { is: "text", says: "a .tir file", by: ["parser"] },
  { is: "tensor IR", says: "functions of ops on tensors", by: ["passes"] },
  { is: "tensor IR, optimized", says: "norms without centering, ops in groups", by: ["plan"] },
  { is: "plan", says: "kernels, and the memory between them", by: ["code generation"] },
  { is: "kernel IR", says: "loops, loads, reductions", by: ["code generation"] },
  { is: "WGSL and manifest", says: "text, bindings, dispatch", by: ["launcher", "runtime"] },
  { is: "results", says: "in buffers of the GPU", by: [] },
];
/** What comes in beside it, and goes out: models. `at` is the step of `flow`. */
export const besides = [
  { is: "models", says: "ONNX, torch.export", by: ["ONNX", "torch.export"], at: 1, side: "left" },
  { is: "models, rewritten", says: "RMSNorms, centered weights", by: ["surgery"], at: 2, side: "right" },
];
