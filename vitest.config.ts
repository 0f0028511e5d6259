import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/global-setup.ts"],
    // Processes, not threads: the Vulkan loader reads the environment of the process, which a thread cannot set.
    pool: "forks",
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
