/**
 * In Deno: gives the kernels in a folder to wgpu, and prints as JSON what it takes. A kernel that needs a feature which the
 * adapter lacks is skipped.
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
const requiredFeatures = ["subgroups", "shader-f16"].filter((feature) => adapter.features.has(feature));
const device = await adapter.requestDevice({ requiredFeatures });

/** What wgpu has against it, if anything. */
async function refusal({ wgsl, constants }) {
  device.pushErrorScope("validation");
  const module = device.createShaderModule({ code: wgsl });
  device.createComputePipeline({ layout: "auto", compute: { module, entryPoint: "main", constants } });
  return (await device.popErrorScope())?.message;
}

const refused = [];
let taken = 0;
const lacking = {};
for (const name of readdirSync(folder).sort()) {
  const kernel = JSON.parse(readFileSync(join(folder, name), "utf8"));
  const missing = kernel.requiredFeatures.filter((feature) => !requiredFeatures.includes(feature));
  if (missing.length > 0) {
    lacking[missing.join(", ")] = (lacking[missing.join(", ")] ?? 0) + 1;
    continue;
  }
  const message = await refusal(kernel);
  if (message === undefined) taken++;
  else refused.push({ name, message });
}
const { device: card, description } = adapter.info;
const skipped = Object.values(lacking).reduce((sum, count) => sum + count, 0);
console.log(JSON.stringify({ adapter: `${card} (${description})`, taken, skipped, lacking, refused }));
