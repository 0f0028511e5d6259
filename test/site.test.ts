/** The site has every page once, and no dead link: between pages, to anchors, to files. */

import { readFileSync } from "node:fs";
import { posix } from "node:path";
import { describe, expect, test } from "vitest";
import { contentsOf } from "../scripts/site/contents.mjs";
import { slugOf } from "../scripts/site/markdown.mjs";
import { renderSite } from "../scripts/site/render.mjs";
import { pages } from "./support/snippets.ts";

const files = renderSite(process.cwd(), [["Playground", "playground/index.html"]]);
/** What other tools write into the site's folder. */
const written = ["playground/index.html"];
const html = [...files].flatMap(([path, text]) =>
  typeof text === "string" && path.endsWith(".html") ? [{ path, text }] : [],
);
const valuesOf = (text: string, attribute: string) =>
  [...text.matchAll(new RegExp(`<[a-z][^<>]* ${attribute}="([^"]*)"`, "g"))].map(([, value]) => value as string);

test("docs/README.md lists every page once, in sections", () => {
  const sections = contentsOf(readFileSync("docs/README.md", "utf8"));
  const listed = sections.flatMap((section) => section.pages.map(({ path }) => path));
  expect([...listed].sort()).toEqual(pages.filter((path) => !path.endsWith(".intro.md")).sort());
  for (const { title, pages } of sections) expect(pages.length, title).toBeGreaterThan(0);
});

test("no link of the site is dead", () => {
  const anchors = new Map(html.map(({ path, text }) => [path, new Set(valuesOf(text, "id"))]));
  let links = 0;
  const dead = html.flatMap(({ path, text }) =>
    ["href", "src"]
      .flatMap((attribute) => valuesOf(text, attribute))
      .filter((target) => !/^https?:/.test(target))
      .filter((target) => {
        links++;
        const [file = "", fragment] = target.split("#");
        const to = file === "" ? path : posix.normalize(posix.join(posix.dirname(path), file));
        if (written.includes(to)) return false;
        return !files.has(to) || (fragment !== undefined && !anchors.get(to)?.has(fragment));
      })
      .map((target) => `${path}: ${target}`),
  );
  expect(dead).toEqual([]);
  expect(links).toBeGreaterThan(1000);
});

test("an id stands once in a page", () => {
  for (const { path, text } of html) {
    const ids = valuesOf(text, "id");
    expect(
      ids.filter((id, i) => ids.indexOf(id) !== i),
      path,
    ).toEqual([]);
  }
});

test("headings go down one level at a time, from one title", () => {
  for (const { path, text } of html) {
    const levels = [...text.matchAll(/<h(\d)/g)].map(([, level]) => Number(level));
    expect(
      levels.filter((level) => level === 1),
      path,
    ).toHaveLength(1);
    expect(levels[0], path).toBe(1);
    for (const [i, level] of levels.entries()) expect(level, path).toBeLessThanOrEqual((levels[i - 1] ?? 0) + 1);
  }
});

describe("what is code", () => {
  test("is highlighted by the language's own words", () => {
    const page = files.get("docs/language.html") as string;
    expect(page).toContain('<span class="keyword">fn</span> bert_output(x: <span class="type">f32</span>');
    expect(page).toContain('<span class="function">layernorm</span>(h');
  });

  test("stays the text that it is", () => {
    const source = readFileSync("examples/bert-output.tir", "utf8");
    const [, code = ""] = /<code>([\s\S]*?)<\/code>/.exec(files.get("examples/bert-output.tir.html") as string) ?? [];
    const text = code
      .replace(/<[^>]*>/g, "")
      .replaceAll("&quot;", '"')
      .replaceAll("&gt;", ">")
      .replaceAll("&lt;", "<");
    expect(text.replaceAll("&amp;", "&")).toBe(source);
  });
});

// GitHub's rule (its library github-slugger): punctuation goes, letters get small, each space becomes a hyphen.
test.each([
  ["When the weights are trained", "when-the-weights-are-trained"],
  ["What a GPU's compiler makes of the kernels", "what-a-gpus-compiler-makes-of-the-kernels"],
  ["`tirc run`, and `--compare`", "tirc-run-and---compare"],
  ["E0101: an example", "e0101-an-example"],
])("the anchor of %s", (heading, anchor) => expect(slugOf(heading.replaceAll("`", ""))).toBe(anchor));
