import { configDefaults, defineConfig } from "vitest/config";
import { base } from "./vitest.config.ts";

/**
 * `npm run test:deep`: the files named `*.deep.test.ts`, campaigns of minutes and what is timed, and random
 * kernels, graphs and texts in many more runs than usual.
 */
export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: [
      "test/**/*.deep.test.ts",
      "test/passes/exact.test.ts",
      "test/parse/{many-errors.test,limits.slow.test}.ts",
      "test/{api-reference,packaging,passes/centering,passes/norm-like,codegen/rounding,codegen/choice,codegen/hard-rows,playground/access,playground/site}.slow.test.ts",
      "test/{examples,codegen/batch,codegen/differential,codegen/row-bits,codegen/row-lengths,codegen/shapes,onnx/surgery-random,parse/grammar}.slow.test.ts",
    ],
    exclude: configDefaults.exclude,
    env: { TIRC_FUZZ_RUNS: process.env.TIRC_FUZZ_RUNS ?? "2000" },
    testTimeout: 3_600_000,
  },
});
