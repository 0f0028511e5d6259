/** `npm run accuracy`: prints a table with the error of every example relative to float64 on this machine's device. */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const cli = `${root}dist/src/cli/main.js`;
const scientific = (value) => (value === 0 ? "0" : value.toExponential(1));

let device = "";
const rows = [];
for (const file of readdirSync(`${root}examples`).filter((name) => name.endsWith(".tir"))) {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [cli, "run", `${root}examples/${file}`, "--compare", "--json"],
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(`${file}: ${stderr}`);
  const report = JSON.parse(stdout);
  device = report.device;
  for (const [name, { shape, dtype, maxAbsError, maxRelError }] of Object.entries(report.outputs)) {
    const type = `${dtype}[${shape.join(", ")}]`;
    rows.push(`| ${file} | ${name}: ${type} | ${scientific(maxAbsError)} | ${scientific(maxRelError)} |`);
  }
}
console.log(`On ${device}:

| example | result | largest error | relative to the largest value of its row |
|---|---|---|---|
${rows.join("\n")}`);
