import { availableParallelism } from "node:os";
import { configDefaults, defineConfig } from "vitest/config";

const path = (file: string) => new URL(file, import.meta.url).pathname;

export default defineConfig({
  // Examples import the package by its name.
  resolve: {
    alias: [
      { find: /^tirc$/, replacement: path("src/index.ts") },
      { find: /^tirc\/runtime$/, replacement: path("src/runtime/index.ts") },
    ],
  },
  test: {
    include: ["test/**/*.test.ts"],
    // `npm run test:deep` runs these.
    exclude: [...configDefaults.exclude, "test/**/*.deep.test.ts"],
    globalSetup: ["test/support/global-setup.ts"],
    // Processes, not threads: the Vulkan loader reads the environment of the process, which a thread cannot set.
    pool: "forks",
    // Left to itself vitest keeps one core free, which on two is half of them.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
