/** Wrong arguments of kernels and plans that are prepared on a device. */

import { afterAll, expect, test } from "vitest";
import { compile, type Plan, parse, planManifest, TircError } from "../../src/index.ts";
import { kernel as callable, explain, prepare as prepareInModule } from "../../src/launch/index.ts";
import { prepare, preparePlan } from "../../src/runtime/index.ts";
import { openDevice } from "../../src/runtime/node.ts";
import { launchKernelOf } from "../../src/runtime/prepare.ts";

const opened = await openDevice();
const { device } = opened;
afterAll(() => opened.close());

const norm = compile(parse("fn f(x: f32[rows, 8]) -> (y: f32[rows, 8]) { return layernorm(x, axes = [-1]) }"));
const mean = compile(parse("fn f(x: f32[n, 8]) -> (y: f32) { return mean(rmsnorm(x, axes = [-1]), axes = [0, 1]) }"));
const kernel = await prepare(device, norm.kernels[0] as (typeof norm.kernels)[number]);
const plan = await preparePlan(device, { plan: planManifest(mean.plans[0] as Plan), kernels: mean.kernels });
const product = compile(parse("fn f(x: f32[n, 8], w: f32[8, 4]) -> (y: f32[n, 4]) { return matmul(x, w) }"));
const products = await preparePlan(device, {
  plan: planManifest(product.plans[0] as Plan),
  kernels: product.kernels,
});
const x = new Float32Array(16);
const encoder = () => device.createCommandEncoder();
const buffer = device.createBuffer({ size: 64, usage: 128 });

// biome-ignore lint/suspicious/noExplicitAny: the arguments are wrong on purpose.
const js = { kernel, plan, products, bound: kernel.bind({ x }), boundPlan: plan.bind({ x }) } as any;

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
  ["null", () => js.plan.run({ x }, {}, null), "the options of `run` must be an object, not null", "null"],
  ["a list of results", () => js.plan.run({ x }, {}, { outputs: [buffer] }), "`outputs` of `run` must be", "a list"],
  ["a list of products", () => js.plan.bind({ x }, {}, { products: [] }), "`products` of `bind` must be", "a list"],
  [
    "a buffer",
    () => js.plan.bind({ x }, {}, { allocate: buffer }),
    "`allocate` of `bind` must be a function",
    "Buffer",
  ],
  [
    "an encoder",
    () => js.plan.launch({ x }, {}, device.createCommandEncoder()),
    "must be an object, not an encoder",
    "`{ encoder }`",
  ],
  [
    "a pass",
    () => js.plan.launch({ x }, {}, { encoder: device.createCommandEncoder().beginComputePass() }),
    "`encoder` of `launch` must be a GPUCommandEncoder",
    "before the pass begins",
  ],
  ["no pass", () => js.bound.dispatch(), "the pass of `f` must be a GPUComputePassEncoder", "beginComputePass()"],
  ["an encoder for a pass", () => js.bound.dispatch(encoder()), "must be a GPUComputePassEncoder", "`encode` records"],
  ["no encoder", () => js.bound.encode(), "the encoder of `f` must be a GPUCommandEncoder", "createCommandEncoder()"],
  [
    "a pass for an encoder",
    () => js.bound.encode(encoder().beginComputePass()),
    "must be a GPUCommandEncoder",
    "`dispatch` of a bound kernel",
  ],
  ["no encoder of a plan", () => js.boundPlan.encode(), "the encoder of `f` must be", "createCommandEncoder()"],
  ["options of a plan", () => js.boundPlan.encode(encoder(), null), "the options of `f` must be an object", "null"],
  ["no encoder of a step", () => js.boundPlan.steps[0].encode(null), "must be a GPUCommandEncoder", ", not null"],
  ["no pass of a step", () => js.boundPlan.steps[0].dispatch(3), "must be a GPUComputePassEncoder", "a number"],
  ["a number for outputs", () => js.kernel.bind({ x }, {}, 3), "the outputs of `f` must be an object", "a number"],
  [
    "a product that is no function",
    () => js.products.run({ x, w: new Float32Array(32) }, {}, { products: { matmul: 3 } }),
    "nothing computes the `matmul` of `f`",
    "products",
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

test("a launcher of a module names the argument", async () => {
  const form = launchKernelOf(norm.kernels[0] as (typeof norm.kernels)[number]);
  const prepared = await prepareInModule(device, { ...form, explain });
  const bound = prepared.bind({ x }, { rows: 2 });
  // biome-ignore lint/suspicious/noExplicitAny: the arguments are wrong on purpose.
  const [wrong, call] = [bound as any, callable("f", form.forms, { explain }) as any];
  expect(() => wrong.dispatch()).toThrow("f: the pass must be a GPUComputePassEncoder, not undefined");
  expect(() => wrong.encode(3)).toThrow("f: the encoder must be a GPUCommandEncoder, not 3");
  expect(() => call(device, { x }, { rows: 2 }, { encoder: {} })).toThrow("f: the encoder must be a GPUCommandEncoder");
  expect(() => call(undefined, { x }, { rows: 2 })).toThrow("f: the device must be a GPUDevice, not undefined");
  await expect(prepareInModule(device, norm.kernels[0] as never)).rejects.toThrow(
    "E0901 wrong argument: kernel, a kernel of a module",
  );
});
