/** The built page in a real browser, for the tests of this folder. */

import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, onTestFinished, test } from "vitest";
import { launchChromium, whyNoChromium } from "../../scripts/chromium.mjs";
import { servePlayground } from "../../scripts/serve-playground.mjs";

let served: ReturnType<typeof servePlayground> | undefined;
const browsers = new Map<boolean, Promise<Browser>>();

afterAll(async () => {
  for (const browser of browsers.values()) await (await browser).close();
  await (await served)?.close();
});

interface OpenOptions {
  /** The page to open, such as the training page; by default the playground. */
  readonly path?: string;
  readonly hash?: string;
  /** What the browser has: WebGPU with an adapter, without one, or no `navigator.gpu` at all. */
  readonly webgpu?: "adapter" | "no adapter" | "none";
  readonly width?: number;
  readonly height?: number;
  readonly colorScheme?: "light" | "dark";
}

interface Opened {
  readonly page: Page;
  /** Where the page is served, with a slash at its end. */
  readonly url: string;
  /** The addresses that the page and its workers asked for. */
  readonly requests: readonly string[];
  /** Errors of the page's scripts, and warnings and errors on its console. */
  readonly complaints: readonly string[];
}

/** A fresh page that has shown its first program, or is ready. It goes when the test is done. */
export async function openPage(options: OpenOptions = {}): Promise<Opened> {
  const { path = "", hash = "", webgpu = "adapter", width = 1280, height = 800, colorScheme = "light" } = options;
  served ??= servePlayground();
  const { url } = await served;
  const hasAdapter = webgpu === "adapter";
  const browser = browsers.get(hasAdapter) ?? launchChromium({ webgpu: hasAdapter });
  browsers.set(hasAdapter, browser);
  const context = await (await browser).newContext({ viewport: { width, height }, colorScheme });
  onTestFinished(() => context.close());
  if (webgpu === "none") await withoutGpu(context);
  const requests: string[] = [];
  const complaints: string[] = [];
  context.on("request", (request) => requests.push(request.url()));
  context.on("requestfailed", (request) => complaints.push(`failed: ${request.url()}`));
  const page = await context.newPage();
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    if (["warning", "error"].includes(message.type())) complaints.push(message.text());
  });
  await page.goto(url + path + hash);
  await page.waitForSelector("body[data-version], body[data-ready]");
  return { page, url, requests, complaints };
}

/** As in a browser that never heard of WebGPU, in the page and in its workers. */
async function withoutGpu(context: BrowserContext): Promise<void> {
  const script = `Object.defineProperty(navigator, "gpu", { value: undefined });`;
  await context.addInitScript(script);
  await context.route(/worker/, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `${script}\n${await response.text()}` });
  });
}

/** `test` that is skipped, with the reason, where the browser does not run. */
export const pageTest = test.extend<{ here: true }>({
  here: [
    async ({ skip }, use) => {
      const reason = whyNoChromium();
      if (reason !== undefined) skip(`the browser ${reason}`);
      await use(true);
    },
    { auto: true },
  ],
});

/** Does something to the program, and waits until the page shows what came of it. */
export async function edit(page: Page, act: () => Promise<unknown>): Promise<void> {
  const before = await page.evaluate(() => document.body.dataset.version);
  await act();
  await page.waitForFunction((version) => document.body.dataset.version !== version, before);
}

/** Replaces the whole program, as by pasting. */
export async function replaceProgram(page: Page, text: string): Promise<void> {
  await page.getByRole("textbox", { name: "Program" }).click();
  await page.keyboard.press("Control+A");
  await edit(page, () => page.keyboard.insertText(text));
}

/** The program as it stands in the editor, line by line. */
export function programLines(page: Page): Promise<string[]> {
  return page.locator("#editor .cm-line").allTextContents();
}

/** What the element with the focus is called. */
export function focusedLabel(page: Page): Promise<string | null | undefined> {
  return page.evaluate(() => document.activeElement?.getAttribute("aria-label"));
}

/** Where the caret stands: line and column, from 1. */
export function caretPlace(page: Page): Promise<readonly [number, number]> {
  return page.evaluate(() => {
    const selection = getSelection() as Selection;
    const node = selection.focusNode as Node;
    const line = (node instanceof Element ? node : (node.parentElement as Element)).closest(".cm-line") as Element;
    const range = document.createRange();
    range.setStart(line, 0);
    range.setEnd(node, selection.focusOffset);
    const index = [...(line.parentElement as Element).querySelectorAll(".cm-line")].indexOf(line);
    return [index + 1, range.toString().length + 1] as const;
  });
}
