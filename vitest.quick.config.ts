import { defineConfig, mergeConfig } from "vitest/config";
import whole from "./vitest.config.ts";

/** Files of more than three seconds that are not named `slow`: most have a slower one of the same name beside them. */
const long = [
  "test/parse/{many-errors,fuzz,grammar,limits,format}.test.ts",
  "test/codegen/{counting,refusals,valid,halves,source-map,rms-kernels,workgroup-memory}.test.ts",
  "test/cli/{outputs,run}.test.ts",
  "test/reports/{runtime,numerics,onnx-surgery}.test.ts",
  "test/passes/{centering,min-cut}.test.ts",
  "test/onnx/{hostile,cases,exported-norms}.test.ts",
  "test/{norm-records,browser-safe,emit-module,transcripts}.test.ts",
  "test/{runtime/execute,language/whole-file,playground/analyze,diagnostics/idioms}.test.ts",
];

/** Files that need a process of their own: they exchange modules, or lose devices. */
const alone = [
  "test/cli/crash.test.ts",
  "test/runtime/{destroy,device-errors,outside}.test.ts",
  "test/support/tint.test.ts",
];

/**
 * `npm run test:quick`: all but those, and the files named `*.slow.test.ts` (differential, fuzzing, large sizes, packaging).
 * Files share their process, so that each module is loaded once and not eighty times.
 */
export default mergeConfig(
  whole,
  defineConfig({ test: { exclude: ["test/**/*.slow.test.ts", ...long, ...alone], isolate: false } }),
);
