import { configDefaults, defineConfig } from "vitest/config";
import { alone, base } from "./vitest.config.ts";

/** Files of more than a second or two that are not named `slow`: most have a slower one of the same name beside them. */
const long = [
  "test/parse/{fuzz,grammar}.test.ts",
  "test/codegen/{counting,refusals,word-stores,valid,halves,source-map,rms-kernels,workgroup-memory}.test.ts",
  "test/cli/{outputs,run}.test.ts",
  "test/reports/{runtime,numerics,onnx-surgery}.test.ts",
  "test/passes/{centering,min-cut}.test.ts",
  "test/onnx/{cases,exported-norms}.test.ts",
  "test/{norm-records,browser-safe,emit-module,transcripts}.test.ts",
  "test/{runtime/launching,ir/op-table,onnx/every-norm,onnx/norm-forms,diagnostics/fixes,codegen/blocks,codegen/minify}.test.ts",
  "test/{runtime/execute,language/whole-file,playground/analyze,playground/link,diagnostics/idioms}.test.ts",
  "test/{check,onnx/reasons,onnx/raise-opset,onnx/reading}.test.ts",
  "test/{checkpoint/surgery,plan/split,plan/long-rows,plan/opaque,codegen/rates,filetests}.test.ts",
  "test/{passes/exact,pass-manager/provenance,ir/field}.test.ts",
  "test/{codegen/subgroup-size,codegen/factor-sums,cli/compile,ir/random-bits,plan/runnable,passes/norm-algebra}.test.ts",
  "test/{recipes,apply-fused-rms-norm,diagnostics/bundled,cli/terminal,plan/partition,plan/plan}.test.ts",
  "test/{passes/algebra-savings,integrations/onnxruntime,plan/partial-reductions,codegen/written-out}.test.ts",
];

/**
 * `npm run test:quick`: all but those, those that need a process of their own, and the files named `*.slow.test.ts`
 * (differential, fuzzing, large sizes, packaging).
 */
export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: ["test/**/*.test.ts"],
    exclude: [...configDefaults.exclude, "test/**/*.{slow,deep}.test.ts", ...alone, ...long],
    isolate: false,
  },
});
