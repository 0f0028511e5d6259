/**
 * `npm run bench:norms [-- ROUNDS]`: kernel times of a LayerNorm, and of the RMSNorm that is left of it where its rows are
 * proved centered, as multiples of a plain copy of the same tensor. Timestamps on the adapter at hand, in turn, medians.
 * Needs dist/.
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
if (!existsSync(`${root}dist/src/index.js`)) {
  console.error("dist/ is missing: run `npm run build` first");
  process.exit(1);
}
const { compile, parse } = await import(`${root}dist/src/index.js`);
const { openDevice } = await import(`${root}dist/src/runtime/node.js`);

const rounds = Number(process.argv[2] ?? 31);
const shapes = [
  [4096, 64],
  [4096, 768],
  [2048, 1024],
  [1024, 4096],
  [256, 16384],
  [4096, 769],
];
const { globals } = await import("webgpu");
const { GPUBufferUsage, GPUMapMode } = globals;
const { device, description, target, close } = await openDevice({ requiredFeatures: ["timestamp-query"] });

const program = (contract) => `fn f(x: f32[rows, n]${contract}, gamma: f32[n], beta: f32[n]) -> f32[rows, n] {
  return layernorm(x, gamma, beta, axes = [-1])
}`;

function kernelOf(text, [rows, n]) {
  const { kernels } = compile(parse(text), { target, dims: { rows, n } });
  const { wgsl, manifest } = kernels[0];
  const groups = Math.ceil(rows / manifest.dispatch.rowsPerWorkgroup);
  const buffers = manifest.bindings.map(({ binding, shape }) => ({
    binding,
    bytes: 4 * shape.reduce((a, b) => a * b, 1),
  }));
  return { wgsl, buffers, groups: [Math.min(groups, 65535), Math.ceil(groups / 65535)] };
}

/** The best of several geometries of a copy, four elements a lane or a loop of them. */
function copies([rows, n]) {
  const vectors = Math.ceil((rows * n) / 4);
  return [64, 256].flatMap((size) =>
    [1, 4, 16].map((steps) => {
      const groups = Math.ceil(vectors / (size * steps));
      const wgsl = `
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@compute @workgroup_size(${size}) fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let first = (group.x + group.y * 65535u) * ${size * steps}u + local;
  for (var step = 0u; step < ${steps}u; step++) {
    let i = first + step * ${size}u;
    if (i < ${vectors}u) { y[i] = x[i]; }
  }
}`;
      const bytes = 16 * vectors;
      const buffers = [0, 1].map((binding) => ({ binding, bytes }));
      return { wgsl, buffers, groups: [Math.min(groups, 65535), Math.ceil(groups / 65535)] };
    }),
  );
}

const querySet = device.createQuerySet({ type: "timestamp", count: 2 });
const resolved = device.createBuffer({ size: 16, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC });
const readable = device.createBuffer({ size: 16, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ });

async function prepare({ wgsl, buffers, groups }) {
  const module = device.createShaderModule({ code: wgsl });
  const pipeline = await device.createComputePipelineAsync({ layout: "auto", compute: { module, entryPoint: "main" } });
  const made = buffers.map(({ binding, bytes }) => {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
    const buffer = device.createBuffer({ size: Math.ceil(bytes / 16) * 16, usage });
    const data = Float32Array.from({ length: Math.ceil(bytes / 4) }, (_, i) => Math.sin(i * 12.9898) * 2);
    device.queue.writeBuffer(buffer, 0, data);
    return { binding, buffer };
  });
  const entries = made.map(({ binding, buffer }) => ({ binding, resource: { buffer } }));
  const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
  const time = async () => {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass({
      timestampWrites: { querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 },
    });
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(...groups);
    pass.end();
    encoder.resolveQuerySet(querySet, 0, 2, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, readable, 0, 16);
    device.queue.submit([encoder.finish()]);
    await readable.mapAsync(GPUMapMode.READ);
    const [from, to] = new BigUint64Array(readable.getMappedRange().slice(0));
    readable.unmap();
    return Number(to - from) / 1e6;
  };
  const free = () => {
    for (const { buffer } of made) buffer.destroy();
  };
  return { time, free };
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

console.log(`on ${description}, ${rounds} rounds, multiples of the copy's time`);
console.log("| rows x hidden | copy, ms | LayerNorm | RMSNorm | RMSNorm / LayerNorm |\n|---|---|---|---|---|");
for (const shape of shapes) {
  const kernels = [...["", " @centered(-1)"].map((contract) => kernelOf(program(contract), shape)), ...copies(shape)];
  const prepared = [];
  for (const kernel of kernels) prepared.push(await prepare(kernel));
  const times = prepared.map(() => []);
  for (let round = 0; round < rounds + 2; round++) {
    for (const [i, { time }] of prepared.entries()) {
      const taken = await time();
      // The first rounds warm up.
      if (round >= 2) times[i].push(taken);
    }
  }
  const [layerNorm, rmsNorm, ...copy] = times.map(median);
  const best = Math.min(...copy);
  const ratio = median(times[1].map((value, i) => value / times[0][i]));
  const cells = [shape.join(" x "), best.toFixed(2), (layerNorm / best).toFixed(1), (rmsNorm / best).toFixed(1)];
  console.log(`| ${cells.join(" | ")} | ${ratio.toFixed(2)} |`);
  for (const { free } of prepared) free();
}
close();
