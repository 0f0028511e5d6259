/** What recording a dispatch costs the processor, in Node and in a page: scripts/bench-launch.mjs runs it in both. */
import { compile, parse } from "../dist/src/index.js";
import { prepare, targetFromDevice } from "../dist/src/runtime/index.js";
import { median } from "../dist/src/runtime/measure.js";

const source = "fn scores(s: f32[heads, k]) -> (p: f32[heads, k]) { return softmax(s * 0.125, axes = [-1]) }";

/**
 * Microseconds of a dispatch in a pass of 500: medians of rounds in turn. `bare` are the calls of WebGPU without the
 * pipeline's; `set` and `bound` set it for each, `again` for the first.
 */
export async function dispatchTimes(device) {
  const kernel = await prepare(device, compile(parse(source), { target: targetFromDevice(device) }).kernels[0]);
  const [s, p] = [0, 1].map(() => device.createBuffer({ size: 64, usage: 128 }));
  const bound = kernel.bind({ s, p }, { heads: 1, k: 16 });
  // The calls that a bound dispatch makes, as it makes them.
  const made = {};
  bound.dispatch({
    setPipeline: (pipeline) => Object.assign(made, { pipeline }),
    setBindGroup: (_, group) => Object.assign(made, { group }),
    dispatchWorkgroups: (...size) => Object.assign(made, { size }),
  });
  const [x, y] = made.size;
  const bare = (pass) => {
    pass.setBindGroup(0, made.group);
    pass.dispatchWorkgroups(x, y);
  };
  const set = (pass) => {
    pass.setPipeline(made.pipeline);
    bare(pass);
  };
  const kinds = {
    bare,
    set,
    bound: (pass) => bound.dispatch(pass),
    again: (pass, pipeline) => bound.dispatch(pass, pipeline),
  };
  const frame = (dispatch) => {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    let pipeline = bound.dispatch(pass);
    const start = performance.now();
    for (let i = 0; i < 500; i++) pipeline = dispatch(pass, pipeline);
    const time = performance.now() - start;
    pass.end();
    encoder.finish();
    return time * 2;
  };
  const times = Object.fromEntries(Object.keys(kinds).map((name) => [name, []]));
  for (let round = 0; round < 80; round++) {
    for (const [name, dispatch] of Object.entries(kinds)) times[name].push(frame(dispatch));
    // The queue of what is freed must not grow.
    if (round % 10 === 0) await device.queue.onSubmittedWorkDone();
  }
  const rounds = times.bare.map((_, i) => i).slice(10);
  const above = (name) => median(rounds.map((i) => times[name][i] - times.bare[i]));
  return { bare: median(times.bare.slice(10)), set: above("set"), bound: above("bound"), again: above("again") };
}

/** The same on the device of a page. */
export async function dispatchTimesOfPage() {
  const adapter = await navigator.gpu.requestAdapter();
  return dispatchTimes(await adapter.requestDevice());
}
