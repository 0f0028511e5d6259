/** A model from its drop on the page to the download, in Chromium. */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { TensorProto_DataLocation, TensorProtoSchema } from "onnx-buf";
import type { Page } from "playwright-core";
import { describe, expect } from "vitest";
import { bytesInMemory, bytesOf, OnnxModel, openArchive, surgery } from "../../src/onnx/index.ts";
import { temporaryFolder } from "../support/built.ts";
import { gpt2Config, gpt2Files } from "../support/checkpoint.ts";
import { cpuClock } from "../support/cpu-clock.ts";
import { isDeep } from "../support/deep.ts";
import { onnxModel, onnxType, rawBytes, type Weight } from "../support/onnx.ts";
import { Graph } from "../support/onnx-graph.ts";
import { openPage, pageTest } from "./open-page.ts";

const [width, blocks] = [256, 3];
const norms = 2 * blocks + 1;

/** A pre-norm transformer of 10 MB, with its norms as chains of nodes. */
function largeModel(): Uint8Array {
  const g = new Graph();
  let h = g.op("Gather", [g.weight([1024, width]), "ids"]);
  for (let i = 0; i < blocks; i++) {
    h = g.add(h, g.attention(g.expandedNorm(h, width), width, 4));
    h = g.add(h, g.dense(g.geluErf(g.dense(g.expandedNorm(h, width), width, 4 * width)), 4 * width, width));
  }
  const y = g.expandedNorm(h, width);
  return onnxModel({
    ...{ opset: 12, weights: g.weights, nodes: g.nodes },
    inputs: { ids: { element: "i64", shape: ["batch", "tokens"] } },
    outputs: { [y]: { element: "f32" } },
  });
}

/** A norm of rows of a table that is stored in a separate file. */
function withTableBeside(location: string): Record<string, Uint8Array> {
  const g = new Graph();
  const table = g.weight([11, 8]);
  const y = g.dense(g.expandedNorm(g.op("Gather", [table, "ids"]), 8), 8, 4);
  const { [table]: rows, ...weights } = g.weights as Record<string, Weight>;
  const external = create(TensorProtoSchema, {
    ...{ name: table, dims: [11n, 8n], dataType: onnxType.f32, dataLocation: TensorProto_DataLocation.EXTERNAL },
    externalData: [{ key: "location", value: location }],
  });
  const model = onnxModel({
    ...{ opset: 12, weights, tensors: [external], nodes: g.nodes },
    inputs: { ids: { element: "i64", shape: ["tokens"] } },
    outputs: { [y]: { element: "f32" } },
  });
  return { "m.onnx": model, [location]: rawBytes(rows as Weight) };
}

/** Drops files or folders in the middle of the page, as a desktop does. */
async function drop(page: Page, ...paths: string[]): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const data = { items: [], files: paths, dragOperationsMask: 1 };
  for (const type of ["dragEnter", "dragOver", "drop"] as const) {
    await session.send("Input.dispatchDragEvent", { type, x: 400, y: 300, data });
  }
  await session.detach();
}

/** Files under a folder of their own, by their names. */
function filesOf(contents: Readonly<Record<string, string | Uint8Array>>): (name: string) => string {
  const folder = temporaryFolder();
  for (const [name, content] of Object.entries(contents)) {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return (name) => join(folder, name);
}

const status = "#model [role=status][aria-live=polite]";
const messages = "#model .messages";

async function downloaded(page: Page, name: string): Promise<Buffer> {
  const coming = page.waitForEvent("download");
  await page.getByRole("link", { name: `Download ${name}` }).click();
  const download = await coming;
  expect(download.suggestedFilename()).toBe(name);
  return readFileSync(await download.path());
}

/** What the surgery gives outside of a browser. */
function written(path: string): Buffer {
  const bytes = bytesInMemory(path, new Uint8Array(readFileSync(path)));
  const { source, pieces } = surgery(path.endsWith(".pt2") ? openArchive(bytes) : new OnnxModel(bytes, noFile));
  return Buffer.concat([...bytesOf(source, pieces)]);
}

const noFile = () => expect.unreachable("the model has no file beside it");

/** Longest times in which the page did nothing else, by the browser's account and by a timer of the page's own. */
async function watchPage(page: Page): Promise<() => Promise<number>> {
  await page.evaluate(() => {
    const tasks: number[] = [];
    Object.assign(window, { tasks });
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) tasks.push(duration);
    }).observe({ type: "longtask" });
    let last = performance.now();
    setInterval(() => {
      const now = performance.now();
      tasks.push(now - last);
      last = now;
    }, 5);
  });
  return () => page.evaluate(() => Math.max(...(window as unknown as { tasks: number[] }).tasks.splice(0)));
}

/** The part of a processor that a process gets now: 1 where nothing else runs. */
function processorShare(): number {
  const [clock, start] = [cpuClock(), performance.now()];
  let end = start;
  while (end < start + 100) end = performance.now();
  return Math.min(1, clock() / (end - start));
}

describe("a model that is dropped", () => {
  pageTest("of 10 MB is answered, in deep runs within two seconds, and the page goes on meanwhile", async () => {
    const path = filesOf({ "large.onnx": largeModel() })("large.onnx");
    expect(readFileSync(path).length).toBeGreaterThan(10e6);
    const { page, url, requests, complaints } = await openPage();
    const isOfWorker = (request: string) => /surgery-worker/.test(request);
    expect(requests.filter(isOfWorker)).toEqual([]);
    const longest = await watchPage(page);
    // Other load slows down single rounds; a page that did the work itself would be slow in all. Only deep runs, which run
    // alone, check the times; that a worker was started is checked below in every run.
    const rounds: { seconds: number; blocked: number }[] = [];
    const best = (of: "seconds" | "blocked") => Math.min(...rounds.map((round) => round[of]));
    const isEnough = () => best("seconds") < 2 && best("blocked") < 100;
    for (let i = 0; i < (isDeep ? 4 : 1) && !isEnough(); i++) {
      const share = processorShare();
      await longest();
      const start = performance.now();
      await drop(page, path);
      await page.waitForFunction((text) => document.querySelector("#model")?.textContent?.includes(text), "Done in");
      rounds.push({ seconds: (share * (performance.now() - start)) / 1000, blocked: share * (await longest()) });
    }
    const [seconds, blocked] = [best("seconds").toFixed(2), best("blocked").toFixed(0)];
    console.log(
      `10 MB: ${seconds} s to the answer, the page blocked for ${blocked} ms at most; rounds: ${rounds.length}`,
    );
    if (isDeep) expect(isEnough(), JSON.stringify(rounds)).toBe(true);
    expect(requests.filter(isOfWorker).length).toBeGreaterThan(0);

    expect(await page.textContent(status)).toContain(`${norms} LayerNorms: ${norms} without centering`);
    expect(await page.locator("#model tbody tr").count()).toBe(norms);
    expect(await page.locator("#model caption").allTextContents()).toContainEqual(
      expect.stringMatching(/^6 LayerNorms folded, written as .+the weights that their rows are sums of/),
    );
    expect((await downloaded(page, "large-rms.onnx")).equals(written(path))).toBe(true);
    expect(complaints).toEqual([]);
    expect(requests.filter((request) => !request.startsWith(url))).toEqual([]);
  });

  pageTest("of torch.export is chosen by keyboard, and closing leads back", async () => {
    const { page } = await openPage();
    await page.getByRole("button", { name: "Norms of a model" }).press("Enter");
    await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute("type"))).toBe("file");
    const path = "test/pt2/models/gpt.pt2";
    const chooser = page.waitForEvent("filechooser");
    await page.getByLabel("Files").press("Enter");
    await (await chooser).setFiles(path);
    await page.locator(status, { hasText: "Done in" }).waitFor();
    expect(await page.locator(status).textContent()).toMatch(/^\d+ LayerNorms: .+; [\d.]+ kB of [\d.]+ kB read\.$/);
    expect((await downloaded(page, "gpt-rms.pt2")).equals(written(path))).toBe(true);
    await page.keyboard.press("Escape");
    expect(await page.locator("#model").isVisible()).toBe(false);
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("open-model");
  });

  pageTest("as a folder is a checkpoint, of which the files that change are there", async () => {
    const files = filesOf({
      ...gpt2Files(),
      "gpt2/onnx/model.onnx": "another form",
      "gpt2/pytorch_model.bin": "pickle",
    });
    const { page } = await openPage();
    await drop(page, files("gpt2"));
    await page.locator(status, { hasText: "5 LayerNorms: 5 can be RMSNorms" }).waitFor();
    expect(await page.locator("#model .downloads a").allTextContents()).toEqual(
      ["config.json", "model.safetensors"].map((name) => `Download ${name}`),
    );
    expect(await page.locator("#model").textContent()).toContain("leave out pytorch_model.bin");
    const config = JSON.parse((await downloaded(page, "config.json")).toString());
    expect(config).toMatchObject({ tie_word_embeddings: false, rms_norms: { length: 5 } });
    const weights = await downloaded(page, "model.safetensors");
    // The copy of the table for the head is the last tensor.
    const before = readFileSync(files("gpt2/model.safetensors"));
    expect(weights.length - before.length).toBeGreaterThan(11 * 6 * 4);
    await drop(page, files("gpt2/config.json"), files("gpt2/model.safetensors"));
    await page.locator(status, { hasText: "5 LayerNorms: 5 can be RMSNorms" }).waitFor();
  });

  pageTest("that is none, or is not there in whole, gives the reason and a way on", async () => {
    const files = filesOf({
      ...{ "picture.png": "PNG", "cut.onnx": readFileSync("test/onnx/models/gpt2_conv1d.onnx").subarray(0, 900) },
      ...{ "pickle.pt2": readFileSync("test/pt2/models/gpt.pt2").subarray(0, 3000) },
      ...gpt2Files(gpt2Config.replace('"gpt2"', '"gpt-2"')),
      ...{ "two/a.onnx": "a", "two/b.onnx": "b", "program.tir": "fn f(x: f32[4]) -> f32[4] { return exp(x) }" },
    });
    const { page, complaints } = await openPage();
    const said = async (...names: string[]) => {
      await drop(page, ...names.map(files));
      await page.locator(messages, { hasText: /error/ }).waitFor();
      const text = await page.locator(messages).textContent();
      await page.getByRole("button", { name: "Close" }).click();
      return text;
    };
    expect(await said("picture.png")).toMatch(/E0643.+picture\.png is not a model.*Help: take an ONNX model/);
    expect(await said("two")).toMatch(/E0643.+it contains a\.onnx and b\.onnx.*Help: take one of them/);
    expect(await said("gpt2/model.safetensors")).toMatch(/E0643.+config\.json.*Help: take both files/);
    expect(await said("gpt2")).toMatch(/E0792.+gpt-2.+did you mean gpt2/);
    expect(await said("cut.onnx")).toMatch(/E074\d/);
    expect(await said("pickle.pt2")).toMatch(/E077\d/);
    expect(complaints).toEqual([]);
    // A program is opened as one.
    await drop(page, files("program.tir"));
    await expect.poll(() => page.locator("#editor .cm-content").textContent()).toContain("return exp(x)");
  });

  pageTest("with its weights in a file beside it needs that", async () => {
    const files = filesOf(withTableBeside("m.data"));
    const { page } = await openPage();
    await drop(page, files("m.onnx"));
    await page.locator(messages).waitFor();
    expect(await page.textContent(messages)).toMatch(/m\.data is missing.*Help: take the model and/);
    await drop(page, files("m.onnx"), files("m.data"));
    await page.locator(status, { hasText: "Done in" }).waitFor();
    expect(await page.textContent("#model")).toContain("weights stay in m.data");
    expect(await page.locator("#model .downloads a").allTextContents()).toEqual(["Download m-rms.onnx"]);
  });
});
