/**
 * The components of the sources, low to high: a file imports from its own layer or a lower one. `npm run check:imports`
 * checks this, and docs/architecture.md is generated from it. The longest path that matches a file decides its
 * component.
 */

/** A layer of components that may import each other. Each row: the name, the paths, and what the component does. */
const layer = (...rows) => ({
  components: rows.map(([name, paths, does]) => ({ name, paths: paths.split(" "), does })),
});
/** A layer of components that may not import each other. */
const apart = (...rows) => ({ ...layer(...rows), apart: true });

export const layers = [
  layer(["grammar", "grammar/", "the syntax of the language, in ohm"]),
  layer(["launcher", "src/launch/", "binds tensors to a kernel and dispatches it; generated modules include its text"]),
  layer(["diagnostics", "src/diagnostics/", "every message, and the pages of `tirc explain`"]),
  layer(
    [
      "tensor IR",
      "src/ir/",
      "values, ops and functions; the op table (`ops/`); types, verifier, printer, interpreter in float64",
    ],
    // Rows of the op table contain kernel expressions and reductions.
    ["kernel IR", "src/kernel/", "expressions, loops and reductions of a kernel; its verifier and interpreter"],
  ),
  apart(
    ["parser", "src/parse/", "text to tensor IR: syntax, names, types"],
    ["pass", "src/pass/", "the interface of a pass: its options, the facts it reports, and the provenance of values"],
    ["ONNX", "src/onnx/", "an ONNX model as tensor IR, by a rule for each operator"],
  ),
  layer(["torch.export", "src/pt2/", "a `torch.export` archive as such a model"]),
  apart(
    ["passes", "passes/", "the passes, one file each, and the default pipeline"],
    // Receives the passes that pipelines may name as arguments.
    ["pass manager", "src/pass-manager/", "runs a pipeline: checks, statistics, instruments, history"],
  ),
  layer(
    [
      "target",
      "src/target/",
      "devices that kernels are compiled for: profiles, rates, measured schedules; manifests of kernels",
    ],
    ["plan", "src/plan/", "a function as several kernels: outlining, split reductions, memory"],
  ),
  layer(["code generation", "codegen/", "from a function to a schedule, a kernel program, WGSL and its manifest"]),
  layer(
    ["driver", "src/driver/", "the steps of compilation in order (`compile.ts`), and other operations on a module"],
    ["emission", "src/emit/", "kernels and plans as modules of TypeScript, TypeGPU and Rust, and as compact data"],
  ),
  layer(["language service", "src/language/", "completion, hover, rename and others, for any editor"]),
  layer(["language server", "src/lsp/", "the same over the Language Server Protocol"]),
  layer(
    ["surgery", "src/surgery/", "rewrites the norms of an ONNX model, and their weights"],
    ["torch.export writer", "src/pt2/write/", "the same for `torch.export` archives"],
    ["extraction", "src/extract/", "norms of a model as kernels, and the rest as pieces between them"],
    ["file tests", "src/testing/", "the runner of `test/filetests`, for custom passes too"],
  ),
  layer(["runtime", "src/runtime/", "the launcher with diagnostics, conversion of arrays, and timing"]),
  layer(["formats", "src/formats/", "tensor files: npy, safetensors"]),
  layer(["comparison", "src/compare/", "inputs for a function, and comparison of results with the interpreter's"]),
  layer(["checkpoints", "src/checkpoint/", "surgery on Hugging Face checkpoints, by architecture"]),
  layer(["reports", "src/report/", "the reports of surgery and its checks, as text and HTML"]),
  layer(["integrations", "src/integrations/", "kernels on tensors of onnxruntime-web and TensorFlow.js"]),
  layer(["measurement", "src/bench/", "times of kernels, copies and other libraries; tuning of schedules"]),
  layer(["library", "src/index.ts src/onnx/index.ts", "what the package exports"]),
  layer(["bundlers", "src/bundlers/", "plugins for Vite, Rollup, webpack, esbuild and Rspack"]),
  layer(["command", "src/cli/", "the command `tirc`"]),
  layer(["examples", "examples/", "programs, and pages that use them"]),
  layer(["playground", "playground/", "the page that compiles and runs programs"]),
];

/** The data flow of a program, from top to bottom, and the components that compute each next stage. */
export const flow = [
  { is: "text", says: "a .tir file", by: ["parser"] },
  { is: "tensor IR", says: "functions of ops on tensors", by: ["passes"] },
  { is: "tensor IR, optimized", says: "norms without centering, ops in groups", by: ["plan"] },
  { is: "plan", says: "kernels, and the memory between them", by: ["code generation"] },
  { is: "kernel IR", says: "loops, loads, reductions", by: ["code generation"] },
  { is: "WGSL and manifest", says: "text, bindings, dispatch", by: ["launcher", "runtime"] },
  { is: "results", says: "in GPU buffers", by: [] },
];
/** Models enter and leave next to this flow; `at` is the index in `flow`. */
export const besides = [
  { is: "models", says: "ONNX, torch.export", by: ["ONNX", "torch.export"], at: 1, side: "left" },
  { is: "models, rewritten", says: "RMSNorms, centered weights", by: ["surgery"], at: 2, side: "right" },
];
