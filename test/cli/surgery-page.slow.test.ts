/** `tirc surgery --html`: a page that a browser shows as it is meant, whatever the model calls its nodes. */

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { launchChromium, whyNoChromium } from "../../scripts/chromium.mjs";
import { Workplace } from "../support/cli.ts";
import { node, onnxModel } from "../support/onnx.ts";
import { smallParts } from "../support/surgery.ts";

const hostile = `</summary></title><script>document.title = "taken"</script><img src="https://example.com/x" onerror="document.title='taken'">&amp;\u202e`;

const model = onnxModel({
  ...smallParts,
  outputs: { z: { element: "f32" } },
  nodes: [
    node("MatMul", ["x", "w"], ["h"], { name: "product" }),
    node("LayerNormalization", ["h", "g", "b"], ["y"], { name: hostile }),
    node("Relu", ["y"], ["z"], { name: "'reader' < all" }),
  ],
});

test("the page shows each norm with the nodes around it, and runs nothing", async (context) => {
  const reason = whyNoChromium();
  if (reason !== undefined) context.skip(`the browser ${reason}`);
  const place = new Workplace({ "m.onnx": model });
  const { code } = await place.run(["surgery", "m.onnx", "--check", "--norm-op", "skip", "--html", "report.html"]);
  expect(code).toBe(0);
  const browser = await launchChromium({ webgpu: false });
  try {
    const page = await browser.newPage();
    const requests: string[] = [];
    page.on("request", (request) => requests.push(request.url()));
    const url = pathToFileURL(join(place.folder, "report.html")).href;
    await page.goto(url);
    expect(requests).toEqual([url]);
    expect(await page.title()).toBe("m.onnx: norms");
    expect(await page.locator("script, img, link, iframe, object").count()).toBe(0);
    expect(await page.locator(".head").textContent()).toMatch(
      /^1 LayerNorm: 1 without centering; output within \S+ of float64/,
    );
    // What would turn the direction of text is shown as a mark.
    const shown = hostile.replace("\u202e", "\ufffd");
    expect(await page.locator("summary").allTextContents()).toEqual([
      expect.stringContaining(`${shown} (LayerNormalization)`),
    ]);
    const titles = await page.locator("svg g title").allTextContents();
    expect(titles).toEqual(["product (MatMul)", `${shown} (LayerNormalization)`, "'reader' < all (Relu)"]);
    await page.locator("summary").click();
    expect(await page.locator("svg").isVisible()).toBe(true);
    expect(await page.locator("details li").allTextContents()).toEqual(["centered once: w"]);
    expect(await page.locator("pre").textContent()).toContain("z: [2, 4] is off by");
  } finally {
    await browser.close();
  }
}, 120_000);

test("a model without a norm has a page too", async () => {
  const place = new Workplace({ "m.onnx": onnxModel({ ...smallParts, nodes: [node("MatMul", ["x", "w"], ["y"])] }) });
  const { code, stdout } = await place.run(["surgery", "m.onnx", "--norm-op", "skip", "--html", "-"]);
  expect([code, stdout.includes("there are no norms")]).toEqual([0, true]);
});
