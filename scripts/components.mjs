/**
 * The components of the sources, low to high: a file imports from its own layer or a lower one. `npm run check:imports`
 * checks this, and docs/architecture.md is generated from it. The longest path that matches a file decides its
 * component.
 */
const component = (name, paths, does) => ({ name, paths, does });

/** Components of one layer may import each other, unless they are `apart`. */
export const layers = [
  { components: [component("grammar", ["grammar/"], "the syntax of the language, in ohm")] },
  {
    components: [
      component(
        "launcher",
        ["src/launch/"],
        "binds tensors to a kernel and dispatches it; generated modules include its text",
      ),
    ],
  },
  {
    components: [component("diagnostics", ["src/diagnostics/"], "every message, and the pages of `tirc explain`")],
  },
  {
    components: [
      component(
        "tensor IR",
        ["src/ir/"],
        "values, ops and functions; the op table (`ops/`); types, verifier, printer, interpreter in float64",
      ),
      // Rows of the op table contain kernel expressions and reductions.
      component(
        "kernel IR",
        ["src/kernel/"],
        "expressions, loops and reductions of a kernel; its verifier and interpreter",
      ),
    ],
  },
  {
    apart: true,
    components: [
      component("parser", ["src/parse/"], "text to tensor IR: syntax, names, types"),
      component(
        "pass",
        ["src/pass/"],
        "the interface of a pass: its options, the facts it reports, and the provenance of values",
      ),
      component("ONNX", ["src/onnx/"], "an ONNX model as tensor IR, by a rule for each operator"),
    ],
  },
  { components: [component("torch.export", ["src/pt2/"], "a `torch.export` archive as such a model")] },
  {
    apart: true,
    components: [
      component("passes", ["passes/"], "the passes, one file each, and the default pipeline"),
      // Receives the passes that pipelines may name as arguments.
      component("pass manager", ["src/pass-manager/"], "runs a pipeline: checks, statistics, instruments, history"),
    ],
  },
  {
    components: [
      component(
        "target",
        ["src/target/"],
        "devices that kernels are compiled for: profiles, rates, measured schedules; manifests of kernels",
      ),
      component("plan", ["src/plan/"], "a function as several kernels: outlining, split reductions, memory"),
    ],
  },
  {
    components: [
      component(
        "code generation",
        ["codegen/"],
        "from a function to a schedule, a kernel program, WGSL and its manifest",
      ),
    ],
  },
  {
    components: [
      component(
        "driver",
        ["src/driver/"],
        "the steps of compilation in order (`compile.ts`), and other operations on a module",
      ),
      component(
        "emission",
        ["src/emit/"],
        "kernels and plans as modules of TypeScript, TypeGPU and Rust, and as compact data",
      ),
    ],
  },
  {
    components: [
      component("language service", ["src/language/"], "completion, hover, rename and others, for any editor"),
    ],
  },
  { components: [component("language server", ["src/lsp/"], "the same over the Language Server Protocol")] },
  {
    components: [
      component("surgery", ["src/surgery/"], "rewrites the norms of an ONNX model, and their weights"),
      component("torch.export writer", ["src/pt2/write/"], "the same for `torch.export` archives"),
      component("extraction", ["src/extract/"], "norms of a model as kernels, and the rest as pieces between them"),
      component("file tests", ["src/testing/"], "the runner of `test/filetests`, for custom passes too"),
    ],
  },
  {
    components: [
      component("runtime", ["src/runtime/"], "the launcher with diagnostics, conversion of arrays, and timing"),
    ],
  },
  { components: [component("formats", ["src/formats/"], "tensor files: npy, safetensors")] },
  {
    components: [
      component(
        "comparison",
        ["src/compare/"],
        "inputs for a function, and comparison of results with the interpreter's",
      ),
    ],
  },
  {
    components: [component("checkpoints", ["src/checkpoint/"], "surgery on Hugging Face checkpoints, by architecture")],
  },
  { components: [component("reports", ["src/report/"], "the reports of surgery and its checks, as text and HTML")] },
  {
    components: [
      component("integrations", ["src/integrations/"], "kernels on tensors of onnxruntime-web and TensorFlow.js"),
    ],
  },
  {
    components: [
      component("measurement", ["src/bench/"], "times of kernels, copies and other libraries; tuning of schedules"),
    ],
  },
  { components: [component("library", ["src/index.ts", "src/onnx/index.ts"], "what the package exports")] },
  { components: [component("bundlers", ["src/bundlers/"], "plugins for Vite, Rollup, webpack, esbuild and Rspack")] },
  { components: [component("command", ["src/cli/"], "the command `tirc`")] },
  { components: [component("examples", ["examples/"], "programs, and pages that use them")] },
  { components: [component("playground", ["playground/"], "the page that compiles and runs programs")] },
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
