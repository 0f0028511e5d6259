/** Ops that no kernel computes, as steps of plans: functions of the caller, or plain kernels. */

import { describe, expect, test } from "vitest";
import { proveProduct } from "../../codegen/prove.ts";
import { type CompileOptions, compile } from "../../src/driver/compile.ts";
import { emitModule } from "../../src/emit/module.ts";
import { constantsOf, interpret } from "../../src/ir/interpret.ts";
import type { Fn } from "../../src/ir/ir.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import type { CallablePlan } from "../../src/launch/callable-plan.ts";
import type { AnyTypes } from "../../src/launch/types.ts";
import { parse } from "../../src/parse/parse.ts";
import { comparePlan } from "../../src/plan/exact.ts";
import { interpretPlan } from "../../src/plan/interpret.ts";
import { planManifest } from "../../src/plan/manifest.ts";
import { callsOf, launchesOf, opaqueStepsOf, type Plan, productsOf } from "../../src/plan/plan.ts";
import { printPlan } from "../../src/plan/print.ts";
import { verifyPlan } from "../../src/plan/verify.ts";
import { fromNumbers, toNumbers } from "../../src/runtime/host-tensor.ts";
import { type MatmulCall, prepare } from "../../src/runtime/index.ts";
import { runPlan } from "../../src/runtime/prepare-plan.ts";
import { portableTarget } from "../../src/target/target.ts";
import { randomInputs } from "../../src/testing/random-inputs.ts";
import { expectSameNumbers } from "../support/expect-numbers.ts";
import { gpuTest } from "../support/gpu.ts";

const compiled = (text: string, options: CompileOptions = {}) => {
  const module = parse(text, { file: "test.tir" });
  const { plans, kernels } = compile(module, options);
  return { module, fn: module.fns[0] as Fn, plan: plans[0] as Plan, kernels };
};

const host = (tensors: Readonly<Record<string, Tensor>>) =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, { element, shape, data }]) => [name, fromNumbers(element, shape, data)]),
  );

/** Each op alone, in all of its forms; extents that are no multiples of a tile. */
const products = {
  matmul: "fn f(a: f32[n, 37], b: f32[37, m]) -> f32[n, m] { return matmul(a, b) }",
  "matmul of named extents": "fn f(a: f32[n, k], b: f32[k, n]) -> f32[n, n] { return matmul(a, b) }",
  "matmul of batches that broadcast":
    "fn f(a: f32[n, 1, 20, 17], b: f32[3, 17, 18]) -> f32[n, 3, 20, 18] { return matmul(a, b) }",
  "matmul of a row": "fn f(a: f32[k], b: f32[2, k, n]) -> f32[2, n] { return matmul(a, b) }",
  "matmul by a column": "fn f(a: f32[2, n, k], b: f32[k]) -> f32[2, n] { return matmul(a, b) }",
  "matmul of halves": "fn f(a: f16[n, 33], b: f16[33, 19]) -> f16[n, 19] { return matmul(a, b) }",
  linear: "fn f(x: f32[2, n, 40], w: f32[19, 40], b: f32[19]) -> f32[2, n, 19] { return linear(x, w, b) }",
  "linear without a bias": "fn f(x: f32[k], w: f32[m, k]) -> f32[m] { return linear(x, w) }",
  "conv along one axis":
    "fn f(x: f32[n, 3, 11], w: f32[4, 3, 2], b: f32[4]) -> f32[n, 4, 9] { return conv(x, w, b, dilations = [2]) }",
  "conv of groups, with pads and strides":
    "fn f(x: f32[n, 4, 7, 6], w: f32[6, 2, 3, 2]) -> f32[n, 6, 4, 4] { return conv(x, w, strides = [2, 2], pads = [1, 1, 1, 2], group = 2) }",
  "conv of three axes":
    "fn f(x: f32[2, 2, n, 3, 4], w: f32[1, 2, 3, 1, 2]) -> f32[2, 1, n, 3, 3] { return conv(x, w, pads = [1, 0, 0, 1, 0, 0]) }",
} as const;

describe("the gradient of a table", () => {
  const text = (type: string) => `fn f(ids: ${type}[n, 7], d_y: f32[n, 7, 10]) -> (d: f32[5, 10]) {
    return embedding_grad(ids, d_y, shape = [5, 10])
  }`;

  test("is one launch, whose kernel is proved", () => {
    const { plan } = compiled(text("i32"), { products: "plain" });
    expect(callsOf(plan).map(({ kind }) => kind)).toEqual(["launch"]);
    expect(proveProduct(launchesOf(plan)[0]?.fn as Fn, [], portableTarget, {})).toEqual({ verdict: "equal" });
  });

  gpuTest("runs", async ({ gpu }) => {
    for (const type of ["i32", "u32"] as const) {
      const { fn, plan, kernels } = compiled(text(type), { products: "plain" });
      const { d_y } = randomInputs(fn, 1, { n: 9 }) as { d_y: Tensor };
      // No index is 1 or 3, so these rows of the table get no gradient.
      const data = Float64Array.from({ length: 63 }, (_, i) => [0, 4, 1, 1, 2][(i * i) % 5] as number);
      const inputs = { ids: { element: type, shape: [9, 7], data }, d_y };
      const { outputs } = await runPlan(gpu.device, { plan: planManifest(plan), kernels }, host(inputs));
      const wanted = interpret(fn, inputs).d?.data as Float64Array;
      const found = toNumbers(outputs.d as Parameters<typeof toNumbers>[0]);
      for (const [i, value] of wanted.entries()) expect(Math.abs((found[i] as number) - value)).toBeLessThan(1e-5);
    }
  });

  test("a transposed convolution has no plain kernel, and stays a step", () => {
    const { plan } = compiled(
      "fn f(w: f32[4, 3, 2], d_y: f32[n, 4, 10]) -> f32[n, 3, 11] { return conv_input_grad(w, d_y, shape = [n, 3, 11]) }",
      { products: "plain" },
    );
    expect(opaqueStepsOf(plan)).toHaveLength(1);
  });
});

describe.each(Object.entries(products))("%s", (_, text) => {
  const { fn, plan, kernels } = compiled(text, { products: "plain" });

  test("is one launch, whose kernel is proved", () => {
    expect(verifyPlan(plan)).toEqual([]);
    expect(callsOf(plan).map(({ kind }) => kind)).toEqual(["launch"]);
    const [{ fn: own, product = {} } = { fn }] = launchesOf(plan);
    expect(proveProduct(own, [], portableTarget, product)).toEqual({ verdict: "equal" });
  });

  gpuTest("runs", async ({ gpu }) => {
    for (const dims of [
      { n: 3, m: 5, k: 2 },
      { n: 35, m: 70, k: 49 },
    ]) {
      const inputs = randomInputs(fn, 1, dims);
      const { outputs } = await runPlan(gpu.device, { plan: planManifest(plan), kernels }, host(inputs));
      const got = Object.entries(outputs).map(([name, tensor]) => [name, { ...tensor, data: toNumbers(tensor) }]);
      const relative = fn.params[0]?.element === "f16" ? 4e-3 : 4e-6;
      expectSameNumbers(Object.fromEntries(got), interpret(fn, inputs), { relative });
    }
  });
});

const chain = `const w: f32[4, 8] = [[1, 2, 3, 4, 5, 6, 7, 8], [2, 1, 4, 3, 6, 5, 8, 7], [0, 1, 0, -1, 0, 1, 0, -1], [5, 5, 1, 1, 2, 2, 3, 3]]
fn f(x: f32[n, 8], b: f32[4], v: f32[2, 2, 8]) -> (y: f32[n, 4], z: f32[n, 2, 4], x2: f32[n, 8]) {
  let h = rmsnorm(x, axes = [-1])
  let p = linear(h, w, b)
  let q = matmul(gelu(p), reshape(v, shape = [4, 8]))
  return tanh(p), reshape(q, shape = [n, 2, 4]), h + x
}`;

describe("kernels around products", () => {
  const { module, fn, plan } = compiled(chain);

  test("each is one, and reshapes are none", () => {
    const [head] = printPlan(plan).split("\n\n");
    expect(
      head,
    ).toBe(`plan f(x: f32[n, 8], b: f32[4], v: f32[2, 2, 8]) -> (y: f32[n, 4], z: f32[n, 2, 4], x2: f32[n, 8]) {
  alloc h: f32[n, 8] in 0  // 32 * n bytes
  launch f_1(x) -> (x2, h)
  alloc p: f32[n, 4] in 1  // 16 * n bytes
  opaque linear(h, w, b) -> (p)
  free h
  alloc gelu: f32[n, 4] in 0  // 16 * n bytes
  launch f_3(p) -> (y, gelu)
  free p
  opaque matmul(gelu, v as [4, 8]) -> (z as [n, 8])
  free gelu
}`);
  });

  test("the plan is sound, and its function in float64 and in exact arithmetic", () => {
    expect(verifyPlan(plan)).toEqual([]);
    expect(comparePlan(plan, module.consts)).toBeUndefined();
    const [inputs, constants] = [randomInputs(fn), constantsOf(module)];
    expectSameNumbers(interpretPlan(plan, inputs, constants), interpret(fn, inputs, constants), { relative: 1e-12 });
  });

  test("the manifest lists what is left, with buffers and shapes", () => {
    const step = planManifest(plan).steps.find((one) => "opaque" in one && one.opaque === "matmul");
    expect(step).toEqual({
      ...{ opaque: "matmul", name: "f_4", attributes: {} },
      reads: { a: { buffer: "gelu", shape: ["n", 4] }, b: { buffer: "v", shape: [4, 8] } },
      writes: { out: { buffer: "z", shape: ["n", 8] } },
    });
  });

  test("a product that reads another buffer is found out", () => {
    const wrong = plan.steps.map((step) =>
      step.kind === "opaque" && step.reads.length === 2 ? { ...step, reads: step.reads.toReversed() } : step,
    );
    expect(verifyPlan({ ...plan, steps: wrong })).not.toEqual([]);
  });
});

const products2 = "fn f(x: f32[n, 16], w: f32[16, 16]) -> (y: f32[n, 16]) { return exp(matmul(tanh(x), w)) - x }";

/** Fills a product with the plain kernel, as a library's own would be. */
async function filler(device: GPUDevice) {
  const { kernels } = compiled("fn g(a: f32[n, 16], b: f32[16, 16]) -> f32[n, 16] { return matmul(a, b) }", {
    products: "plain",
  });
  const kernel = await prepare(device, kernels[0] as (typeof kernels)[0]);
  const names: string[] = [];
  const matmul = (encoder: GPUCommandEncoder, { name, a, b, out }: MatmulCall) => {
    names.push(`${name} ${a.shape} by ${b.shape} to ${out.shape}`);
    const [n] = a.shape as [number];
    kernel.bind({ a, b } as never, { n, n_by_4: Math.ceil(n / 4) }, { out }).encode(encoder);
  };
  return { matmul, names };
}

gpuTest("the caller's functions fill them in, in the order of the steps", async ({ gpu }) => {
  const { fn, plan, kernels } = compiled(products2);
  expect([kernels.length, opaqueStepsOf(plan).length]).toEqual([2, 1]);
  const { matmul, names } = await filler(gpu.device);
  const inputs = randomInputs(fn, 1, { n: 21 });
  const manifest = { plan: planManifest(plan), kernels };
  const { outputs } = await runPlan(gpu.device, manifest, host(inputs), {}, { products: { matmul } });
  const got = Object.entries(outputs).map(([name, tensor]) => [name, { ...tensor, data: toNumbers(tensor) }]);
  expectSameNumbers(Object.fromEntries(got), interpret(fn, inputs), { relative: 4e-6 });
  expect(names).toEqual(["f_2 21,16 by 16,16 to 21,16"]);
  await expect(runPlan(gpu.device, manifest, host(inputs))).rejects.toThrow(
    /E0628.*nothing computes the `matmul` of `f`/,
  );
});

/** The export of a module that is made of a plan. */
async function load(text: string): Promise<CallablePlan<AnyTypes>> {
  const loaded = await import(`data:text/javascript;base64,${Buffer.from(text).toString("base64")}`);
  return loaded.f;
}

gpuTest("a module takes the functions too, or has plain kernels", async ({ gpu }) => {
  const { device } = gpu;
  const { matmul } = await filler(device);
  for (const kind of ["opaque", "plain"] as const) {
    const { fn, plan, kernels } = compiled(products2, { products: kind });
    const emitted = { plan: planManifest(plan), kernels: kernels.map((one) => [one]) };
    const f = await load(emitModule([emitted], { language: "js", source: "f.tir" }));
    const inputs = randomInputs(fn, 1, { n: 21 });
    const arrays = { x: Float32Array.from(inputs.x?.data ?? []), w: Float32Array.from(inputs.w?.data ?? []) };
    if (kind === "opaque")
      expect(() => f(device, arrays, { n: 21 })).toThrow("f: nothing computes its matmul: pass products");
    const encoder = device.createCommandEncoder();
    const { y } = f(device, arrays, { n: 21 }, { encoder, ...(kind === "opaque" && { products: { matmul } }) });
    const copy = device.createBuffer({ size: 4 * 21 * 16, usage: 1 | 8 });
    encoder.copyBufferToBuffer(y as GPUBuffer, 0, copy, 0, 4 * 21 * 16);
    device.queue.submit([encoder.finish()]);
    await copy.mapAsync(1);
    const got = {
      y: { ...(interpret(fn, inputs).y as Tensor), data: Float64Array.from(new Float32Array(copy.getMappedRange())) },
    };
    expectSameNumbers(got, interpret(fn, inputs), { relative: 4e-6 });
  }
});

gpuTest("an op of another program is filled in as well", async ({ gpu }) => {
  const { plan, kernels } = compiled(`fn f(x: f32[n, 4], k: f32) -> (y: f32[n, 4]) {
  let three: f32 = 3
  let e: f32[n, 4] = extern(exp(x), k, three, op = "Twice", node = "7")
  return tanh(e)
}`);
  expect(verifyPlan(plan)).toEqual([]);
  expect(comparePlan(plan, [])).toBeUndefined();
  const calls: unknown[] = [];
  const x = { element: "f32", shape: [2, 4], data: Float32Array.of(0, 0.1, 0.2, 0.3, 0, -0.1, -0.2, -0.3) } as const;
  const { outputs } = await runPlan(
    gpu.device,
    { plan: planManifest(plan), kernels },
    { x, k: 5 },
    {},
    {
      products: {
        extern(encoder, { op, node, operands, results }) {
          const [from, k, three] = operands;
          const [to] = results;
          calls.push([op, node, k, typeof three]);
          if (typeof from === "object" && to)
            encoder.copyBufferToBuffer(from.buffer, from.offset, to.buffer, to.offset, to.size);
        },
      },
    },
  );
  expect(calls).toEqual([["Twice", "7", 5, "object"]]);
  const want = [...x.data].map((value) => Math.tanh(Math.exp(value)));
  expect([...(outputs.y?.data ?? [])].every((value, i) => Math.abs(Number(value) - (want[i] as number)) < 1e-6)).toBe(
    true,
  );
});

test("of plain kernels those are products that a caller may have better ones for", () => {
  const text = `fn f(x: f32[rows, 8], w: f32[8, 8]) -> f32[rows, 8] { return matmul(cumsum(x, axis = -1), w) }`;
  const [plan] = compile(parse(text), { target: portableTarget, products: "plain" }).plans as [Plan];
  expect(launchesOf(plan)).toHaveLength(2);
  expect(productsOf(plan).map(({ fn }) => fn.ops[0]?.name)).toEqual(["matmul"]);
});
