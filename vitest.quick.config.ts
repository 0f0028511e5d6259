import { defineConfig, mergeConfig } from "vitest/config";
import whole from "./vitest.config.ts";

/** `npm run test:quick`: all but the files named `*.slow.test.ts` (differential, fuzzing, large sizes, packaging). */
export default mergeConfig(whole, defineConfig({ test: { exclude: ["test/**/*.slow.test.ts"] } }));
