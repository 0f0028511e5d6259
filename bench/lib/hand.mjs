/**
 * Hand-written kernels: a subgroup per row, vectors of four, two reads of the row, Welford merged by Chan's formula.
 */

import { mostWorkgroups } from "../../dist/src/launch/counts.js";
import { download, upload } from "./device.mjs";

export const name = "by hand";

const gelu = `fn erf4(x: vec4f) -> vec4f {
  // Abramowitz and Stegun 7.1.26
  let t = 1.0 / (1.0 + 0.3275911 * abs(x));
  let p = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return sign(x) * (1.0 - p * exp(-x * x));
}`;

const kernels = {
  layernorm: { moments: true, value: (at) => `x[${at}]`, end: "(v - mean) * scale * gamma[unit] + beta[unit]" },
  rmsnorm: { moments: false, value: (at) => `x[${at}]`, end: "v * scale * gamma[unit]" },
  chain: {
    moments: true,
    value: (at) => `(x[${at}] + residual[${at}] + bias[unit])`,
    end: "gelu4((v - mean) * scale * gamma[unit] + beta[unit])",
  },
};

function wgslOf({ moments, value, end }, inputs, rows, n, lanes) {
  const units = n / 4;
  const names = [...inputs, "y"];
  const access = (i) => (i < inputs.length ? "read" : "read_write");
  const buffers = names.map(
    (buffer, i) => `@group(0) @binding(${i}) var<storage, ${access(i)}> ${buffer}: array<vec4f>;`,
  );
  const begin = moments
    ? `var count = 0.0; var m = vec4f(); var m2 = vec4f();
  for (var unit = lane; unit < ${units}u; unit += ${lanes}u) {
    let v = ${value("start + unit")}; count += 1.0; let d = v - m; m += d / count; m2 += d * (v - m);
  }
  let own = (m.x + m.y + m.z + m.w) * 0.25;
  let off = m - own;
  var state = vec3f(count * 4.0, own, dot(m2, vec4f(1.0)) + count * dot(off, off));
  for (var mask = 1u; mask < ${lanes}u; mask *= 2u) {
    let other = vec3f(subgroupShuffleXor(state.x, mask), subgroupShuffleXor(state.y, mask), subgroupShuffleXor(state.z, mask));
    let total = state.x + other.x; let d = other.y - state.y; let w = other.x / max(total, 1.0);
    state = vec3f(total, state.y + d * w, state.z + other.z + d * d * state.x * w);
  }
  let mean = state.y; let scale = inverseSqrt(state.z / ${n}.0 + 1e-5);`
    : `var sum = vec4f();
  for (var unit = lane; unit < ${units}u; unit += ${lanes}u) { let v = ${value("start + unit")}; sum += v * v; }
  let scale = inverseSqrt(subgroupAdd(dot(sum, vec4f(1.0))) / ${n}.0 + 1e-5);`;
  return `enable subgroups;
${buffers.join("\n")}
${end.includes("gelu4") ? `${gelu}\nfn gelu4(x: vec4f) -> vec4f { return 0.5 * x * (1.0 + erf4(x * 0.70710678)); }` : ""}
@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = min(group.x + group.y * ${mostWorkgroups}u, ${rows - 1}u);
  let start = row * ${units}u;
  ${begin}
  for (var unit = lane; unit < ${units}u; unit += ${lanes}u) { let v = ${value("start + unit")}; y[start + unit] = ${end}; }
}`;
}

const folded = (count) => [Math.min(count, mostWorkgroups), Math.ceil(count / mostWorkgroups)];

function pipelineOf(device, wgsl, buffers) {
  const module = device.createShaderModule({ code: wgsl });
  const pipeline = device.createComputePipeline({ layout: "auto", compute: { module, entryPoint: "main" } });
  const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
  return { pipeline, groups: [[0, [device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries })]]] };
}

export async function open({ device, target }) {
  return {
    async prepare(op, [rows, n], data) {
      const { key } = op;
      const lanes = target.subgroup?.min;
      if (kernels[key] === undefined || op.wrt) throw new Error("not written");
      if (n % 4 !== 0) throw new Error("only for rows of vectors");
      if (lanes === undefined) throw new Error("the device has no subgroups");
      const inputs = Object.keys(op.inputs);
      const out = upload(device, new Float32Array(rows * n));
      const buffers = [...inputs.map((input) => upload(device, data[input])), out];
      const own = pipelineOf(device, wgslOf(kernels[key], inputs, rows, n, lanes), buffers);
      return {
        launch() {
          const encoder = device.createCommandEncoder();
          const pass = encoder.beginComputePass();
          pass.setPipeline(own.pipeline);
          pass.setBindGroup(0, ...own.groups[0][1]);
          pass.dispatchWorkgroups(...folded(rows));
          pass.end();
          device.queue.submit([encoder.finish()]);
        },
        results: async ([count]) => [await download(device, out, count)],
      };
    },
  };
}
