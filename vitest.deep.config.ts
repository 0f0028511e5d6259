import { configDefaults, defineConfig, mergeConfig } from "vitest/config";
import whole from "./vitest.config.ts";

/** `npm run test:deep`: the files named `*.deep.test.ts`, campaigns of minutes and what is timed. */
export default mergeConfig(
  { ...whole, test: { ...whole.test, include: [], exclude: [] } },
  defineConfig({ test: { include: ["test/**/*.deep.test.ts"], exclude: configDefaults.exclude } }),
);
