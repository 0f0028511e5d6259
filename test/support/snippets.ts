/** The examples that stand in the documents, fenced as ```ts, ```js, ```sh and ```tir. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./built.ts";

export interface Snippet {
  /** `docs/onnx.md`. */
  readonly page: string;
  readonly language: string;
  readonly text: string;
  /** 1-based: where its text begins. */
  readonly line: number;
}

export const pages: readonly string[] = [
  ...["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"],
  ...readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

/** The file that the README has its reader write, by the name that its commands use. */
export const readmeProgram = {
  name: "stream.tir",
  text: readFileSync(join(root, "examples/prenorm-stream.tir"), "utf8"),
};

/** The files that pages have their reader write. */
export const writtenPrograms = [
  readmeProgram,
  { name: "normalize.tir", text: readFileSync(join(root, "examples/getting-started/normalize.tir"), "utf8") },
];

/** All fenced blocks of a page; those without a language have "". */
export function snippetsOf(page: string): Snippet[] {
  const found: Snippet[] = [];
  let open: { language: string; line: number; lines: string[] } | undefined;
  for (const [i, line] of readFileSync(join(root, page), "utf8").split("\n").entries()) {
    const fence = /^```(\w*)$/.exec(line);
    if (open === undefined) {
      if (fence !== null) open = { language: fence[1] as string, line: i + 2, lines: [] };
    } else if (line === "```") {
      found.push({ page, language: open.language, line: open.line, text: `${open.lines.join("\n")}\n` });
      open = undefined;
    } else open.lines.push(line);
  }
  if (open !== undefined) throw new Error(`${page}:${open.line}: the block does not end`);
  return found;
}
