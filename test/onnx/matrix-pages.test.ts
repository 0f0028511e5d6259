/** The pages of the matrix of models agree with its results. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const at = (path: string) => new URL(`../../${path}`, import.meta.url);
const read = (path: string) => readFileSync(at(path), "utf8");
const results = JSON.parse(read("tools/models/results.json"));

test("docs/models.md is made from the results", async () => {
  const { page } = await import(at("tools/models/page.mjs").href);
  expect(read("docs/models.md")).toBe(page(results, JSON.parse(read("tools/models/expected.json"))));
});

test("what surgery wins in docs/onnx.md is made from the results", async () => {
  const { withWins } = await import(at("tools/models/wins.mjs").href);
  const guide = read("docs/onnx.md");
  expect(guide).toBe(withWins(guide, results));
});
