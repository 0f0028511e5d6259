/** The command as a process: streams, exit codes, and what it loads. */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { buildPackage, root, runNode, temporaryFolder } from "../support/built.ts";
import { addNorm } from "../support/cli.ts";

let built = "";
let cli = "";
let folder = "";

beforeAll(() => {
  built = buildPackage();
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
  // Long names make the text long without much work.
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

/** The modules that a command loads, as paths in the package or in node_modules. */
function loadedBy(args: readonly string[], env: Record<string, string> = {}): { loaded: string[]; stderr: string } {
  const hooks =
    'import { writeSync } from "node:fs"; export function load(url, context, next) { ' +
    'if (url.startsWith("file:")) writeSync(2, "loads " + url + "\\n"); return next(url, context); }';
  const dataUrl = (code: string) => `data:text/javascript,${encodeURIComponent(code)}`;
  const register = `import { register } from "node:module"; register(${JSON.stringify(dataUrl(hooks))});`;
  const { status, stderr } = runNode(["--import", dataUrl(register), cli, ...args], { cwd: folder, env });
  expect(status, stderr).toBe(0);
  const loaded = [...stderr.matchAll(/^loads (.*)$/gm)].map(([, url]) => fileURLToPath(url as string));
  return { loaded: loaded.map((path) => relative(realpathSync(built), path)), stderr };
}

describe("a command loads a few files", () => {
  const small = ["--version", "--help", "compile --help"];
  test.each(small)("%s: without the compiler", (line) => {
    const { loaded } = loadedBy(line.split(" "));
    expect(loaded).toContain("dist/src/cli/main.js");
    expect(loaded).not.toContain("dist/bundle/compiler.js");
    expect(loaded.length).toBeLessThanOrEqual(5);
  });

  test("compile: and neither WebGPU nor what runs kernels", () => {
    const { loaded } = loadedBy(["compile", "f.tir"]);
    expect(loaded).toContain("dist/bundle/compiler.js");
    expect(loaded).not.toContain("dist/bundle/runtime.js");
    expect(loaded.length).toBeLessThanOrEqual(6);
  });

  const others = [
    "compile f.tir --emit ts",
    "compile f.tir --prove",
    "run f.tir --device cpu --dim rows=2",
    "grad f.tir",
    "types f.tir",
    "fmt f.tir",
    "passes",
    "targets",
    "explain E0203",
  ];
  test.each(others)("%s", (line) => {
    const { loaded } = loadedBy(line.split(" "));
    expect(loaded).toContain("dist/bundle/compiler.js");
    expect(loaded.filter((path) => /^dist\/src\/(?!cli\/main\.js$)/.test(path))).toEqual([]);
    expect(loaded.length).toBeLessThanOrEqual(14);
  });
});

test("TIRC_DEBUG=1 runs the source files, which stack traces then name", () => {
  const { loaded } = loadedBy(["compile", "f.tir"], { TIRC_DEBUG: "1" });
  expect(loaded).toContain("dist/codegen/generate.js");
  expect(loaded.filter((path) => path.startsWith("dist/bundle/"))).toEqual([]);
});

describe("a plugin that imports the library", () => {
  const plugin = `import { compile, definePass, fail } from "tirc";
    export default (library) => {
      if (library.compile !== compile) throw new Error("there are two libraries");
      const run = (fn) => fail({ severity: "error", code: "OWN1", message: "not for " + fn.name, notes: [], help: [], labels: [] });
      return { passes: [definePass({ name: "refuse", summary: "Refuses.", options: {}, run })] };
    };`;
  beforeAll(() => {
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(built, join(folder, "node_modules/tirc"));
    writeFileSync(join(folder, "plugin.mjs"), plugin);
  });

  test.each([[["--plugin", "plugin.mjs"]], [["--plugin=plugin.mjs"]]])("%s: gets the one that compiles", (option) => {
    expect(tirc(["compile", "f.tir", ...option])).toMatchObject({ status: 0, stderr: "" });
    const { status, stderr } = tirc(["compile", "f.tir", ...option, "--passes", "refuse"]);
    expect(stderr).toContain("error[OWN1]: not for add_norm");
    expect(status).toBe(1);
  });
});
