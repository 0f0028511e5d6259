/** Bound kernels: their results, also in place, and the calls that they make to the device. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { globals } from "webgpu";
import { launch } from "../../examples/launching.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { toNumbers } from "../../src/runtime/host-tensor.ts";
import { prepare, runKernel } from "../../src/runtime/prepare.ts";
import { compileText } from "../support/compile.ts";
import { diagnosticsOf } from "../support/diagnostics.ts";
import { gpuTest } from "../support/gpu.ts";
import { errorOf, inputsFor, tensorsOf } from "../support/oracle.ts";

type Counted =
  | "createBuffer"
  | "createBindGroup"
  | "createComputePipeline"
  | "createComputePipelineAsync"
  | "writeBuffer";

/** A device that counts the objects created on it. */
function counting(device: GPUDevice) {
  const counts: Record<Counted, number> = {
    ...{ createBuffer: 0, createBindGroup: 0, createComputePipeline: 0, createComputePipelineAsync: 0, writeBuffer: 0 },
  };
  const watch = <T extends object>(target: T, own: object = {}): T =>
    new Proxy(target, {
      get(_, name) {
        if (Object.hasOwn(own, name)) return own[name as keyof typeof own];
        const member: unknown = target[name as keyof T];
        if (typeof member !== "function") return member;
        return (...args: unknown[]) => {
          if (Object.hasOwn(counts, name)) counts[name as Counted]++;
          return member.apply(target, args);
        };
      },
    });
  return { counts, device: watch(device, { queue: watch(device.queue) }) };
}

async function download(
  device: GPUDevice,
  { buffer, offset, size }: Required<GPUBufferBinding>,
): Promise<Float32Array> {
  const readable = device.createBuffer({ size, usage: 1 | 8 });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, offset, readable, 0, size);
  device.queue.submit([encoder.finish()]);
  await readable.mapAsync(1);
  return new Float32Array(readable.getMappedRange().slice(0));
}

function upload(device: GPUDevice, data: Float32Array<ArrayBuffer>): GPUBuffer {
  const buffer = device.createBuffer({ size: data.byteLength, usage: 128 | 8 | 4 });
  device.queue.writeBuffer(buffer, 0, data);
  return buffer;
}

function submit(device: GPUDevice, one: { encode(encoder: GPUCommandEncoder): void }): void {
  const encoder = device.createCommandEncoder();
  one.encode(encoder);
  device.queue.submit([encoder.finish()]);
}

gpuTest("examples/launching.ts is what docs/launching.md shows, and runs", async ({ gpu: { device } }) => {
  Object.assign(globalThis, globals);
  const text = readFileSync("examples/launching.ts", "utf8");
  const blocks = [...readFileSync("docs/launching.md", "utf8").matchAll(/```ts\n([\s\S]*?)```/g)];
  expect(blocks).toHaveLength(3);
  for (const [, code] of blocks) expect(text).toContain(code);
  const outputs = await launch(device);
  expect(toNumbers(outputs.p as NonNullable<typeof outputs.p>)).toEqual(new Float64Array(6).fill(Math.fround(1 / 3)));
});

describe("a result over its input", () => {
  const programs = {
    "a norm of kept rows": `fn f(x: f32[rows, 64], r: f32[rows, 64], g: f32[64]) -> (y: f32[rows, 64]) {
      return gelu(layernorm(x + r, g, axes = [-1]))
    }`,
    "rows of an unknown length": "fn f(x: f32[rows, n]) -> (y: f32[rows, n]) { return softmax(x, axes = [-1]) }",
    "elementwise, two results": `fn f(x: f32[rows, 8]) -> (y: f32[rows, 8], z: f32[rows, 8]) { return tanh(x), x * 2 }`,
  };
  gpuTest.for(Object.entries(programs))("%s: the same bits as beside it", async ([, text], { gpu }) => {
    const { kernel, fn } = compileText(text, gpu.target);
    expect(kernel.manifest.bindings.find(({ name }) => name === "y")?.mayAlias).toContain("x");
    const dims = { rows: 37, n: 83 };
    const inputs = inputsFor(fn, dims);
    const prepared = await prepare(gpu.device, kernel);
    const { outputs } = await prepared.run(inputs);
    const x = upload(gpu.device, inputs.x?.data as Float32Array<ArrayBuffer>);
    const named = Object.fromEntries(kernel.manifest.dims.map(({ name }) => [name, dims[name as keyof typeof dims]]));
    const bound = prepared.bind({ ...inputs, x, y: x }, named);
    submit(gpu.device, bound);
    for (const [name, part] of Object.entries(bound.outputs)) {
      expect(await download(gpu.device, part), name).toEqual(outputs[name]?.data);
    }
    prepared.destroy();
  });

  test("is offered where each element is read before it is written, and nowhere else", () => {
    const of = (text: string, name = "y") => {
      const { kernel } = compileText(text);
      return kernel.manifest.bindings.find((binding) => binding.name === name)?.mayAlias;
    };
    expect(of("fn f(x: f32[n, 8]) -> (y: f32[n, 8]) { return x * 2 }")).toEqual(["x"]);
    expect(of("fn f(x: f32[n, 8], r: f32[n, 8]) -> (y: f32[n, 8]) { return x * 2 + r }")).toEqual(["x", "r"]);
    expect(of("fn f(x: f32[n, 8], g: f32[8]) -> (y: f32[n, 8]) { return x * g }")).toEqual(["x"]);
    expect(of("fn f(x: f32[n, 8]) -> (y: f32[n]) { return sum(x, axes = [-1]) }")).toBeUndefined();
    expect(of("fn f(x: f32[n, n]) -> (y: f32[n, n]) { return transpose(x, perm = [1, 0]) }")).toBeUndefined();
    expect(of("fn f(x: f32[n, n]) -> (y: f32[n, n]) { return x + transpose(x, perm = [1, 0]) }")).toBeUndefined();
    expect(of("fn f(x: i32[n, 8]) -> (y: f32[n, 8]) { return cast(x, to = f32) }")).toBeUndefined();
    // Written in the first loop, and read again in the next.
    const early = `fn f(x: f32[n, m]) -> (y: f32[n, m], z: f32[n, m]) { return x * 2, x - sum(x, axes = [-1], keepdims = true) }`;
    expect([of(early), of(early, "z")]).toEqual([undefined, ["x"]]);
  });

  gpuTest("E0619: is refused where it would be wrong, and E0618 what cannot be bound", async ({ gpu: { device } }) => {
    const { kernel } = compileText(
      "fn f(x: f32[n, 8], r: f32[n, 8]) -> (y: f32[n, 8], z: f32[n, 8]) { return x + r, r }",
    );
    const prepared = await prepare(device, kernel);
    const [x, r] = [1, 2].map(() => device.createBuffer({ size: 1024, usage: 128 })) as [GPUBuffer, GPUBuffer];
    const first = (tensors: Record<string, unknown>) =>
      diagnosticsOf(() => prepared.bind({ x, r, ...tensors } as never, { n: 2 }))[0]?.split("\n")[0];
    expect(first({ y: { buffer: x, offset: 512 } })).toBe(
      "E0619: `x` and `y` of `f` are in one buffer, and the kernel writes `y`",
    );
    expect(first({ y: x, z: x })).toMatch(/^E0619/);
    expect(first({ y: { buffer: x, offset: 256, size: 32 } })).toBe(
      "E0618: `y` is f32[n, 8] and takes 64 bytes, but its buffer has 32",
    );
    expect(first({ y: { buffer: r, offset: 4 } })).toMatch(/^E0618: `y` begins at byte 4 of its buffer/);
    expect(first({ r: device.createBuffer({ size: 64, usage: 8 }) })).toMatch(/^E0618: `r` of `f` .* STORAGE$/);
    // Two results in parts of one buffer that lie apart.
    const both = device.createBuffer({ size: 1024, usage: 128 });
    expect(first({ y: { buffer: both, size: 64 }, z: { buffer: both, offset: 256 } })).toBeUndefined();
  });
});

gpuTest("scalars of every type are numbers, and take no storage buffer", async ({ gpu }) => {
  const names = ["a", "b", "c", "d", "e", "g", "h", "i"];
  const params = names.map((name) => `${name}: f32[n, 8]`).join(", ");
  const text = `fn f(${params}, k: f32, m: f16, j: i32, u: u32, p: bool) -> (y: f32[n, 8]) {
    let s = k + cast(m, to = f32) + cast(j, to = f32) + cast(u, to = f32)
    return ${names.join(" + ")} + where(p, s, -s)
  }`;
  const { kernel, fn } = compileText(text, {
    ...gpu.target,
    limits: { ...gpu.target.limits, maxStorageBuffersPerShaderStage: 9 },
  });
  expect(kernel.manifest.bindings).toHaveLength(9);
  const inputs = inputsFor(fn, { n: 3 });
  const numbers = { k: 0.1, m: 0.1, j: -7, u: 9, p: false };
  const given = Object.fromEntries(
    Object.entries(numbers).map(([name, value]) => [name, Float64Array.of(Number(value))]),
  );
  const { outputs } = await runKernel(gpu.device, kernel, { ...inputs, ...numbers });
  const scalar = (element: "f32" | "f16" | "i32" | "u32" | "bool", name: keyof typeof numbers) =>
    ({ element, shape: [], data: given[name] as Float64Array }) as const;
  const half = { element: "f16", shape: [], data: Float64Array.of(1638 / 2 ** 14) } as const;
  const want = interpret(fn, {
    ...tensorsOf(inputs),
    ...{ k: scalar("f32", "k"), m: half, j: scalar("i32", "j"), u: scalar("u32", "u"), p: scalar("bool", "p") },
  });
  expect(errorOf(outputs.y as NonNullable<typeof outputs.y>, want.y as NonNullable<typeof want.y>)).toBeLessThan(2e-6);
});

describe("calls to the device", () => {
  const text = "fn f(x: f32[rows, k]) -> (y: f32[rows, k]) { return softmax(x, axes = [-1]) }";

  gpuTest("a dispatch makes nothing, and what is destroyed is used again", async ({ gpu }) => {
    const { device, counts } = counting(gpu.device);
    const prepared = await prepare(device, compileText(text, gpu.target).kernel);
    const [x, y] = [1, 2].map(() => gpu.device.createBuffer({ size: 4096, usage: 128 | 4 })) as [GPUBuffer, GPUBuffer];
    const bound = prepared.bind({ x, y }, { rows: 8, k: 100 });
    const before = { ...counts };
    expect(before).toMatchObject({ createBuffer: 1, createBindGroup: 1, writeBuffer: 1 });
    const encoder = gpu.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (let i = 0; i < 500; i++) bound.dispatch(pass);
    pass.end();
    for (let i = 0; i < 10; i++) bound.encode(encoder);
    gpu.device.queue.submit([encoder.finish()]);
    expect(counts).toEqual(before);
    // One page of uniforms serves any number of bindings, one after the other.
    for (let k = 1; k <= 1000; k++) prepared.bind({ x, y }, { rows: 8, k: 1 + (k % 100) }).destroy();
    expect(counts.createBuffer).toBe(1);
    prepared.destroy();
  });

  gpuTest("a pipeline that the pass has is not set once more, and another is", async ({ gpu }) => {
    const { device } = gpu;
    const [a, b] = [text, text.replace("softmax", "rmsnorm")].map((one) => compileText(one, gpu.target).kernel);
    const x = device.createBuffer({ size: 4096, usage: 128 });
    const kernels = await Promise.all([a, b].map((kernel) => prepare(device, kernel as NonNullable<typeof a>)));
    const [first, again, other] = [0, 0, 1].map((i) => kernels[i]?.bind({ x }, { rows: 2, k: 100 }));
    const calls: string[] = [];
    const pipelines: GPUComputePipeline[] = [];
    const pass = {
      setPipeline: (pipeline: GPUComputePipeline) => pipelines.push(pipeline),
      setBindGroup: () => calls.push("group"),
      dispatchWorkgroups: () => calls.push(`of pipeline ${pipelines.length}`),
    } as unknown as GPUComputePassEncoder;
    let set: GPUComputePipeline | undefined;
    for (const one of [first, again, first, other, again]) set = one?.dispatch(pass, set);
    const wanted = [1, 1, 1, 2, 3].flatMap((number) => ["group", `of pipeline ${number}`]);
    expect(calls).toEqual(wanted);
    expect(pipelines[0]).toBe(pipelines[2]);
    expect(new Set(pipelines).size).toBe(2);
    for (const kernel of kernels) kernel.destroy();
  });

  gpuTest("a growing extent takes a pipeline for each entry point, and gives the right numbers", async ({ gpu }) => {
    const { device, counts } = counting(gpu.device);
    const { kernel, fn } = compileText(text, gpu.target);
    expect(kernel.manifest.overrides).toEqual([]);
    const prepared = await prepare(device, kernel);
    for (let k = 1; k < 300; k += 13) {
      const inputs = inputsFor(fn, { rows: 3, k });
      const { outputs } = await prepared.run(inputs);
      const want = interpret(fn, tensorsOf(inputs)).y as NonNullable<ReturnType<typeof interpret>[string]>;
      expect(errorOf(outputs.y as NonNullable<typeof outputs.y>, want)).toBeLessThan(2e-6);
    }
    expect(counts.createComputePipeline + counts.createComputePipelineAsync).toBe(
      1 + (kernel.manifest.variants ?? []).length,
    );
    prepared.destroy();
    // With known extents only one entry point is compiled.
    const known = counting(gpu.device);
    (await prepare(known.device, kernel, { k: 300 })).destroy();
    expect(known.counts.createComputePipelineAsync).toBe(1);
  });

  gpuTest("a specialized one takes a pipeline for each, of which those used last are kept", async ({ gpu }) => {
    const simple = "fn f(x: f32[rows, k]) -> (y: f32[rows, k]) { return x + 1 }";
    const { device, counts } = counting(gpu.device);
    const { kernel } = compileText(simple, gpu.target, { specialize: ["k"] });
    expect(kernel.manifest.overrides).toEqual([{ dim: "k", constant: "dim_k" }]);
    const prepared = await prepare(device, kernel, { k: 1 });
    expect((await prepared.run({ x: new Float32Array(1) })).outputs.y?.data).toEqual(Float32Array.of(1));
    expect(counts.createComputePipelineAsync).toBe(1);
    prepared.destroy();
    const open = await prepare(device, kernel);
    const many = (k: number) => open.run({ x: { element: "f32", shape: [1, k], data: new Float32Array(k) } });
    for (let k = 1; k <= 17; k++) await many(k);
    expect(counts.createComputePipelineAsync).toBe(18);
    await many(17);
    expect(counts.createComputePipelineAsync).toBe(18);
    await many(1);
    expect(counts.createComputePipelineAsync).toBe(19);
    open.destroy();
  });

  gpuTest("64 runs at once are right, and leave one page", async ({ gpu }) => {
    const { device, counts } = counting(gpu.device);
    const { kernel } = compileText("fn f(x: f32[rows, k], s: f32) -> (y: f32[rows, k]) { return x * s }", gpu.target);
    const prepared = await prepare(device, kernel);
    const runs = Array.from({ length: 64 }, async (_, i) => {
      const x = { element: "f32", shape: [1, i + 1], data: new Float32Array(i + 1).fill(i) } as const;
      return (await prepared.run({ x, s: i })).outputs.y?.data;
    });
    for (const [i, data] of (await Promise.all(runs)).entries())
      expect(data).toEqual(new Float32Array(i + 1).fill(i * i));
    // The page, and for each run its input, its result and the copy of that.
    expect(counts.createBuffer).toBe(1 + 64 * 3);
    prepared.destroy();
  });
});

gpuTest("scalars and tensors that no result depends on are asked for, and not bound", async ({ gpu }) => {
  const { kernel } = compileText("fn f(x: f32[4], s: f32, t: f32[4]) -> (y: f32[4]) { return x * 2 }", gpu.target);
  const prepared = await prepare(gpu.device, kernel);
  const x = Float32Array.of(1, 2, 3, 4);
  const { outputs } = await prepared.run({ x, s: 5, t: x });
  expect([...(outputs.y?.data ?? [])]).toEqual([2, 4, 6, 8]);
  const bound = prepared.bind({ x, s: 5, t: x });
  bound.destroy();
  await expect(prepared.run({ x, t: x } as never)).rejects.toThrow(/E0601/);
  prepared.destroy();
});
