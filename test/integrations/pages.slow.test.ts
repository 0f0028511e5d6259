/**
 * The pages of examples/getting-started, onnxruntime and tfjs in Chromium: what they compute, against float64, and what they
 * read back.
 */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import * as vite from "vite";
import { afterAll, expect, test } from "vitest";
import { launchChromium, whyNoChromium } from "../../scripts/chromium.mjs";
import tirc from "../../src/bundlers/vite.ts";
import { interpret } from "../../src/ir/interpret.ts";
import type { Fn } from "../../src/ir/ir.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { parse } from "../../src/parse/parse.ts";
import { root, temporaryFolder } from "../support/built.ts";
import { node, onnxModel, weight } from "../support/onnx.ts";

const [rows, width] = [16, 768];
const stream = { element: "f32", shape: [1, "tokens", width] } as const;

/** `h = x / 2` and `z = relu(y)`: exact, so that what is compared is the kernel. */
const models = {
  before: onnxModel({
    inputs: { x: stream },
    outputs: { h: stream },
    weights: { half: weight("f32", [], 0.5) },
    nodes: [node("Mul", ["x", "half"], ["h"])],
  }),
  after: onnxModel({ inputs: { y: stream }, outputs: { z: stream }, nodes: [node("Relu", ["y"], ["z"])] }),
};

const path = (name: string) => join(root, name);
const source = (name: string) => ({
  find: new RegExp(`^tirc/${name}$`),
  replacement: path(`src/integrations/${name}.ts`),
});

/** The pages, built as Vite builds them. */
async function serve(): Promise<{ readonly url: string; close(): Promise<void> }> {
  const [outDir, publicDir] = [temporaryFolder(), temporaryFolder()];
  mkdirSync(join(publicDir, "onnxruntime"));
  for (const [name, bytes] of Object.entries(models)) writeFileSync(join(publicDir, `onnxruntime/${name}.onnx`), bytes);
  const pages = ["getting-started", "onnxruntime", "tfjs"].map((name) => path(`examples/${name}/index.html`));
  const options: vite.InlineConfig = {
    ...{ root: path("examples"), configFile: false, logLevel: "error", publicDir },
    plugins: [tirc({ declarations: false })],
    // The sources, and the launcher that the plugin names in dist/.
    resolve: {
      alias: [
        ...["onnxruntime", "tfjs"].map(source),
        { find: /^.*\/launch\/index\.js$/, replacement: path("src/launch/index.ts") },
      ],
    },
    build: { outDir, emptyOutDir: true, target: "es2023", minify: false, rolldownOptions: { input: pages } },
  };
  await vite.build(options);
  const server = await vite.preview({ ...options, preview: { host: "127.0.0.1", port: 0 } });
  return { url: server.resolvedUrls?.local[0] as string, close: () => server.close() };
}

let served: ReturnType<typeof serve> | undefined;
let browser: Promise<Browser> | undefined;

afterAll(async () => {
  await (await browser)?.close();
  await (await served)?.close();
});

/** A page of the browser, before it goes anywhere, and what goes wrong on it. */
async function emptyPage() {
  served ??= serve();
  browser ??= launchChromium();
  const { url } = await served;
  const page = await (await browser).newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    if (["warning", "error"].includes(message.type())) complaints.push(message.text());
  });
  return { page, url, complaints };
}

/** The numbers that the page has read back, and how often it read from a buffer until its result was there. */
async function open(
  name: string,
): Promise<{ text: string; numbers: Float64Array; reads: number; complaints: string[] }> {
  const { page, url, complaints } = await emptyPage();
  await page.addInitScript(`
    globalThis.counts = { reads: 0 };
    const { mapAsync } = GPUBuffer.prototype;
    GPUBuffer.prototype.mapAsync = function (mode, ...rest) {
      if (mode === GPUMapMode.READ) counts.reads++;
      return mapAsync.call(this, mode, ...rest);
    };
  `);
  await page.goto(`${url}${name}/index.html`);
  const values = page.waitForFunction("globalThis.values !== undefined", undefined, { timeout: 60_000 });
  await values.catch((timeout) => expect.unreachable([...complaints, String(timeout)].join("\n")));
  const text = (await page.textContent("#result")) as string;
  const [numbers, reads] = (await page.evaluate("[Array.from(values), counts.reads]")) as [number[], number];
  await page.close();
  return { text, numbers: Float64Array.from(numbers), reads, complaints };
}

/** relu(bert_output(h, x)) in float64, with h a multiple of x. */
function wanted(scale: number): number[] {
  const numbers = Array.from({ length: rows * width }, (_, i) => Math.fround(Math.sin(i)));
  const tensor = (shape: readonly number[], data: readonly number[]): Tensor => {
    return { element: "f32", shape, data: Float64Array.from(data) };
  };
  const [fn] = parse(readFileSync(path("examples/bert-output.tir"), "utf8")).fns;
  const { y } = interpret(fn as Fn, {
    x: tensor(
      [rows, width],
      numbers.map((value) => scale * value),
    ),
    residual: tensor([rows, width], numbers),
    gamma: tensor([width], Array(width).fill(1)),
    beta: tensor([width], Array(width).fill(0)),
  });
  return Array.from(y?.data ?? [], (value) => Math.max(0, value));
}

const pageTest = (name: string, body: () => Promise<void>) =>
  test(name, { timeout: 120_000 }, async ({ skip }) => {
    const reason = whyNoChromium();
    if (reason !== undefined) skip(`the browser ${reason}`);
    await body();
  });

function expectNear(numbers: Float64Array, scale: number): void {
  const want = wanted(scale);
  expect(numbers.length).toBe(want.length);
  const error = want.reduce((most, value, i) => Math.max(most, Math.abs(value - (numbers[i] as number))), 0);
  expect(error).toBeLessThan(1e-6);
}

pageTest("the page of docs/getting-started.md", async () => {
  const { page, url, complaints } = await emptyPage();
  await page.goto(`${url}getting-started/index.html`);
  await page.waitForFunction('document.querySelector("#result").textContent !== "running"');
  const numbers = ((await page.textContent("#result")) as string).split(" ").map(Number);
  await page.close();
  expect(complaints).toEqual([]);
  const [fn] = parse(readFileSync(path("examples/getting-started/normalize.tir"), "utf8")).fns;
  const x: Tensor = { element: "f32", shape: [2, 4], data: Float64Array.of(1, 2, 3, 4, 10, 20, 30, 80) };
  const want = interpret(fn as Fn, { x }).y?.data as Float64Array;
  expect(numbers).toHaveLength(8);
  for (const [i, value] of numbers.entries()) expect(Math.abs(value - (want[i] as number))).toBeLessThan(1e-6);
});

pageTest("a kernel between two sessions of onnxruntime-web, with nothing read back between", async () => {
  const { text, numbers, reads, complaints } = await open("onnxruntime");
  expect(complaints).toEqual([]);
  expect(text).toMatch(/^float32 \[1,16,768\] on gpu-buffer, /);
  expect(reads).toBe(1); // Of the last result, by the page itself.
  expectNear(numbers, 0.5);
});

pageTest("a kernel as a layer of a model of TensorFlow.js", async () => {
  const { text, numbers, reads, complaints } = await open("tfjs");
  expect(complaints).toEqual([]);
  expect(text).toMatch(/^float32 \[1,16,768\]: /);
  expect(reads).toBe(1);
  expectNear(numbers, 1);
});

pageTest("a kernel that a worker of a Vite page imports runs there", async () => {
  const folder = temporaryFolder();
  const file = (name: string, text: string) => writeFileSync(join(folder, name), text);
  file("square.tir", "fn square(x: f32[n]) -> (y: f32[n]) { return x * x }\n");
  file("index.html", '<script type="module" src="./main.js"></script>\n');
  file(
    "main.js",
    `const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
worker.onmessage = ({ data }) => { globalThis.values = data; };
worker.onerror = ({ message }) => { globalThis.values = message; };
`,
  );
  file(
    "worker.js",
    `import { prepare, square } from "./square.tir";
const device = await (await navigator.gpu.requestAdapter()).requestDevice();
const { y } = await (await prepare(device, square)).run({ x: Float32Array.of(1, 2, 3) }, { n: 3 });
postMessage([...y]);
`,
  );
  const options: vite.InlineConfig = {
    ...{ root: folder, configFile: false, logLevel: "error", plugins: [tirc({ declarations: false })] },
    worker: { format: "es" },
    resolve: { alias: [{ find: /^.*\/launch\/index\.js$/, replacement: path("src/launch/index.ts") }] },
    build: { target: "es2023" },
  };
  await vite.build(options);
  const server = await vite.preview({ ...options, preview: { host: "127.0.0.1", port: 0 } });
  try {
    browser ??= launchChromium();
    const page = await (await browser).newPage();
    await page.goto(server.resolvedUrls?.local[0] as string);
    await page.waitForFunction("globalThis.values !== undefined", undefined, { timeout: 60_000 });
    expect(await page.evaluate("values")).toEqual([1, 4, 9]);
    await page.close();
  } finally {
    await server.close();
  }
});
