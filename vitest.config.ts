import { availableParallelism } from "node:os";
import { configDefaults, defineConfig, type ViteUserConfig } from "vitest/config";

/**
 * Files that need a process of their own: they exchange modules, lose devices, grow, or are timed. Those that count work exchange
 * the iterators of arrays, after which spreads take twenty times as long in that process.
 */
export const alone = [
  "test/*.slow.test.ts",
  "test/{bundlers,cli,integrations,lsp,parse,playground,runtime}/**/*.slow.test.ts",
  "test/cli/crash.test.ts",
  "test/runtime/{destroy,device-errors,outside}.test.ts",
  "test/codegen/many-reductions.slow.test.ts",
  "test/onnx/{hostile.test,surgery-streams.slow.test}.ts",
  "test/parse/{format,limits,many-errors}.test.ts",
  "test/support/{counted-work,tint}.test.ts",
];

const excluded = [...configDefaults.exclude, "test/**/*.deep.test.ts"];

const path = (file: string) => new URL(file, import.meta.url).pathname;

export const base = {
  // Examples import the package by its name.
  resolve: {
    alias: [
      { find: /^tirc$/, replacement: path("src/index.ts") },
      { find: /^tirc\/launch$/, replacement: path("src/launch/index.ts") },
      { find: /^tirc\/onnxruntime$/, replacement: path("src/integrations/onnxruntime.ts") },
      { find: /^tirc\/runtime$/, replacement: path("src/runtime/index.ts") },
      { find: /^tirc\/tfjs$/, replacement: path("src/integrations/tfjs.ts") },
    ],
  },
  test: {
    globalSetup: ["test/support/global-setup.ts"],
    setupFiles: ["test/support/verify-exactly.ts"],
    // Processes, not threads: the Vulkan loader reads the environment of the process, which a thread cannot set.
    pool: "forks",
    // Left to itself vitest keeps one core free, which on two is half of them.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // What Vite makes of the modules serves all three projects, and the next run: six seconds of a processor each.
    experimental: { fsModuleCache: true },
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
} as const satisfies ViteUserConfig;

export default defineConfig({
  ...base,
  test: {
    ...base.test,
    // Files of the first share their processes, so that each module is loaded once and not a hundred times.
    projects: [
      {
        extends: true,
        test: {
          ...{ name: "shared", include: ["test/**/*.test.ts"], isolate: false },
          exclude: [...excluded, "test/**/*.slow.test.ts", ...alone],
        },
      },
      // All others, so that none is in no project: they compile and run kernels, and change nothing that another file sees.
      {
        extends: true,
        test: {
          ...{ name: "slow", include: ["test/**/*.slow.test.ts"], isolate: false },
          exclude: [...excluded, ...alone],
        },
      },
      // `npm run test:deep` runs what is deep.
      { extends: true, test: { name: "alone", include: alone, exclude: excluded, provide: { isAlone: true } } },
    ],
  },
});
