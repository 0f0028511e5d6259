/** `npm run bench:accuracy`: the largest error of each library's LayerNorm on rows that are hard to normalize. */

import { openBench, tirc } from "./lib/device.mjs";
import { noise, ops, reference } from "./lib/ops.mjs";
import { replaceBlock, shortName } from "./lib/report.mjs";

const rows = 16;
const spread = (mean, deviation) => (value) => mean + deviation * value;
const kinds = [
  ["N(0, 1)", 768, spread(0, 1)],
  ["1e4 + N(0, 1)", 768, spread(1e4, 1)],
  ["1e6 + N(0, 1)", 16384, spread(1e6, 1)],
  ["100 + 1e-3 N(0, 1)", 768, spread(100, 1e-3)],
  ["1 + 1e-4 N(0, 1)", 768, spread(1, 1e-4)],
  ["outlier 1e4 first, then N(0, 1)", 768, (value, i, n) => (i % n === 0 ? 1e4 : value)],
  ["outlier 1e4 first, then N(0, 1)", 16384, (value, i, n) => (i % n === 0 ? 1e4 : value)],
  ["constant 1e6", 768, () => 1e6],
  ["1e18 N(0, 1)", 768, spread(0, 1e18)],
];

const context = await openBench();
const contenders = [];
for (const [file, options, called] of [
  ["tirc"],
  ["tirc", { accuracy: "scaled" }, "tirc --accuracy=scaled"],
  ...[["jax"], ["tfjs"], ["ort"]],
]) {
  const { name, open } = await import(`./lib/${file}.mjs`);
  contenders.push({ name: called ?? name, make: await open(context, options) });
}

async function errorOf({ make }, n, data, wanted) {
  const run = await make.prepare(ops.layernorm, [rows, n], data);
  await run.launch();
  const [got] = await run.results([wanted.length]);
  let worst = 0;
  for (const [i, value] of wanted.entries()) {
    if (Number.isNaN(got[i])) return "NaN";
    worst = Math.max(worst, Math.abs(value - got[i]));
  }
  return worst === 0 ? "0" : worst.toExponential(1);
}

const lines = [
  `| rows | columns | ${contenders.map(({ name }) => name).join(" | ")} |`,
  `|---|---|${"---|".repeat(contenders.length)}`,
];
for (const [what, n, value] of kinds) {
  const x = Float32Array.from(noise(what, rows * n), (number, i) => value(number, i, n));
  const data = { x, gamma: new Float32Array(n).fill(1), beta: new Float32Array(n) };
  const [wanted] = reference(tirc, ops.layernorm, [rows, n], data);
  const cells = [];
  for (const contender of contenders) cells.push(await errorOf(contender, n, data, wanted));
  lines.push(`| ${what} | ${n} | ${cells.join(" | ")} |`);
}
const name = shortName(context.description);
const block = `On ${context.description}.\n\n${lines.join("\n")}`;
console.log(block);
replaceBlock(new URL("../docs/performance.md", import.meta.url), `accuracy ${name}`, block);
process.exit(0);
