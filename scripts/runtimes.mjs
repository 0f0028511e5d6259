/**
 * Runs the built command in Deno and in Bun: compiles an example, and checks it on a device against float64. Reports
 * what it skips: neither is a dependency, `npm install --no-save deno bun` installs both. Exits 1 if one fails.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const inModules = (path) =>
  existsSync(join(root, "node_modules", path)) ? join(root, "node_modules", path) : undefined;
const runtimes = [
  {
    name: "Deno",
    command: process.env.DENO ?? inModules(".bin/deno") ?? "deno",
    options: ["run", "--unstable-webgpu", "--node-modules-dir=manual", "--no-lock", "-A"],
  },
  { name: "Bun", command: process.env.BUN ?? inModules(".bin/bun") ?? "bun", options: [] },
];
const lines = [
  ["compile", "examples/bert-output.tir"],
  ["run", "examples/bert-output.tir", "--device", "gpu", "--compare", "--dim", "rows=32"],
];

for (const { name, command, options } of runtimes) {
  const version = spawnSync(command, ["--version"], { encoding: "utf8" }).stdout?.split("\n")[0];
  if (version === undefined) {
    console.log(`skipped: ${name} is not installed`);
    continue;
  }
  for (const line of lines) {
    const main = join(root, "dist/src/cli/main.js");
    const { status, stdout, stderr } = spawnSync(command, [...options, main, ...line], { cwd: root, encoding: "utf8" });
    console.log(`${name} (${version}): tirc ${line.join(" ")}: ${status === 0 ? "ok" : `exit ${status}`}`);
    if (line[0] === "run") console.log(stdout.trim().replace(/^/gm, "    "));
    if (status === 0) continue;
    console.log(stderr);
    process.exitCode = 1;
  }
}
