/** Runs a module in a page of a headless Chromium with WebGPU. */

import { createServer } from "node:http";
import { build } from "esbuild";
import { launchChromium, whyNoChromium } from "../../scripts/chromium.mjs";

export { whyNoChromium };

/**
 * Calls an exported function of a module in a page.
 *
 * @param module the path of the module, which is bundled
 * @param given the argument; it and the result must be JSON
 */
export async function inChromium(module, name, given) {
  const { outputFiles } = await build({
    ...{ entryPoints: [module], bundle: true, format: "iife", globalName: "measured", write: false, logLevel: "error" },
  });
  const browser = await launchChromium();
  // Pages have WebGPU only in a secure context.
  const server = createServer((_, response) => response.setHeader("content-type", "text/html").end("<!doctype html>"));
  try {
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    await page.addScriptTag({ content: outputFiles[0].text });
    return await page.evaluate(([name, given]) => globalThis.measured[name](given), [name, given]);
  } finally {
    await browser.close();
    server.close();
  }
}
