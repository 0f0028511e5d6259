/** The table and the chart of a run. */

import { readFileSync, writeFileSync } from "node:fs";
import { ops } from "./ops.mjs";

const docs = new URL("../../docs/", import.meta.url);
const own = ["tirc", "by hand"];

const best = (entries, by) =>
  entries.filter((entry) => !own.includes(entry.name) && entry[by] !== undefined).sort((a, b) => a[by] - b[by])[0];
const number = (value) => (value === undefined ? "-" : value >= 100 ? value.toFixed(0) : value.toPrecision(2));

function line({ op, shape, copy, entries }) {
  const [tirc, hand] = own.map((name) => entries.find((entry) => entry.name === name) ?? {});
  const [kernel, whole] = [best(entries, "kernel"), best(entries, "whole")];
  const failed = entries
    .filter((entry) => entry.failed && entry.name !== "by hand")
    .map((entry) => `${entry.name}: ${entry.failed}`);
  const cells = [
    ...[ops[op].title, shape, copy < 0.1 ? copy.toPrecision(2) : copy.toFixed(2)],
    ...[tirc.kernel ? `${number(tirc.kernel)} (${tirc.launches})` : "-", number(hand.kernel)],
    kernel ? `${number(kernel.kernel)} (${kernel.name}, ${kernel.launches})` : "-",
    ...[kernel && tirc.kernel ? (tirc.kernel / kernel.kernel).toFixed(2) : "-", number(tirc.whole)],
    whole ? `${number(whole.whole)} (${whole.name})` : "-",
    ...[whole && tirc.whole ? (tirc.whole / whole.whole).toFixed(2) : "-", failed.join("; ")],
  ];
  return `| ${cells.join(" | ")} |`;
}

const head = `| op | rows x n | copy, ms | tirc (launches) | by hand | best peer (launches) | tirc / peer | tirc, ms | best peer, ms | tirc / peer | failed |
|---|---|---|---|---|---|---|---|---|---|---|`;

export function table(results, withHead = true) {
  return [...(withHead ? [head] : []), ...results.map(line)].join("\n");
}

const geometric = (values) => Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);

/** For each shape of an op, the ratio of tirc's time to the best peer's. */
function ratios(results, op, by) {
  return results.flatMap((result) => {
    const [tirc, peer] = [result.entries.find(({ name }) => name === "tirc"), best(result.entries, by)];
    return result.op === op && tirc?.[by] && peer ? [tirc[by] / peer[by]] : [];
  });
}

/** For each op, the geometric mean over the shapes of tirc's time by the best peer's, and the largest ratio. */
function summary(results) {
  const rows = Object.keys(ops).flatMap((op) => {
    const [kernel, whole] = [ratios(results, op, "kernel"), ratios(results, op, "whole")];
    if (kernel.length === 0) return [];
    const cells = [kernel, whole].flatMap((list) => [geometric(list).toFixed(2), Math.max(...list).toFixed(2)]);
    return [`| ${ops[op].title} | ${cells.join(" | ")} |`];
  });
  return `| op | kernel, mean | kernel, largest | end to end, mean | end to end, largest |\n|---|---|---|---|---|\n${rows.join("\n")}`;
}

/** A bar chart of LayerNorm's multiples, grouped by shape. */
function plot({ device, results }) {
  const colors = {
    tirc: "#2563eb",
    "by hand": "#93c5fd",
    "jax-js": "#f59e0b",
    "tfjs-webgpu": "#ef4444",
    "onnxruntime-web": "#10b981",
  };
  const chosen = results.filter(({ op }) => op === "layernorm");
  const most = Math.max(...chosen.flatMap(({ entries }) => entries.map(({ kernel }) => kernel ?? 0)));
  const names = Object.keys(colors);
  const [width, height, left] = [90 * chosen.length + 60, 300, 40];
  const y = (value) => height - 60 - (value / most) * (height - 90);
  const bars = chosen.flatMap(({ shape, entries }, group) => [
    `<text x="${left + group * 90 + 36}" y="${height - 42}" font-size="10" text-anchor="middle">${shape}</text>`,
    ...names.flatMap((name, i) => {
      const value = entries.find((entry) => entry.name === name)?.kernel;
      if (value === undefined) return [];
      const x = left + group * 90 + i * 15;
      return [
        `<rect x="${x}" y="${y(value)}" width="13" height="${height - 60 - y(value)}" fill="${colors[name]}"/>`,
        `<text x="${x + 6}" y="${y(value) - 3}" font-size="8" text-anchor="middle">${number(value)}</text>`,
      ];
    }),
  ]);
  const legend = names.map(
    (name, i) =>
      `<rect x="${left + i * 120}" y="${height - 22}" width="10" height="10" fill="${colors[name]}"/><text x="${left + i * 120 + 14}" y="${height - 13}" font-size="10">${name}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif">
<rect width="100%" height="100%" fill="white"/>
<text x="${left}" y="16" font-size="12">LayerNorm on ${shortName(device)}: kernel time as a multiple of a plain copy</text>
${[...bars, ...legend].join("\n")}
</svg>
`;
}

/** Replaces the text between the two comments of this name in a file. */
export function replaceBlock(file, name, block) {
  const between = new RegExp(`<!-- ${name} -->[\\s\\S]*<!-- /${name} -->`);
  const text = readFileSync(file, "utf8");
  writeFileSync(
    file,
    text.replace(between, () => `<!-- ${name} -->\n${block}\n<!-- /${name} -->`),
  );
}

/** The name of a device in tables. */
export function shortName(device) {
  const known = { llvmpipe: "lavapipe", SwiftShader: "SwiftShader", "nvidia-h200": "NVIDIA H200" };
  return Object.entries(known).find(([part]) => device.includes(part))?.[1] ?? device;
}

/** GPUs first, then alphabetically. */
export const inOrder = (runs) =>
  runs.toSorted(
    (a, b) => a.device.includes("software") - b.device.includes("software") || b.device.localeCompare(a.device),
  );

/** For each op without gradients, the geometric mean of the kernel ratios on each device, and the largest. */
function overview(runs) {
  const head = runs.map(({ device }) => `${shortName(device)}, mean | largest`);
  const forwards = Object.keys(ops).filter((op) => ops[op].wrt === undefined);
  const rows = forwards.map((op) => {
    const cells = runs.map(({ results }) => {
      const list = ratios(results, op, "kernel");
      return list.length === 0 ? "- | -" : `${geometric(list).toFixed(2)} | ${Math.max(...list).toFixed(2)}`;
    });
    return `| ${ops[op].title} | ${cells.join(" | ")} |`;
  });
  return `| op | ${head.join(" | ")} |\n|---|${"---|---|".repeat(runs.length)}\n${rows.join("\n")}`;
}

/** Times of tirc's and PyTorch's kernels in microseconds, measured by beside-pytorch.mjs. */
function besidePyTorch() {
  const { device, torch, results } = JSON.parse(readFileSync(new URL("../pytorch.json", import.meta.url), "utf8"));
  const titleOf = (key) => ops[key]?.title ?? "copy";
  const lines = Object.keys(results[0].tirc)
    .filter((key) => key !== "shape")
    .flatMap((key) =>
      results.map(({ tirc, pytorch }) => {
        const [own, other] = [1000 * tirc[key], 1000 * pytorch[key]];
        return `| ${titleOf(key)} | ${tirc.shape} | ${own.toFixed(1)} | ${other.toFixed(1)} | ${(own / other).toFixed(2)} |`;
      }),
    );
  return `On ${device}, with PyTorch ${torch}:

| op | rows x n | tirc, us | PyTorch, us | tirc / PyTorch |
|---|---|---|---|---|
${lines.join("\n")}`;
}

/** PyTorch's time as a multiple of tirc's: the range over the shapes. */
function pytorchRanges() {
  const { device, torch, results } = JSON.parse(readFileSync(new URL("../pytorch.json", import.meta.url), "utf8"));
  const range = (key) => {
    const all = results.map(({ tirc, pytorch }) => pytorch[key] / tirc[key]);
    return `${number(Math.min(...all))} to ${number(Math.max(...all))}`;
  };
  return `Beside PyTorch ${torch} on an ${device}, at ${results.length} shapes of activations: its CUDA kernels take ${range("layernorm")} times as
long for LayerNorm, ${range("rmsnorm")} for RMSNorm, ${range("rmsnorm-dx-dgamma")} for RMSNorm's backward
([beside PyTorch](docs/performance.md#beside-pytorch)).`;
}

/** The two figures of the first device that the README begins with. */
function headline([{ device, results }]) {
  const mean = (op) => geometric(ratios(results, op, "kernel")).toFixed(2);
  return `On an ${shortName(device)} its LayerNorm takes ${mean("layernorm")} of the time of the fastest among jax-js, TensorFlow.js and
onnxruntime-web, and its RMSNorm ${mean("rmsnorm")}: kernel times, geometric means over shapes
([all figures](#how-fast-how-accurate)).`;
}

/** The generated blocks of the documents: the file, the name of the comments, the text. */
export function reportBlocks(runs) {
  const blocks = runs.map(
    ({ device, results }) => `### ${shortName(device)}

On ${device}; medians of ${[...new Set(results.map(({ rounds }) => rounds))].sort((a, b) => a - b).join(" or ")} rounds.

${summary(results)}

${table(results)}`,
  );
  const [performance, readme] = [new URL("performance.md", docs), new URL("../README.md", docs)];
  return [
    [performance, "bench", blocks.join("\n\n")],
    [performance, "pytorch", besidePyTorch()],
    [readme, "headline", headline(runs)],
    [readme, "performance", overview(runs)],
    [readme, "pytorch", pytorchRanges()],
  ];
}

/** Writes the tables of all devices to docs/performance.md, an overview to the README, and the first device's chart. */
export function writeReport(runs) {
  for (const [file, name, text] of reportBlocks(runs)) replaceBlock(file, name, text);
  writeFileSync(new URL("performance.svg", docs), plot(runs[0]));
}
