import { defineConfig, mergeConfig } from "vitest/config";
import whole from "./vitest.config.ts";

/** What `generateKernel` becomes: it writes each kernel that it makes, once, into the folder that TIRC_KERNELS names. */
const keeping = `
import { createHash as hashOf } from "node:crypto";
import { existsSync as isThere, writeFileSync as writeKept } from "node:fs";
export const generateKernel: typeof generateKernelOnly = (...args) => {
  const kernel = generateKernelOnly(...args);
  const { wgsl, manifest: { overrides, requiredFeatures } } = kernel;
  const path = process.env.TIRC_KERNELS + "/" + hashOf("sha256").update(wgsl).digest("hex").slice(0, 24) + ".json";
  const constants = Object.fromEntries(overrides.map(({ constant }) => [constant, 24]));
  if (!isThere(path)) writeKept(path, JSON.stringify({ wgsl, constants, requiredFeatures }));
  return kernel;
};
`;

/** scripts/naga.mjs runs the tests with this. */
export default mergeConfig(
  whole,
  defineConfig({
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
