/** The compiled package, for tests that start a Node process: Node 20 does not run TypeScript. */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

/** A new folder, removed after the test run. */
export const temporaryFolder = (): string => mkdtempSync(join(process.env.TIRC_TEST_FOLDER ?? tmpdir(), "test-"));

/** Compiles the sources to a temporary folder, next to the installed packages, and returns its path. */
export function buildPackage(): string {
  const folder = temporaryFolder();
  cpSync(compiledSources(), join(folder, "dist"), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  return folder;
}

const cache = join(root, "node_modules/.cache/tirc-test-dist");

/** The folder of the compiled sources: the first caller compiles them. */
function compiledSources(): string {
  const made = join(cache, hashOfSources());
  if (existsSync(made)) return made;
  const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");
  mkdirSync(cache, { recursive: true });
  const out = mkdtempSync(join(cache, "unfinished-"));
  const built = runNode([tsc, "-p", "tsconfig.build.json", "--noCheck", "--outDir", out]);
  if (built.status !== 0) throw new Error(`the sources do not compile:\n${built.stdout}`);
  const bundled = runNode([join(root, "scripts/bundle.mjs"), out]);
  if (bundled.status !== 0) throw new Error(`the command cannot be bundled:\n${bundled.stderr}`);
  try {
    renameSync(out, made);
  } catch (caught) {
    // Another process was faster.
    rmSync(out, { recursive: true });
    if (!existsSync(made)) throw caught;
  }
  for (const other of readdirSync(cache)) {
    const isOld = Date.now() - statSync(join(cache, other)).mtimeMs > 3_600_000;
    if (isOld && join(cache, other) !== made) rmSync(join(cache, other), { recursive: true, force: true });
  }
  return made;
}

/** Of all that tsconfig.build.json has compiled, and how it is compiled and bundled. */
function hashOfSources(): string {
  const hash = createHash("sha256");
  for (const file of ["package.json", "tsconfig.json", "tsconfig.build.json", "scripts/bundle.mjs"])
    hash.update(readFileSync(join(root, file)));
  for (const folder of ["src", "passes", "codegen", "grammar"]) {
    for (const file of readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).sort()) {
      if (file.endsWith(".ts")) hash.update(`${folder}/${file}\n`).update(readFileSync(join(root, folder, file)));
    }
  }
  return hash.digest("hex").slice(0, 16);
}

export interface Ran {
  /** `null`: it did not end by itself. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs Node to its end, 120 s at most; `env` is added to this process's own environment. */
export function runNode(
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string | undefined>; input?: string } = {},
): Ran {
  const { cwd = root, env = {}, input = "" } = options;
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd,
    env: { ...process.env, NODE_OPTIONS: "", ...env },
    input,
    encoding: "utf8",
    timeout: 120_000,
    maxBuffer: 2 ** 26,
  });
  return { status, stdout, stderr };
}
