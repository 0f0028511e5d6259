/** The command as a process: streams, exit codes, and what it loads. */

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { buildPackage, root, runNode, temporaryFolder } from "../support/built.ts";
import { addNorm } from "../support/cli.ts";

let cli = "";
let folder = "";

beforeAll(() => {
  const built = buildPackage();
  cli = join(built, "dist/src/cli/main.js");
  writeFileSync(join(built, "package.json"), readFileSync(join(root, "package.json")));
  folder = temporaryFolder();
  writeFileSync(join(folder, "f.tir"), addNorm);
}, 240_000);

const tirc = (args: readonly string[], options: { input?: string; env?: Record<string, string> } = {}) =>
  runNode([cli, ...args], { cwd: folder, ...options });

/** In a shell, where `tirc` is the command. */
function shell(line: string) {
  const script = `tirc() { "${process.execPath}" "${cli}" "$@"; }\n${line}`;
  return spawnSync("bash", ["-c", script], { cwd: folder, encoding: "utf8", timeout: 60_000 });
}

test("exits with 0, 1 and 2", () => {
  expect(tirc(["compile", "f.tir"]).status).toBe(0);
  expect(tirc(["compile", "-"], { input: "fn f(" }).status).toBe(1);
  expect(tirc(["compile"]).status).toBe(2);
});

test("reads stdin that comes slowly, and writes to stdout all there is", () => {
  // Long names, for the text to be long and the work to be little.
  const name = (i: number) => `${"a_long_name_".repeat(5)}${i}`;
  const lines = Array.from({ length: 600 }, (_, i) => `  let ${name(i + 1)} = ${name(i)} + x`).join("\n");
  const text = `fn f(x: f32[n]) -> (y: f32[n]) {\n  let ${name(0)} = x\n${lines}\n  return ${name(600)}\n}\n`;
  writeFileSync(join(folder, "long.tir"), text);
  const { status, stdout } = shell("(head -c 1000 long.tir; sleep 0.3; tail -c +1001 long.tir) | tirc compile - | cat");
  expect(status).toBe(0);
  // More than a pipe holds.
  expect(stdout.length).toBeGreaterThan(65_536);
  expect(tirc(["compile", "long.tir", "-o", "long.wgsl"]).status).toBe(0);
  expect(stdout).toBe(readFileSync(join(folder, "long.wgsl"), "utf8"));
});

test("a reader that goes away is no error", () => {
  const { status, stderr, stdout } = shell("set -o pipefail; tirc compile long.tir | head -c 10");
  expect([status, stderr, stdout.length]).toEqual([0, "", 10]);
});

test.skipIf(!existsSync("/dev/full"))("a full disk is said", () => {
  const { status, stderr } = shell("tirc compile f.tir > /dev/full");
  expect(status).toBe(1);
  expect(stderr).toMatch(/cannot write/);
  expect(stderr).not.toMatch(/^\s+at /m);
});

describe("colors", () => {
  test("are not written to what is no terminal", () => {
    expect(tirc(["compile", "none.tir"]).stderr).toMatch(
      /^error\[E0640\]: cannot read none.tir: there is no such file\n += help: /,
    );
  });
});

test("compiling loads neither WebGPU nor what runs kernels", () => {
  const { status, stderr } = tirc(["compile", "f.tir"], { env: { NODE_DEBUG: "module,esm" } });
  expect(status).toBe(0);
  expect(stderr).toContain("cli/compile-command.js");
  expect(stderr).not.toMatch(/node_modules\/webgpu|runtime\/node\.js/);
});
