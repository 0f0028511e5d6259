/**
 * Compares kernels whose row length is known only at launch with the same kernels for a length written in the program:
 * medians of the ratios of interleaved runs on one device.
 *
 *   npm run build && npm run bench:lengths -- [--rounds 15] [--lengths 64,768,769,4096]
 *
 * TIRC_ADAPTER chooses the device.
 */
import { compile, parse } from "../dist/src/index.js";
import { prepare, targetFromDevice } from "../dist/src/runtime/index.js";
import { measure, median } from "../dist/src/runtime/measure.js";
import { openDevice } from "../dist/src/runtime/node.js";
import { count, listOf, scriptOptions } from "./options.mjs";

const {
  values: { rounds, lengths },
} = scriptOptions("npm run bench:lengths -- [--rounds N] [--lengths N,N,...]", {
  options: { rounds: { kind: count, default: "15" }, lengths: { kind: listOf(count), default: "64,768,769,4096" } },
});
/** The number of elements in each tensor. */
const elements = 2 ** 21;

const norm = "axes = [-1], eps = 1e-5";
const programs = {
  LayerNorm: (n) =>
    `fn f(x: f32[r, ${n}], g: f32[${n}], b: f32[${n}]) -> f32[r, ${n}] { return layernorm(x, g, b, ${norm}) }`,
  RMSNorm: (n) => `fn f(x: f32[r, ${n}], g: f32[${n}]) -> f32[r, ${n}] { return rmsnorm(x, g, ${norm}) }`,
  softmax: (n) => `fn f(x: f32[r, ${n}]) -> f32[r, ${n}] { return softmax(x, axes = [-1]) }`,
  "GELU(LayerNorm(x + residual))": (n) =>
    `fn f(x: f32[r, ${n}], s: f32[r, ${n}], g: f32[${n}], b: f32[${n}]) -> f32[r, ${n}] {
      return gelu(layernorm(x + s, g, b, ${norm}))
    }`,
  "values of int8": (n) => `fn f(x: f32[r, ${n}], g: f32[${n}]) -> (y: f32[r, ${n}], scale: f32[r, 1]) {
      let h = rmsnorm(x, g, ${norm})
      let scale = max(abs(h), axes = [-1], keepdims = true) / 127
      return round(h / scale), scale
    }`,
};

const { device, close } = await openDevice({ adapter: process.env.TIRC_ADAPTER });
const target = targetFromDevice(device);

/** Buffer usages, for which Node has no names. */
const [COPY_DST, STORAGE] = [8, 128];

/** A kernel with its own buffers. */
async function bound(text, dims) {
  const [kernel] = compile(parse(text), { target }).kernels;
  const prepared = await prepare(device, kernel);
  const tensors = {};
  for (const { name, shape } of kernel.manifest.bindings.filter(({ access }) => access === "read")) {
    const size = shape.reduce((product, dim) => product * (dims[dim] ?? dim), 1);
    tensors[name] = device.createBuffer({ size: 4 * size, usage: STORAGE | COPY_DST });
    device.queue.writeBuffer(
      tensors[name],
      0,
      Float32Array.from({ length: size }, (_, i) => 3 * Math.sin(13 * i)),
    );
  }
  return prepared.bind(tensors, dims);
}

console.log(
  `${device.adapterInfo.device}: time with a length known only at launch, relative to a length in the program`,
);
for (const [name, program] of Object.entries(programs)) {
  const parts = [];
  for (const n of lengths) {
    const r = Math.max(64, Math.floor(elements / n));
    const both = [await bound(program(n), { r }), await bound(program("n"), { r, n })];
    const [written, open] = await measure(device, both, rounds);
    parts.push(`${n}: ${median(open.map((time, i) => time / written[i])).toFixed(2)}`);
    for (const one of both) one.destroy();
  }
  console.log(`${name.padEnd(30)} ${parts.join("   ")}`);
}
close();
