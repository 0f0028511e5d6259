import { configDefaults, defineConfig, mergeConfig } from "vitest/config";
import whole from "./vitest.config.ts";

/**
 * `npm run test:deep`: the files named `*.deep.test.ts`, campaigns of minutes and what is timed, and random
 * kernels, graphs and texts in many more runs than usual.
 */
export default mergeConfig(
  { ...whole, test: { ...whole.test, include: [], exclude: [] } },
  defineConfig({
    test: {
      include: [
        "test/**/*.deep.test.ts",
        "test/{codegen/differential,codegen/row-bits,onnx/surgery-random,parse/grammar}.slow.test.ts",
      ],
      exclude: configDefaults.exclude,
      env: { TIRC_FUZZ_RUNS: process.env.TIRC_FUZZ_RUNS ?? "2000" },
      testTimeout: 3_600_000,
    },
  }),
);
