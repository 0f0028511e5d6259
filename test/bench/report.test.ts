/** What the documents say of the bench is what was measured. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

type Block = readonly [file: URL, name: string, text: string];

test("tables and ratios in the documents are those of bench/results.json and bench/pytorch.json", async () => {
  const module = new URL("../../bench/lib/report.mjs", import.meta.url).href;
  const { reportBlocks }: { reportBlocks(runs: unknown): readonly Block[] } = await import(module);
  const blocks = reportBlocks(JSON.parse(readFileSync("bench/results.json", "utf8")));
  expect(blocks.map(([, name]) => name)).toEqual(["bench", "pytorch", "performance", "pytorch"]);
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
