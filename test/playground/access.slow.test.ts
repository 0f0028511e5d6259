/** The playground without a mouse, without seeing it, and on a phone. */

import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { isDeep } from "../support/deep.ts";
import { caretPlace, edit, openPage, pageTest, replaceProgram } from "./open-page.ts";

interface AccessibleNode {
  readonly ignored: boolean;
  readonly role?: { readonly value: string };
  readonly name?: { readonly value: string };
}

/** The page as a screen reader presents it. */
async function accessibleNodes(page: Page): Promise<{ role: string; name: string }[]> {
  const session = await page.context().newCDPSession(page);
  const { nodes } = (await session.send("Accessibility.getFullAXTree")) as unknown as { nodes: AccessibleNode[] };
  return nodes
    .filter(({ ignored }) => !ignored)
    .map(({ role, name }) => ({ role: role?.value ?? "", name: name?.value ?? "" }));
}

const controls = new Set([
  ...["button", "link", "textbox", "combobox", "radio", "spinbutton", "tab", "tabpanel", "region", "figure", "table"],
]);

const focused = (page: Page) =>
  page.evaluate(() => {
    const { activeElement: at } = document;
    return at?.getAttribute("aria-label") || (at as HTMLInputElement).value || at?.textContent;
  });

/** The outline of the focused element; for an editor or a select, that of its container. */
const outlineOfFocus = (page: Page) =>
  page.evaluate(() => {
    const at = document.activeElement as HTMLElement;
    const around = at.closest(".editor") ?? at.closest(".passes label") ?? at;
    return getComputedStyle(around).outlineStyle;
  });

describe("a screen reader", () => {
  pageTest("is told what every control is", async () => {
    const { page } = await openPage();
    await replaceProgram(page, "fn f(x: f32[4]) -> f32[4] {\n  return layernorm(x, axes = [-1])\n}");
    await page.click("#run");
    await page.waitForSelector("figure.timing", { timeout: 50_000 });
    for (const tab of ["Passes", "Remarks", "Norms", "WGSL", "Run"]) {
      await page.getByRole("tab", { name: tab }).click();
      const nodes = (await accessibleNodes(page)).filter(({ role }) => controls.has(role));
      expect(nodes.length).toBeGreaterThan(12);
      // The timing's figure is named by its caption, which this browser does not count.
      expect(nodes.filter(({ role, name }) => name === "" && role !== "figure")).toEqual([]);
    }
  });

  pageTest("is told how many problems there are, and where the first is", async () => {
    const { page } = await openPage();
    const live = page.locator("#problems-summary[role=status][aria-live=polite]");
    await replaceProgram(page, "fn f(x: f32[4]) -> f32[4] {\n  let y = x + q\n  return yy\n}");
    expect(await live.textContent()).toMatch(/^2 errors\. Line 2: q is not defined/);
    expect(await page.getByRole("textbox", { name: "Program" }).getAttribute("aria-describedby")).toBe(
      "problems-summary",
    );
  });
});

// It takes the seconds after which the page says so.
describe.runIf(isDeep)("a page whose scripts are not loaded, as from a folder", () => {
  pageTest.for(["", "training.html"])("%s says why", async (path) => {
    const { page, url } = await openPage();
    expect(await page.locator(".unstarted").isVisible()).toBe(false);
    await page.route(/\.js$/, (route) => route.abort());
    await page.goto(url + path);
    await page.locator(".unstarted").waitFor({ timeout: 20_000 });
  });
});

describe("the keyboard", () => {
  pageTest("goes to every part of the page, and out of the editor again", async () => {
    const { page } = await openPage();
    const seen: string[] = [];
    for (let i = 0; i < 13; i++) {
      await page.keyboard.press("Tab");
      seen.push(String(await focused(page)).trim());
      await expect.poll(() => outlineOfFocus(page), { message: seen.at(-1) ?? "" }).toBe("solid");
      if (seen.at(-1) === "IR after the pass") break;
    }
    expect(seen).toEqual([
      ...["Skip to the results", "Training", "Norms of a model", "prenorm-stream", "this-device", "Copy link", "Run"],
      ...["Program", "Passes", "layernorm-to-rmsnorm", "IR after the pass"],
    ]);
  });

  pageTest("changes tabs and passes by arrows", async () => {
    const { page } = await openPage();
    await page.getByRole("tab", { name: "Passes" }).focus();
    await page.keyboard.press("Tab");
    await page.keyboard.press("ArrowLeft");
    expect(await page.getByRole("radio", { name: "canonicalize unchanged" }).isChecked()).toBe(true);
    expect(await page.locator(".diff .cm-added").count()).toBe(0);
    await page.getByRole("tab", { name: "Passes" }).focus();
    await page.keyboard.press("ArrowLeft");
    expect(await focused(page)).toBe("Run");
    expect(await page.getByRole("tabpanel", { name: "Run" }).isVisible()).toBe(true);
    await page.keyboard.press("Home");
    await page.keyboard.press("ArrowRight");
    expect(await page.getByRole("tabpanel", { name: "Remarks" }).isVisible()).toBe(true);
  });

  pageTest("goes from a problem and from a remark to its place", async () => {
    const { page } = await openPage({ hash: "#example=bert-output" });
    await page.getByRole("tab", { name: "Remarks" }).click();
    await page.getByRole("button", { name: "line 5: line 5, column 11; go there" }).press("Enter");
    expect((await caretPlace(page))[0]).toBe(5);
    await replaceProgram(page, "fn f(x: f32[4]) -> f32[4] {\n  return x + q\n}");
    await page.locator("#problems button").first().press("Enter");
    expect(await caretPlace(page)).toEqual([2, 15]);
    expect(await focused(page)).toBe("Program");
  });

  pageTest("a choice of a pass stays while one types", async () => {
    const { page } = await openPage();
    await page.getByText("fuse-elementwise").click();
    await page.getByRole("textbox", { name: "Program" }).click();
    await edit(page, () => page.keyboard.type(" "));
    expect(await page.getByRole("radio", { name: /^fuse-elementwise/ }).isChecked()).toBe(true);
  });
});

/**
 * What is cut off at the sides: wider than the box around it, where no scrolling is meant. Long lines of programs scroll
 * in their panels; nothing else does.
 */
function cutOff(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const shown = [...document.querySelectorAll<HTMLElement>("body *")].filter(
      (one) =>
        one.checkVisibility() && one.closest(".visually-hidden, .passes legend, .passes input, thead, .skip") === null,
    );
    const name = ({ tagName, id, className }: Element) => `${tagName.toLowerCase()}#${id}.${className}`;
    const overfull = shown
      .filter((one) => getComputedStyle(one).overflowX !== "visible" && one.scrollWidth > one.clientWidth)
      .filter((one) => !one.matches(".cm-scroller, svg"))
      .map((one) => `${name(one)}: ${one.scrollWidth} > ${one.clientWidth}`);
    const outside = shown
      .filter((one) => one.closest(".cm-scroller") === null)
      .filter((one) => {
        const { left, right } = one.getBoundingClientRect();
        return left < 0 || right > innerWidth;
      })
      .map((one) => `${name(one)} leaves the page`);
    const drawn = [...document.querySelectorAll("svg text")].flatMap((text) => {
      const [box, frame] = [text.getBoundingClientRect(), (text.closest("svg") as Element).getBoundingClientRect()];
      return box.left < frame.left - 0.5 || box.right > frame.right + 0.5
        ? [`${text.textContent} leaves its picture`]
        : [];
    });
    const pen = document.createElement("canvas").getContext("2d") as CanvasRenderingContext2D;
    const choices = [...document.querySelectorAll("select")].flatMap((select) => {
      if (!select.checkVisibility()) return [];
      pen.font = getComputedStyle(select).font;
      const text = select.selectedOptions[0]?.text ?? "";
      // Its padding, and the arrow.
      return pen.measureText(text).width + 20 + 20 > select.clientWidth ? [`the choice ${text} is cut`] : [];
    });
    return [...overfull, ...outside, ...drawn, ...choices];
  });
}

describe("a phone", () => {
  const tabs = ["Passes", "Remarks", "Norms", "WGSL", "Run"];

  pageTest.for(isDeep ? [320, 390] : [320])("of %i pixels has all of it within its width", async (width) => {
    const { page } = await openPage({ width, hash: "#example=shared-layers&dim.rows=8" });
    await page.click("#run");
    await page.waitForSelector("figure.timing", { timeout: 50_000 });
    for (const example of ["shared-layers", "rmsnorm-int8"]) {
      await page.getByLabel("Example").selectOption(example);
      await page.getByText("No problems.").waitFor();
      for (const tab of tabs) {
        await page.getByRole("tab", { name: tab }).click();
        const widths = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
        expect(widths[0], tab).toBeLessThanOrEqual(widths[1] as number);
        expect(await cutOff(page), `${example}, ${tab}`).toEqual([]);
        const small = await page.evaluate(() =>
          [...document.querySelectorAll<HTMLElement>("header button, select, [role=tab], form button, form input")]
            .filter((control) => control.offsetParent !== null && control.offsetHeight < 40)
            .map((control) => control.outerHTML),
        );
        expect(small, tab).toEqual([]);
      }
    }
  });

  pageTest.for(isDeep ? [320, 390] : [320])("of %i pixels says within its width what is wrong", async (width) => {
    const { page } = await openPage({ width, hash: "#example=nonsense", webgpu: "none" });
    await page.click("#run");
    await page.waitForSelector("tr[data-output]");
    expect(await cutOff(page)).toEqual([]);
    await replaceProgram(page, `fn f(x: f32[4]) -> f32[4] { return ${"a_name_that_is_long".repeat(5)} }`);
    expect(await cutOff(page)).toEqual([]);
  });

  pageTest("of 320 pixels shows a model's norms within its width, and says what each control is", async () => {
    const { page } = await openPage({ width: 320 });
    await page.getByRole("button", { name: "Norms of a model" }).click();
    await page.getByLabel("Files").setInputFiles("test/onnx/models/layer_scale.onnx");
    await page.getByRole("link", { name: "Download layer_scale-rms.onnx" }).waitFor();
    expect(await cutOff(page)).toEqual([]);
    const nodes = (await accessibleNodes(page)).filter(({ role }) => controls.has(role));
    expect(nodes.map(({ name }) => name)).toEqual(expect.arrayContaining(["Close", "Stop"]));
    expect(nodes.filter(({ name }) => name === "")).toEqual([]);
  });

  pageTest("scrolls to the result of a run", async () => {
    const { page } = await openPage({ width: 320, height: 568 });
    const result = page.locator("tr[data-output]");
    const edges = () => result.evaluate((row) => [row.getBoundingClientRect().top, row.getBoundingClientRect().bottom]);
    await page.click("#run");
    await result.waitFor();
    await expect.poll(async () => (await edges())[0]).toBeLessThan(568);
    const [top = 0, bottom = 0] = await edges();
    expect(top).toBeGreaterThanOrEqual(0);
    // A page scrolls by whole pixels, and rows end where their text does.
    expect(Math.floor(bottom)).toBeLessThanOrEqual(568);
  });
});

describe("colours", () => {
  const css = readFileSync("playground/colors.css", "utf8");
  const schemes = { light: css.indexOf(":root"), dark: css.indexOf("@media (prefers-color-scheme: dark)") };
  const colorsFrom = (start: number) =>
    new Map(
      [...css.slice(start, css.indexOf("}", start)).matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map((m) => [m[1], m[2]]),
    );
  /** WCAG 2.2, relative luminance. */
  const luminance = (color: string) => {
    const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
      const part = Number.parseInt(color.slice(at, at + 2), 16) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a: string, b: string) => {
    const [high = 0, low = 0] = [luminance(a), luminance(b)].sort((p, q) => q - p);
    return (high + 0.05) / (low + 0.05);
  };
  const code = ["comment", "keyword", "number", "type", "function", "name"].map((name) => `code-${name}`);
  const pairs = [
    ...["text", "muted", "accent", "error", "warning", "good", ...code].map((name) => [name, "surface"] as const),
    ...["text", "muted", "accent", "error", "warning"].map((name) => [name, "raised"] as const),
    ...["text", "muted"].map((name) => [name, "background"] as const),
    ...["added", "removed", "linked"].flatMap((back) => ["text", ...code].map((name) => [name, back] as const)),
    ["on-accent", "accent"] as const,
  ];

  test.each(Object.entries(schemes))("%s: text stands out from what is behind it", (_, start) => {
    const colors = colorsFrom(start);
    const low = pairs
      .map(([a, b]) => [a, b, contrast(colors.get(a) as string, colors.get(b) as string)] as const)
      .filter(([, , ratio]) => !(ratio >= 4.5));
    expect(low).toEqual([]);
  });
});
