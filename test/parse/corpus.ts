/** Valid and invalid programs of this project, for tests of the parser. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { catalog } from "../../src/diagnostics/catalog.ts";
import { root } from "../support/built.ts";
import { pages, snippetsOf } from "../support/snippets.ts";

/** A program in which each rule of the grammar has something to match; what its names mean is another matter. */
export const everything = `/* Two lines,
   and a sign: * */
const table: f32[2, 2] = [[1, -2.5e-3], [inf, nan]] // the first
const flag: bool = true
const shift: f32[768] @centered(-1) = load("shift.npy") * 2
fn block(x: f32[rows, 768] @centered(-1, 1), mask: bool[rows, 1]) -> (y: f32[rows, 768], f32[rows, 1]) {
  let h = where(mask || x == 1 && !(x < 2), x * 0.125 / 3 % 2, -1E+9)
  kernel {
    let (s) = max(abs(h), axes = [-1], keepdims = true)
    let (n: f32[rows, 768], letter_2) = split(h + 1 - s, axes = [])
  }
  return gelu(n, approximate = "tanh"), s >= 1
}
const after: i32 = 3
fn scalar() -> f32 { return nothing() }
`;

function tirFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".tir"))
    .sort()
    .map((name) => readFileSync(join(root, folder, name), "utf8"));
}

/** The files of this project, and what its documents show. */
export function programs(): string[] {
  return [
    everything,
    ...["examples", "playground/examples", "test/filetests"].flatMap(tirFiles),
    ...pages.flatMap(snippetsOf).flatMap(({ language, text }) => (language === "tir" ? [text] : [])),
  ];
}

/** What the catalog of errors shows as wrong. */
export function wrongPrograms(): string[] {
  return [...catalog].filter(([code]) => /^E0[12]/.test(code)).map(([, { wrong }]) => wrong);
}
