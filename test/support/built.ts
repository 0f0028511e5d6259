/** The compiled package, for tests that start a Node process: Node 20 does not run TypeScript. */

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";

export const root = fileURLToPath(new URL("../..", import.meta.url));

const temporary: string[] = [];

afterAll(() => {
  for (const folder of temporary) rmSync(folder, { recursive: true, force: true });
});

/** A folder of its own, removed after the file's tests. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "tirc-test-"));
  temporary.push(folder);
  return folder;
}

/** Compiles the sources into a temporary folder, with the installed packages beside them, and gives its path. */
export function buildPackage(): string {
  const folder = temporaryFolder();
  const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");
  const built = runNode([tsc, "-p", "tsconfig.build.json", "--noCheck", "--outDir", join(folder, "dist")]);
  if (built.status !== 0) throw new Error(`the sources do not compile:\n${built.stdout}`);
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  return folder;
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
