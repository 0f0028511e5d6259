/** The measurements of the TensorFlow.js encoder, in bench/tfjs.json and as a table in docs/integrations.md. */

import { readFileSync, writeFileSync } from "node:fs";
import { replaceBlock, shortName } from "./report.mjs";
import { changes } from "./tfjs-encoder.mjs";

const kept = new URL("../tfjs.json", import.meta.url);
const page = new URL("../../docs/integrations.md", import.meta.url);

const share = ([low, median, high]) => `${median.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;

function line(result, what) {
  const { where, device, shape, variant } = result;
  const { launches, changes: found } = result[what];
  const cells = changes.flatMap((name) => {
    const one = found.find((change) => change.name === name);
    return [one?.launches ?? "-", one?.ratio ? share(one.ratio) : "-"];
  });
  const driver = `${shortName(device)}, ${where}`;
  return `| ${[shape.join(" x "), variant ? `${driver}, ${variant}` : driver, what, launches, ...cells].join(" | ")} |`;
}

/** Launches, and times relative to the unchanged encoder's: medians and quartiles. */
export function table(results) {
  const head = ["batch, length, width", "driver", "", "launches", ...changes.flatMap((name) => [name, "time"])];
  const lines = results.flatMap((result) => ["step", "inference"].map((what) => line(result, what)));
  return `| ${head.join(" | ")} |\n|${"---|".repeat(head.length)}\n${lines.join("\n")}`;
}

export const readTfjs = () => JSON.parse(readFileSync(kept, "utf8"));

/** The generated block of the page: the file, the name of the comments, the text. */
export const tfjsBlock = (results) => [page, "bench-tfjs", table(results)];

const keyOf = ({ where, device, blocks, shape, variant }) => JSON.stringify([where, device, blocks, shape, variant]);

/** Stores results, replacing earlier ones of the same encoder on the same device. */
export function keepTfjs(results) {
  const fresh = new Map(results.map((result) => [keyOf(result), result]));
  const old = readTfjs().filter((result) => !fresh.has(keyOf(result)));
  const all = [...old, ...results].toSorted((a, b) => keyOf(a).localeCompare(keyOf(b)));
  writeFileSync(kept, `${JSON.stringify(all, null, 1)}\n`);
  replaceBlock(...tfjsBlock(all));
}
