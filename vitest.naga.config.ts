import { defineConfig, mergeConfig } from "vitest/config";
import whole from "./vitest.config.ts";

/**
 * What `generateKernel` becomes: it writes each kernel that it makes, once, into a folder for the test file within the one that
 * TIRC_KERNELS names.
 */
const keeping = `
import { createHash as hashOf } from "node:crypto";
import { existsSync as isThere, mkdirSync as makeFolder, writeFileSync as writeKept } from "node:fs";
export const generateKernel: typeof generateKernelOnly = (...args) => {
  const kernel = generateKernelOnly(...args);
  const { wgsl, manifest: { overrides } } = kernel;
  const file = globalThis.__vitest_worker__.filepath.slice(process.cwd().length + 1);
  const folder = process.env.TIRC_KERNELS + "/" + file.replace(/[\\\\/]/g, "+");
  const path = folder + "/" + hashOf("sha256").update(wgsl).digest("hex").slice(0, 24) + ".json";
  const constants = Object.fromEntries(overrides.map(({ constant }) => [constant, 24]));
  makeFolder(folder, { recursive: true });
  if (!isThere(path)) writeKept(path, JSON.stringify({ wgsl, constants }));
  return kernel;
};
`;

/** scripts/naga.mjs runs the tests with this. */
export default mergeConfig(
  whole,
  defineConfig({
    // No other run must find what the plugin makes of a module.
    test: { experimental: { fsModuleCache: false } },
    plugins: [
      {
        name: "keep-kernels",
        enforce: "pre",
        transform(code, id) {
          if (!id.endsWith("/codegen/generate.ts")) return undefined;
          const own = code.replace("export function generateKernel(", "function generateKernelOnly(");
          if (own === code) throw new Error("codegen/generate.ts has no function generateKernel");
          return own + keeping;
        },
      },
    ],
  }),
);
