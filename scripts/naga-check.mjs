/**
 * In Deno: gives the kernels in the folders of a folder to wgpu, and prints as JSON what it refuses.
 *
 *   deno run --unstable-webgpu -A scripts/naga-check.mjs FOLDER
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

const folder = process.argv[2];
const adapter = await navigator.gpu?.requestAdapter();
if (!adapter) {
  console.error("Deno finds no WebGPU adapter; on Linux it needs a Vulkan driver");
  process.exit(1);
}
// Deno 2.9 gives `subgroups` to who asks for it, though its adapters do not list it.
const device = await adapter.requestDevice({ requiredFeatures: ["subgroups", "shader-f16"] });

/** What wgpu has against it, if anything. */
async function refusal(wgsl, constants) {
  device.pushErrorScope("validation");
  // naga knows the functions of subgroups, and not yet the directive (gfx-rs/wgpu#5555).
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
