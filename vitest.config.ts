import { defineConfig } from "vitest/config";

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
    globalSetup: ["test/support/global-setup.ts"],
    // Processes, not threads: the Vulkan loader reads the environment of the process, which a thread cannot set.
    pool: "forks",
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
