/** Wrong arguments of kernels and plans that are prepared on a device. */

import { afterAll, expect, test } from "vitest";
import { compile, type Plan, parse, planManifest, TircError } from "../../src/index.ts";
import { prepare, preparePlan } from "../../src/runtime/index.ts";
import { openDevice } from "../../src/runtime/node.ts";

const opened = await openDevice();
const { device } = opened;
afterAll(() => opened.close());

const norm = compile(parse("fn f(x: f32[rows, 8]) -> (y: f32[rows, 8]) { return layernorm(x, axes = [-1]) }"));
const mean = compile(parse("fn f(x: f32[n, 8]) -> (y: f32) { return mean(rmsnorm(x, axes = [-1]), axes = [0, 1]) }"));
const kernel = await prepare(device, norm.kernels[0] as (typeof norm.kernels)[number]);
const plan = await preparePlan(device, { plan: planManifest(mean.plans[0] as Plan), kernels: mean.kernels });
const x = new Float32Array(16);
const buffer = device.createBuffer({ size: 64, usage: 128 });

// biome-ignore lint/suspicious/noExplicitAny: the arguments are wrong on purpose.
const js = { kernel, plan } as any;

test.for<readonly [call: string, run: () => unknown, message: string, help: string]>([
  ["a result that is none", () => js.kernel.bind({ x }, {}, { z: buffer }), "has no result `z`", "its results are `y`"],
  ["an option", () => js.kernel.bind({ x }, {}, { outputs: {} }), "has no result `outputs`", "its results are `y`"],
  ["an array for a result", () => js.kernel.run({ x, y: x }), "the result `y` is f32[rows, 8]", "GPUBuffer"],
  ["a list of extents", () => js.kernel.run({ x }, [2]), "must be an object with a number for each name", "an Array"],
  ["a promise", () => js.kernel.run({ x: Promise.resolve(x) }), "but got a Promise", "Float32Array"],
  ["a run", async () => js.kernel.run({ x: await kernel.run({ x }) }), "got the result of a run", "`outputs`"],
  ["another result of a plan", () => js.plan.run({ x }, {}, { outputs: { z: buffer } }), "no result `z`", "`y`"],
  ["a misspelled option", () => js.plan.run({ x }, {}, { output: {} }), "`run` has no option `output`", "`outputs`"],
  ["an option of `launch`", () => js.plan.bind({ x }, {}, { encoder: 3 }), "`bind` has no option `encoder`", "outputs"],
  ["null", () => js.plan.run({ x }, {}, null), "the options of `run` must be an object, but is null", "null"],
  ["a list of results", () => js.plan.run({ x }, {}, { outputs: [buffer] }), "`outputs` of `run` must be", "a list"],
  ["a list of products", () => js.plan.bind({ x }, {}, { products: [] }), "`products` of `bind` must be", "a list"],
  [
    "a buffer",
    () => js.plan.bind({ x }, {}, { allocate: buffer }),
    "`allocate` of `bind` must be a function",
    "Buffer",
  ],
  ["an encoder", () => js.plan.launch({ x }, {}, device.createCommandEncoder()), "but are an encoder", "`{ encoder }`"],
  [
    "a pass",
    () => js.plan.launch({ x }, {}, { encoder: device.createCommandEncoder().beginComputePass() }),
    "`encoder` of `launch` must be a GPUCommandEncoder",
    "before the pass begins",
  ],
])("%s", async ([, run, message, help]) => {
  const thrown = await Promise.resolve()
    .then(run)
    .then(
      () => undefined,
      (caught: unknown) => caught,
    );
  expect(thrown).toBeInstanceOf(TircError);
  expect((thrown as Error).message).toContain(message);
  expect((thrown as Error).message).toContain(help);
});
