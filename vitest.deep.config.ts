import { readdirSync, readFileSync } from "node:fs";
import { configDefaults, defineConfig } from "vitest/config";
import { base } from "./vitest.config.ts";

/** Of all tests, the files that do more in deep runs than usual: they ask whether this is one. */
const deeper = readdirSync("test", { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".test.ts"))
  .map((file) => `test/${file}`)
  .filter((file) => /support\/deep\.ts|TIRC_FUZZ_RUNS|targetsInTurn|targetsForRows/.test(readFileSync(file, "utf8")));

/**
 * `npm run test:deep`: the files named `*.deep.test.ts`, campaigns of minutes and what is timed, and random
 * kernels, graphs and texts in many more runs than usual.
 */
export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: ["test/**/*.deep.test.ts", ...deeper],
    exclude: configDefaults.exclude,
    provide: { isAlone: true },
    env: { TIRC_FUZZ_RUNS: process.env.TIRC_FUZZ_RUNS ?? "2000" },
    testTimeout: 3_600_000,
  },
});
