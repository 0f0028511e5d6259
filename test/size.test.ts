/** The size of the compiler in a page stays below the limits of scripts/size.mjs. */

import { join } from "node:path";
import { expect, test } from "vitest";
import { root, runNode } from "./support/built.ts";

test("the bundle of the compiler is no larger than its limits", () => {
  const { status, stdout, stderr } = runNode([join(root, "scripts/size.mjs")]);
  expect(stdout).toMatch(/^minified +\d+\.\d kB, at most \d+\.\d kB\ngzip +\d+\.\d kB, at most \d+\.\d kB\n$/);
  expect(status, `${stdout}${stderr}`).toBe(0);
});
