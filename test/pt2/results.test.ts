/** The results of `npm run check:pt2` in PyTorch, against their theoretical limits and the documentation. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

interface Result {
  readonly failed?: string;
  readonly norms: Readonly<Record<string, number>>;
  readonly found: Readonly<Record<string, number>>;
  readonly folded: number;
  readonly off: number;
  readonly isFixpoint: boolean;
  /** By the argument of `--fold`. */
  readonly fold?: Readonly<Record<string, { readonly off: number; readonly isFixpoint: boolean }>>;
}

const read = (path: string) => JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"));
const results: Readonly<Record<string, Result>> = read("results.json");
const possible: Readonly<Record<string, { folded?: number }>> = read("../../tools/models/expected.json");

test("every architecture was exported, with fixed axes or with named ones", () => {
  const done = Object.entries(results).flatMap(([name, { failed }]) =>
    failed === undefined ? [name.split(".")[0]] : [],
  );
  expect([...new Set(done)].toSorted()).toEqual(Object.keys(possible).toSorted());
});

test.each(Object.entries(results).filter(([, { failed }]) => failed === undefined))("%s", (name, result) => {
  const { norms, found, folded, off, isFixpoint } = result;
  expect(found).toEqual(norms);
  expect(folded).toBeGreaterThanOrEqual(possible[name.split(".")[0] as string]?.folded ?? 0);
  expect(off).toBeLessThanOrEqual(1e-5);
  expect(isFixpoint).toBe(true);
  for (const [what, one] of Object.entries(result.fold ?? {})) {
    expect(one.off, what).toBeLessThanOrEqual(1e-5);
    expect(one.isFixpoint, what).toBe(true);
  }
});

test("the page has a line for each architecture", () => {
  const page = readFileSync("docs/pytorch.md", "utf8");
  for (const architecture of Object.keys(possible)) expect(page).toContain(`| ${architecture} | `);
});
