import { readFileSync, writeFileSync } from "node:fs";
import { expect } from "vitest";

const folder = new URL("../golden/", import.meta.url);

/** Compares with test/golden/NAME; `TIRC_BLESS=1` writes the file instead. Read the diff before committing it. */
export function expectGolden(name: string, text: string): void {
  const file = new URL(name, folder);
  if (process.env.TIRC_BLESS === "1") writeFileSync(file, text);
  expect(text).toBe(readFileSync(file, "utf8"));
}
