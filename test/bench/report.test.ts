/** What the documents say of the bench is what was measured. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

type Block = readonly [file: URL, name: string, text: string];

test("tables and ratios in the documents are those of bench/results.json and bench/pytorch.json", async () => {
  const module = new URL("../../bench/lib/report.mjs", import.meta.url).href;
  const { reportBlocks }: { reportBlocks(runs: unknown): readonly Block[] } = await import(module);
  const blocks = reportBlocks(JSON.parse(readFileSync("bench/results.json", "utf8")));
  expect(blocks.map(([, name]) => name)).toEqual(["bench", "pytorch", "headline", "performance", "pytorch"]);
  for (const [file, name, text] of blocks) {
    const isThere = readFileSync(file, "utf8").includes(`<!-- ${name} -->\n${text}\n<!-- /${name} -->`);
    expect(isThere, `${name} in ${file.pathname}`).toBe(true);
  }
});

test("the table of the encoder of TensorFlow.js is that of bench/tfjs.json", async () => {
  const module = new URL("../../bench/lib/tfjs-report.mjs", import.meta.url).href;
  const { tfjsBlock, readTfjs }: { tfjsBlock(results: unknown): Block; readTfjs(): unknown } = await import(module);
  const [file, name, text] = tfjsBlock(readTfjs());
  expect(readFileSync(file, "utf8")).toContain(`<!-- ${name} -->\n${text}\n<!-- /${name} -->`);
});

test("the errors of a LayerNorm that the README names are those of the tables", () => {
  const page = readFileSync("docs/performance.md", "utf8");
  const readme = readFileSync("README.md", "utf8").replace(/\s+/g, " ");
  /** The cells after the columns, for SwiftShader and lavapipe: tirc twice, then its peers. */
  const errorsOf = (rows: string, columns: number) =>
    ["SwiftShader", "lavapipe"].map((driver) => {
      const [, table = ""] = page.split(`accuracy ${driver} -->`);
      const line = table.split("\n").find((line) => line.startsWith(`| ${rows} | ${columns} |`));
      return (line ?? "")
        .split("|")
        .slice(3, -1)
        .map((cell) => cell.trim());
    });
  for (const [rows, wording] of [
    ["1e6 + N(0, 1)", "on rows with a mean of 1e6"],
    ["outlier 1e4 first, then N(0, 1)", "in 16384 columns"],
  ] as const) {
    const [swiftshader = [], lavapipe = []] = errorsOf(rows, 16384);
    const peers = [...swiftshader.slice(2), ...lavapipe.slice(2)].filter((cell) => cell !== "NaN");
    const best = peers.sort((a, b) => Number(a) - Number(b))[0];
    expect(readme).toContain(`${swiftshader[0]} and ${lavapipe[0]}`);
    expect(readme).toMatch(new RegExp(`${wording}.*?off by ${best?.replace("+", "\\+")}`));
  }
});
