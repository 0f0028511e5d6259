/**
 * Runs in Deno: compiles the kernels in the subfolders of a folder with wgpu, and prints the rejected ones as JSON.
 *
 *   deno run --unstable-webgpu -A scripts/naga-check.mjs FOLDER
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

const folder = process.argv[2];
const adapter = await navigator.gpu?.requestAdapter();
if (!adapter) {
  console.error("Deno found no WebGPU adapter; on Linux it needs a Vulkan driver");
  process.exit(1);
}
// Deno 2.9 grants `subgroups` on request, though its adapters do not list it.
const device = await adapter.requestDevice({ requiredFeatures: ["subgroups", "shader-f16"] });

/** wgpu's error for a kernel, if there is one. */
async function refusal(wgsl, constants) {
  device.pushErrorScope("validation");
  // naga supports subgroup functions, but not yet the directive (gfx-rs/wgpu#5555).
  const module = device.createShaderModule({ code: wgsl.replace("enable subgroups;", "") });
  for (const [, entryPoint] of wgsl.matchAll(/@compute[^{]*?\bfn\s+(\w+)/g)) {
    device.createComputePipeline({ layout: "auto", compute: { module, entryPoint, constants } });
  }
  return (await device.popErrorScope())?.message;
}

const refused = [];
const seen = new Set();
for (const entry of readdirSync(folder, { recursive: true }).sort()) {
  const name = entry.slice(-29);
  if (!entry.endsWith(".json") || seen.has(name)) continue;
  seen.add(name);
  const { wgsl, constants } = JSON.parse(readFileSync(join(folder, entry), "utf8"));
  const message = await refusal(wgsl, constants);
  if (message !== undefined) refused.push({ name, message, wgsl });
}
const { device: card, description } = adapter.info;
console.log(JSON.stringify({ adapter: `${card} (${description})`, refused }));
