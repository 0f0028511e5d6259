/** The playground from end to end, as a visitor uses it, in Chromium. */

import { readFileSync } from "node:fs";
import { describe, expect } from "vitest";
import { isDeep } from "../support/deep.ts";
import { caretPlace, edit, focusedLabel, openPage, pageTest, programLines, replaceProgram } from "./open-page.ts";

const summary = "#problems-summary";

describe("the page", () => {
  pageTest("loads an example, shows an error at its place, recovers, and runs the kernel", async () => {
    const { page, url, requests, complaints } = await openPage();
    await edit(page, () => page.getByLabel("Example").selectOption("bert-output"));
    expect((await programLines(page))[1]).toContain("fn bert_output(");
    expect(await page.textContent(summary)).toBe("No problems. ");
    expect(await page.locator(".diff .cm-added").count()).toBe(3);

    // An extra letter in the name of an op: the error is at the name.
    await page.locator("#editor .cm-line", { hasText: "return gelu(n)" }).click();
    await page.keyboard.press("Home");
    for (let i = 0; i < "return gelu".length; i++) await page.keyboard.press("ArrowRight");
    await edit(page, () => page.keyboard.type("x"));
    expect(await page.textContent(summary)).toBe("1 error. Line 6: there is no op gelux");
    const underlined = page.locator("#editor .cm-lintRange-error");
    expect(await underlined.allTextContents()).toEqual(["gelux"]);
    expect(await page.textContent("#problems li")).toContain("did you mean `gelu`?".replaceAll("`", ""));
    expect(await page.locator("#stale").isVisible()).toBe(true);

    await page.keyboard.press("Escape");
    await edit(page, () => page.keyboard.press("Backspace"));
    expect(await page.textContent(summary)).toBe("No problems. ");
    expect(await underlined.count()).toBe(0);
    expect(await page.locator("#stale").isVisible()).toBe(false);

    await page.keyboard.press("Control+Enter");
    await page.waitForSelector("figure.timing", { timeout: 50_000 });
    const row = page.locator("tr[data-output=y]");
    const error = Number(await row.getAttribute("data-error"));
    console.log(`bert-output in the page: largest error ${error.toExponential(1)} of its row's largest value`);
    expect(error).toBeGreaterThan(0);
    expect(error).toBeLessThan(2e-6);
    expect(await row.textContent()).toContain("within 2e-6");
    expect(await page.textContent("#panel-run caption")).toMatch(/bert_output on .*swiftshader/i);
    expect(await page.getAttribute("figure.timing svg", "aria-label")).toMatch(
      /^Kernel: median .+ Copy: median .+ Ratio /,
    );

    expect(complaints).toEqual([]);
    // All requests are to the page's own server.
    expect(requests.length).toBeGreaterThan(3);
    expect(requests.filter((request) => !request.startsWith(url))).toEqual([]);
  });

  // A minute of a processor on a busy machine; other examples run in the tests beside it.
  pageTest.runIf(isDeep)("runs its longest example, for this device", async () => {
    const { page } = await openPage({ hash: "#example=shared-layers" });
    expect(await page.getByLabel("Target").inputValue()).toBe("this-device");
    await page.getByRole("tab", { name: "WGSL" }).click();
    expect(await page.textContent("#panel-wgsl .bar")).toContain("needs subgroups");
    await page.click("#run");
    await page.waitForSelector("tr[data-output=y]", { timeout: 50_000 });
    expect(Number(await page.getAttribute("tr[data-output=y]", "data-error"))).toBeLessThan(2e-6);
  });

  pageTest("completes the names of ops", async () => {
    const { page } = await openPage();
    await replaceProgram(page, "fn f(x: f32[a, 4]) -> f32[a, 4] { return ");
    await page.keyboard.type("layern");
    await page.getByRole("option", { name: /layernorm/ }).waitFor();
    // The list ignores Enter for its first 75 ms.
    await page.waitForTimeout(100);
    await page.keyboard.press("Enter");
    await page.keyboard.type("x, axes = [-1]) }");
    await page.getByText("No problems.").waitFor();
    expect(await programLines(page)).toEqual(["fn f(x: f32[a, 4]) -> f32[a, 4] { return layernorm(x, axes = [-1]) }"]);
  });

  pageTest("shows a result that is too far off as wrong", async () => {
    const { page } = await openPage();
    // The textbook's variance, whose digits cancel in f32: a true difference from float64.
    const program = `fn f(x: f32[rows, 64]) -> f32[rows, 1] {
  let s = x + 1000
  let m = mean(s, axes = [-1], keepdims = true)
  return mean(s * s, axes = [-1], keepdims = true) - m * m
}`;
    await replaceProgram(page, program);
    await page.click("#run");
    await page.waitForSelector("tr[data-output]");
    expect(await page.textContent("tr[data-output] td:nth-child(4)")).toMatch(/WRONG: \d+ of \d+ beyond 2e-6/);
    const color = await page.evaluate(() => {
      return getComputedStyle(document.querySelector("tr[data-output] span.wrong") as Element).color;
    });
    expect(color).toBe("rgb(179, 38, 30)");
  });

  pageTest("says what is wrong with a run", async () => {
    const { page } = await openPage();
    await page.getByLabel("Target").selectOption("gpu-f16");
    await edit(page, () => page.getByLabel("Example").selectOption("llama-rmsnorm"));
    await page.click("#run");
    await page.waitForSelector("#panel-run .messages");
    expect(await page.textContent("#panel-run .messages")).toContain("shader-f16");
    expect(await page.textContent("#panel-run [role=status]")).toBe("The run failed.");
  });

  pageTest("takes the extents that are asked for, and a run can be stopped", async () => {
    const { page } = await openPage({ hash: "#example=bert-output" });
    await page.getByRole("tab", { name: "Run" }).click();
    await page.getByLabel("rows").fill("3");
    await page.locator("#panel-run").getByRole("button", { name: "Run" }).click();
    await page.waitForSelector("tr[data-output]");
    expect(await page.textContent("tr[data-output] td:nth-child(2)")).toBe("f32[3, 768]");
    // In one task of the page, as a run may end before a second click arrives. Run does nothing while a run is in progress.
    await page.locator("#panel-run").evaluate((panel) => {
      for (const name of ["Run", "Stop"]) {
        const button = [...panel.querySelectorAll("button")].find(({ textContent }) => textContent === name);
        button?.click();
      }
    });
    expect(await page.textContent("#panel-run [role=status]")).toBe("Stopped.");
    expect(await page.getByRole("button", { name: "Stop" }).isDisabled()).toBe(true);
    await replaceProgram(page, "fn g(x: f32[rows, 4]) -> f32[rows, 4] { return exp(x) }");
    expect(await page.textContent("#panel-run [role=status]")).toBe("The program has changed since this run.");
    // The extent stays while the program changes.
    expect(await page.getByLabel("rows").inputValue()).toBe("3");
  });

  pageTest(
    "begins with a stream whose norms lose their centerings, and its kernel reads the new constants",
    async () => {
      const { page } = await openPage();
      expect(await page.getByLabel("Example").inputValue()).toBe("prenorm-stream");
      await page.getByRole("tab", { name: "Norms" }).click();
      expect(await page.locator("#panel-norms strong").allTextContents()).toEqual(["folded", "folded", "folded"]);
      await page.getByRole("tab", { name: "WGSL" }).click();
      expect(await page.textContent("#panel-wgsl .cm-content")).toContain("in_embed_centered");
      await page.click("#run");
      await page.waitForSelector("tr[data-output=y]");
      expect(Number(await page.getAttribute("tr[data-output=y]", "data-error"))).toBeLessThan(2e-6);
    },
  );

  pageTest("keeps the program in the address", async () => {
    const { page, url } = await openPage({ hash: "#example=rmsnorm-int8&target=swiftshader" });
    expect((await programLines(page))[1]).toContain("fn rmsnorm_int8(");
    expect(await page.getByLabel("Target").inputValue()).toBe("swiftshader");
    await replaceProgram(page, "fn g(x: f32[4]) -> f32[4] { return exp(x) }");
    await page.waitForFunction(() => location.hash.startsWith("#code="));
    const address = page.url();
    expect(address.startsWith(`${url}#code=`)).toBe(true);
    await page.goto("about:blank");
    await page.goto(address);
    await page.waitForSelector("body[data-version]");
    expect(await programLines(page)).toEqual(["fn g(x: f32[4]) -> f32[4] { return exp(x) }"]);
    expect(await page.getByLabel("Target").inputValue()).toBe("swiftshader");
  });

  pageTest("keeps the target, the tab and the sizes in the address", async () => {
    const { page } = await openPage({ hash: "#example=bert-output" });
    await edit(page, () => page.getByLabel("Target").selectOption("portable"));
    await page.getByRole("tab", { name: "Run" }).click();
    await page.getByLabel("rows").fill("3");
    const hash = "#example=bert-output&target=portable&tab=run&dim.rows=3";
    await page.waitForFunction((wanted) => location.hash === wanted, hash);

    const other = await openPage({ hash });
    expect(await other.page.getByLabel("Target").inputValue()).toBe("portable");
    expect(await other.page.getByRole("tab", { name: "Run" }).getAttribute("aria-selected")).toBe("true");
    expect(await other.page.getByLabel("rows").inputValue()).toBe("3");
    await other.page.click("#run");
    await other.page.waitForSelector("tr[data-output]");
    expect(await other.page.textContent("tr[data-output] td:nth-child(2)")).toBe("f32[3, 768]");
    // The default target is not in the link: it is the device of the reader.
    await other.page.getByLabel("Target").selectOption("this-device");
    await other.page.getByRole("tab", { name: "Passes" }).click();
    await other.page.waitForFunction(() => location.hash === "#example=bert-output&dim.rows=3");
  });

  pageTest("says that an address is damaged, and shows an example", async () => {
    const { page } = await openPage({ hash: "#code=AAAA" });
    expect(await page.textContent("#link-problems")).toContain("cut off or changed on the way");
    expect((await programLines(page)).join("\n")).toContain("fn prenorm_stream(");
  });

  pageTest("says that an example does not exist, and which do", async () => {
    const { page } = await openPage({ hash: "#example=berd-output&tab=nonsense" });
    const said = page.locator("#link-problems");
    expect(await said.locator("p").allTextContents()).toEqual([
      "The address asks for the example berd-output, which does not exist.",
      "The address asks for the tab nonsense, which does not exist.",
      "This is the example prenorm-stream. The examples are:",
    ]);
    const menu = await page.locator("#example option:not([disabled])").allTextContents();
    expect(await said.getByRole("link").allTextContents()).toEqual(menu);
    // The address stays as it was opened until another example is chosen.
    await page.waitForTimeout(500);
    expect(await page.evaluate(() => location.hash)).toBe("#example=berd-output&tab=nonsense");
    await edit(page, () => said.getByRole("link", { name: "bert-output" }).click());
    expect((await programLines(page))[1]).toContain("fn bert_output(");
    expect(await said.textContent()).toBe("");
  });

  pageTest("has icons, and a picture for links to it, at the package's homepage", async () => {
    const { page, url } = await openPage();
    const { homepage } = JSON.parse(readFileSync("package.json", "utf8")) as { homepage: string };
    const og = (property: string) => page.getAttribute(`meta[property="og:${property}"]`, "content");
    expect(await og("url")).toBe(homepage);
    const image = (await og("image")) as string;
    expect(image.startsWith(homepage)).toBe(true);
    /** Width and height, from the header of a PNG. */
    const sizeOf = async (path: string) => {
      const body = await (await page.request.get(url + path)).body();
      expect(body.subarray(1, 4).toString()).toBe("PNG");
      return [body.readUInt32BE(16), body.readUInt32BE(20)];
    };
    const size = [Number(await og("image:width")), Number(await og("image:height"))];
    expect(await sizeOf(image.slice(homepage.length))).toEqual(size);
    expect(await sizeOf((await page.getAttribute("link[rel=apple-touch-icon]", "href")) as string)).toEqual([180, 180]);
    const icon = await page.request.get(url + (await page.getAttribute("link[rel=icon]", "href")));
    expect(icon.headers()["content-type"]).toContain("image/svg+xml");
  });

  pageTest("leads from a line of the kernel to the program and back", async () => {
    const { page } = await openPage({ hash: "#example=bert-output&target=portable" });
    await page.getByRole("tab", { name: "WGSL" }).click();
    const marked = (where: string) => page.locator(`${where} .cm-linked`).allTextContents();

    // From the program: the caret's line.
    await page.locator("#editor .cm-line", { hasText: "let h = x + residual" }).click();
    expect(await marked("#panel-wgsl")).toContain("    let h = x + residual;");
    expect(await page.locator("#panel-wgsl .cm-line", { hasText: "let h = x + residual" }).first().isVisible()).toBe(
      true,
    );
    await page.keyboard.press("Alt+Enter");
    expect(await focusedLabel(page)).toBe("WGSL of the kernel");
    expect(await marked("#editor")).toEqual(["  let h = x + residual"]);

    // From the kernel: down to the norm's own lines, and over to the program.
    const wanted = page.locator("#panel-wgsl .cm-line", { hasText: "inverseSqrt" });
    for (let i = 0; i < 60 && (await marked("#editor")).join().includes("let h"); i++) {
      await page.keyboard.press("ArrowDown");
    }
    expect(await marked("#editor")).toEqual(["  let n = layernorm(h, gamma, beta, axes = [-1], eps = 1e-12)"]);
    await wanted.click();
    await page.keyboard.press("Enter");
    expect(await focusedLabel(page)).toBe("Program");
    expect((await caretPlace(page))[0]).toBe(5);

    // Lines that belong to the whole kernel come from no line of the program.
    await page.locator("#panel-wgsl .cm-scroller").evaluate((scroller) => scroller.scrollTo(0, 0));
    await page.locator("#panel-wgsl .cm-line", { hasText: "struct Dims" }).click();
    expect(await marked("#editor")).toEqual([]);
    await page.keyboard.press("Enter");
    await page.getByText("This line is not from a line of the program.").waitFor();
  });

  pageTest("shows the remarks and the norms with their places", async () => {
    const { page } = await openPage({ hash: "#example=gpt2-prenorm" });
    await page.getByRole("tab", { name: "Remarks" }).click();
    expect(await page.textContent("#panel-remarks")).toContain("remark R0102");
    await page.getByRole("tab", { name: "Norms" }).click();
    const cells = await page.locator("#panel-norms tbody td").allTextContents();
    expect(cells.slice(1, 5)).toEqual(["gpt2_prenorm", "layernorm", "gamma, beta", "1e-5"]);
    expect(cells[5]).toMatch(/^kept: .*because stream is a parameter/);
  });
});

describe("without WebGPU", () => {
  pageTest.for([
    ["no adapter", "This browser has WebGPU, but found no GPU that it supports."],
    ["none", "This browser has no WebGPU."],
  ] as const)("(%s) the interpreter runs, and the page says why", async ([webgpu, words]) => {
    const { page, requests, url, complaints } = await openPage({ webgpu });
    await page.click("#run");
    await page.waitForSelector("tr[data-output=y]");
    const callout = await page.textContent("#panel-run .callout");
    expect(callout).toContain(`${words} The kernel is compiled all the same`);
    expect(await page.textContent("#panel-run caption")).toContain("on the reference interpreter");
    expect(Number(await page.getAttribute("tr[data-output=y]", "data-error"))).toBeLessThan(2e-6);
    expect(await page.locator("figure.timing").count()).toBe(0);
    expect(await page.getByLabel("Target").inputValue()).toBe("portable");
    expect(await page.locator("#target option[value=this-device]").count()).toBe(0);
    expect(await page.textContent("#no-gpu")).toContain(`${words} Kernels are compiled for portable`);
    await page.getByRole("tab", { name: "WGSL" }).click();
    expect(await page.textContent("#panel-wgsl .cm-content")).toContain("struct Dims");
    expect(requests.filter((request) => !request.startsWith(url))).toEqual([]);
    // The browser's own messages about its GPU are not errors of the page.
    expect(complaints.filter((text) => !text.includes("WebGPU Context Provider"))).toEqual([]);
  });

  pageTest("the page that trains says what it needs where there is no adapter, and shows float64", async () => {
    const { page, complaints } = await openPage({ path: "training.html", webgpu: "no adapter" });
    // The stored float64 results are still shown.
    expect(await page.locator("#kept polyline").count()).toBe(7);
    await page.getByRole("button", { name: "Train" }).click();
    await page.getByText("Training needs WebGPU").waitFor();
    expect(await page.getByRole("button", { name: "Stop" }).isDisabled()).toBe(true);
    expect(complaints.filter((text) => !text.includes("WebGPU Context Provider"))).toEqual([]);
  });
});
