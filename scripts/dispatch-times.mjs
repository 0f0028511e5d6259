/** Measures the CPU cost of recording a dispatch; scripts/bench-launch.mjs runs it in Node and in a page. */
import { compile, parse } from "../dist/src/index.js";
import { prepare, targetFromDevice } from "../dist/src/runtime/index.js";
import { median } from "../dist/src/runtime/measure.js";

const source = "fn scores(s: f32[heads, k]) -> (p: f32[heads, k]) { return softmax(s * 0.125, axes = [-1]) }";

/**
 * Microseconds per dispatch in a pass of 500: medians of alternating rounds. `bare` is the WebGPU calls without setting
 * the pipeline; `set` and `bound` set it for each dispatch, `again` only for the first.
 */
export async function dispatchTimes(device) {
  const kernel = await prepare(device, compile(parse(source), { target: targetFromDevice(device) }).kernels[0]);
  const [s, p] = [0, 1].map(() => device.createBuffer({ size: 64, usage: 128 }));
  const bound = kernel.bind({ s, p }, { heads: 1, k: 16 });
  // The same calls that a bound dispatch makes.
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
    // Lets the queue of buffers to free drain.
    if (round % 10 === 0) await device.queue.onSubmittedWorkDone();
  }
  const rounds = times.bare.map((_, i) => i).slice(10);
  const above = (name) => median(rounds.map((i) => times[name][i] - times.bare[i]));
  return { bare: median(times.bare.slice(10)), set: above("set"), bound: above("bound"), again: above("again") };
}

/** The same measurement on a page's device. */
export async function dispatchTimesOfPage() {
  const adapter = await navigator.gpu.requestAdapter();
  return dispatchTimes(await adapter.requestDevice());
}
