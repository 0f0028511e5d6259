/**
 * Checks the surgery of checkpoints against the library that writes and loads them: `transformers` models with random
 * weights, before and after, with RMSNorms in place of every LayerNorm that allows it. Needs Python with torch,
 * transformers and safetensors; the results are stored, and a test reads them.
 *
 *   npm run build && PYTHON=python3 npm run check:checkpoints
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { tirc } from "./tirc-session.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const kept = join(root, "test/checkpoint/results.json");
const python = process.env.PYTHON ?? "python3";
const folder = mkdtempSync(join(tmpdir(), "tirc-checkpoints-"));

function run(command, ...args) {
  const { status, stdout, error } = spawnSync(command, args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status === 0) return stdout;
  console.error(error?.message ?? `${command} ${args.join(" ")} failed`);
  process.exit(1);
}

async function operate(from, to, ...options) {
  const { code, stderr } = await tirc("surgery", join(folder, from), "-o", join(folder, to), ...options);
  if (code !== 0) throw new Error(`${from}: ${stderr}`);
}

try {
  const script = join(root, "tools/checkpoints/check.py");
  run(python, script, "make", folder);
  for (const name of readdirSync(folder)) {
    for (const [kind, ...options] of [["rms"], ["folded", "--fold", "gamma,beta"]]) {
      const [once, twice] = [`${name}-${kind}`, `${name}-${kind}-twice`];
      await operate(name, once, ...options);
      await operate(once, twice, ...options);
      const again = spawnSync("diff", ["-r", join(folder, once), join(folder, twice)], { encoding: "utf8" });
      if (again.status !== 0) throw new Error(`${name}: a second surgery changes something: ${again.stdout}`);
    }
  }
  const found = run(python, script, "compare", folder);
  writeFileSync(kept, found);
  process.stdout.write(found);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
