/** The site's pages in a browser, opened from a folder: axe finds nothing, and nothing leaves the page at its side. */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect } from "vitest";
import { launchChromium, whyNoChromium } from "../../scripts/chromium.mjs";
import { renderSite } from "../../scripts/site/render.mjs";
import { temporaryFolder } from "../support/built.ts";
import { isDeep } from "../support/deep.ts";
import { pageTest } from "./open-page.ts";

const folder = temporaryFolder();
const files = renderSite(process.cwd());
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
let browser: Browser;

beforeAll(async () => {
  for (const [path, content] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  if (whyNoChromium() === undefined) browser = await launchChromium({ webgpu: false });
});
afterAll(() => browser?.close());

/** A picture, tables, a program. `npm run test:deep` looks at all documents. */
const some = ["index.html", "docs/targets.html", "examples/bert-output.tir.html"];
const isDocument = (path: string) => /^[^/]+\.html$|^docs\//.test(path) && path.endsWith(".html");
const chosen = isDeep ? [...files.keys()].filter((path) => isDocument(path) || some.includes(path)) : some;

declare const window: { axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> } };

for (const colorScheme of ["light", "dark"] as const) {
  pageTest(`in ${colorScheme} colours`, { timeout: isDeep ? 600_000 : 60_000 }, async () => {
    const context = await browser.newContext({ colorScheme, viewport: { width: 390, height: 800 } });
    const page = await context.newPage();
    // In dark mode only the colors differ.
    for (const path of colorScheme === "light" ? chosen : some) {
      await page.goto(`file://${join(folder, path)}`);
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => window.axe.run());
      const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).slice(0, 3)}`);
      expect.soft(found, path).toEqual([]);
      const { scrollWidth } = await page.evaluate(() => ({ scrollWidth: document.documentElement.scrollWidth }));
      expect.soft(scrollWidth, path).toBeLessThanOrEqual(390);
    }
    await context.close();
  });
}
