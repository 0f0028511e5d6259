/** A custom pass in a pipeline: replaces GELU by ReLU, and compiles the result. */
import { builtins, compile, definePass, PassManager, parse, printIr, rewriteFn, timing } from "tirc";

const geluToRelu = definePass({
  name: "gelu-to-relu",
  summary: "Replaces GELU by ReLU, which is cheaper and not the same.",
  options: {},
  run: (fn, context) =>
    rewriteFn(fn, (op, builder) => {
      if (op.name !== "gelu") return undefined;
      context.count("gelus replaced");
      context.assume({ because: "ReLU is taken for GELU" });
      return builder.emit("relu", [op.operand(0)]);
    }),
});

const module = parse("fn f(x: f32[rows, 64]) -> f32[rows, 64] { return gelu(x * 2) }", { file: "f.tir" });

// By itself: returns what the pipeline makes of the module and leaves the original unchanged.
const manager = new PassManager(["canonicalize", geluToRelu, "fuse-elementwise"], {
  builtins,
  instruments: [timing(), printIr({ after: "change" })],
});
const { changed, statistics } = manager.run(module);
console.log(String(manager), changed, statistics["gelu-to-relu"]);

// As part of a compilation.
const { kernels } = compile(module, { passes: [geluToRelu, "default"] });
console.log(kernels[0]?.wgsl);
