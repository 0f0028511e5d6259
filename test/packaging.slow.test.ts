/** The tarball, installed in an empty folder without the development dependencies: the command, the library, the types. */

import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { type Ran, root, runNode, temporaryFolder } from "./support/built.ts";
import { isDeep } from "./support/deep.ts";
import { readmeProgram } from "./support/snippets.ts";

const modules = join(root, "node_modules");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
interface Package {
  readonly exports: Readonly<Record<string, object>>;
}
let folder = "";

/** npm and npx without a network. */
function run(command: "npm" | "npx", args: readonly string[], cwd: string): Ran {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    env: { ...process.env, npm_config_offline: "true", npm_config_update_notifier: "false", NODE_OPTIONS: "" },
    encoding: "utf8",
    timeout: 120_000,
  });
  // npm prints its own warnings about the user's configuration.
  return { status, stdout, stderr: stderr.replace(/^npm (warn|notice).*\n/gm, "") };
}

/** What is packed or built, of a checkout: `npm pack` builds there, so that dist/ of this checkout stays unchanged. */
function copyOfSources(): string {
  const copy = temporaryFolder();
  const leftOut = ["node_modules", ".git", "dist", "test", "coverage", "bench", "editors", "playground", "tools"];
  for (const name of readdirSync(root).filter((name) => !leftOut.includes(name) && !name.endsWith(".tgz"))) {
    cpSync(join(root, name), join(copy, name), { recursive: true });
  }
  symlinkSync(modules, join(copy, "node_modules"));
  return copy;
}

function write(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

beforeAll(() => {
  folder = temporaryFolder();
  const packed = run("npm", ["pack", "--pack-destination", folder], copyOfSources());
  expect(packed.status, packed.stderr).toBe(0);
  write("package.json", '{ "name": "consumer", "version": "1.0.0", "type": "module", "private": true }\n');
  // The one dependency comes from this checkout instead of the registry.
  const installed = run("npm", ["install", `./tirc-${version}.tgz`, join(modules, "ohm-js")], folder);
  expect(installed.status, installed.stderr).toBe(0);
  write(
    "add.tir",
    `fn add_norm(x: f32[rows, 8], r: f32[rows, 8]) -> (y: f32[rows, 8]) {
  return rmsnorm(x + r, axes = [-1])
}
`,
  );
}, 240_000);

describe("the tarball", () => {
  test("holds what runs, and no sources or tests", () => {
    const installed = join(folder, "node_modules/tirc");
    expect(existsSync(join(installed, "dist/src/cli/main.js"))).toBe(true);
    const top = readdirSync(installed).filter((name) => name !== "node_modules");
    const expected = [
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "dist",
      "docs",
      "examples",
      "modules.d.ts",
      "package.json",
    ];
    expect(top.filter((name) => !expected.includes(name))).toEqual([]);
    expect(top).toEqual(expect.arrayContaining(["LICENSE", "dist", "examples", "package.json"]));
    const files = readdirSync(join(installed, "dist"), { recursive: true, encoding: "utf8" });
    expect(files.filter((name) => /\.ts$/.test(name) && !/\.d\.ts$/.test(name))).toEqual([]);
  });

  test("its command is executable", () => {
    expect(statSync(join(folder, "node_modules/tirc/dist/src/cli/main.js")).mode & 0o111).toBe(0o111);
  });

  test("installs nothing but ohm-js", () => {
    const names = readdirSync(join(folder, "node_modules")).filter((name) => !name.startsWith("."));
    expect(names.sort()).toEqual(["ohm-js", "tirc"]);
  });
});

describe("publint and attw", () => {
  const check = (tarball: string) => runNode([join(root, "scripts/check-package.mjs"), tarball]);

  test("find nothing", () => {
    const { status, stdout, stderr } = check(join(folder, `tirc-${version}.tgz`));
    expect(status, stdout + stderr).toBe(0);
    expect(stdout).toContain("All good!");
    for (const entry of ["", "/runtime", "/runtime/node", "/onnx", "/vite"]) expect(stdout).toContain(`"tirc${entry}"`);
  });

  // A package with one entry, as attw takes half a second for each. That they find problems is tested in deep runs.
  const spoilings: [string, string, object][] = [
    ["an entry that is not there", ".", { default: "./dist/no.js" }],
    ["types that are not there", "./onnx", { types: "./dist/no.d.ts" }],
  ];
  test.each(isDeep ? spoilings : [])("find %s", (_, entry, spoilt) => {
    const copy = temporaryFolder();
    cpSync(join(folder, "node_modules/tirc"), join(copy, "tirc"), { recursive: true });
    const path = join(copy, "tirc/package.json");
    const pkg = JSON.parse(readFileSync(path, "utf8")) as Package;
    const exports = { [entry]: { ...pkg.exports[entry], ...spoilt } };
    writeFileSync(path, JSON.stringify({ ...pkg, exports }));
    const packed = run("npm", ["pack", "--ignore-scripts", "--pack-destination", copy], join(copy, "tirc"));
    expect(packed.status, packed.stderr).toBe(0);
    expect(check(join(copy, `tirc-${version}.tgz`)).status).toBe(1);
  });
});

/** The command as npx finds it in a folder, without the second that npx takes to find it. */
const commandIn =
  (place: string) =>
  (...args: string[]) =>
    runNode([join(place, "node_modules/.bin/tirc"), ...args], { cwd: place });

describe("the command", () => {
  const installed = (...args: string[]) => commandIn(folder)(...args);

  test("npx tirc --help", () => {
    const { status, stdout } = run("npx", ["tirc", "--help"], folder);
    expect(stdout).toContain("tirc compile");
    expect(status).toBe(0);
  });

  test("tirc compile", () => {
    const { status, stdout, stderr } = installed("compile", "add.tir");
    expect(stderr).toBe("");
    expect(stdout).toContain("@compute");
    expect(status).toBe(0);
  });

  test("tirc run, without the package webgpu, on the interpreter", () => {
    const { status, stdout, stderr } = installed("run", "add.tir", "--dim", "rows=3", "--json");
    expect(status, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ function: "add_norm", outputs: { y: { shape: [3, 8], dtype: "f32" } } });
  });
});

describe("the README's first minute", () => {
  test("npm install tirc webgpu, the program, and its commands", () => {
    const place = temporaryFolder();
    writeFileSync(join(place, "package.json"), '{ "name": "newcomer", "version": "1.0.0", "private": true }\n');
    writeFileSync(join(place, readmeProgram.name), readmeProgram.text);
    // Nothing is published: the tarball replaces `tirc`, and this checkout's packages replace its dependencies.
    const packages = [join(folder, `tirc-${version}.tgz`), join(modules, "webgpu"), join(modules, "ohm-js")];
    const installed = run("npm", ["install", ...packages], place);
    expect(installed.status, installed.stderr).toBe(0);
    const tirc = commandIn(place);
    const norms = tirc("explain-norms", readmeProgram.name);
    expect(norms.stdout.match(/ folded$/gm), norms.stderr).toHaveLength(3);
    const rewrite = ["compile", readmeProgram.name, "--emit", "tir", "-o", "rms.tir"];
    expect(tirc(...rewrite, "--weights-out", "rms.safetensors").status).toBe(0);
    expect(readFileSync(join(place, "rms.tir"), "utf8")).not.toMatch(/center\(|layernorm/);
    const { status, stdout, stderr } = tirc("run", "rms.tir", "--compare");
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/^prenorm_stream on .+, [01] launch(es)?\n/);
  });
});

describe("the library", () => {
  test("parses, compiles, prints and runs a pass of one's own", () => {
    const script = write(
      "use.mjs",
      `import { compile, definePass, parse, PassManager, print } from "tirc";
import { readFileSync } from "node:fs";
const module = parse(readFileSync("add.tir", "utf8"), { file: "add.tir" });
const { kernels } = compile(module, { target: "portable" });
const seen = [];
const look = definePass({ name: "look", summary: "Looks.", options: {}, run(fn) { seen.push(fn.name); return fn; } });
new PassManager([look]).run(module);
console.log(JSON.stringify({ kernels: kernels.map(({ name, manifest }) => [name, manifest.version]), seen, text: print(module) }));
`,
    );
    const { status, stdout, stderr } = runNode([script], { cwd: folder });
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toEqual({
      kernels: [["add_norm", 1]],
      seen: ["add_norm"],
      text: expect.stringContaining("rmsnorm("),
    });
    expect(status).toBe(0);
  });

  test("loads without the package webgpu, each entry in turn", () => {
    const entries = ["", "/diagnostics", "/runtime", "/runtime/node", "/language", "/onnx", "/onnxruntime", "/tfjs"];
    const loading = `for (const entry of ${JSON.stringify(entries)})
      console.log(Object.keys(await import("tirc" + entry)).length > 0, entry);`;
    const { status, stdout, stderr } = runNode(["--input-type=module", "--eval", loading], { cwd: folder });
    expect(stderr).toBe("");
    expect(stdout).toBe(entries.map((entry) => `true ${entry}\n`).join(""));
    expect(status).toBe(0);
  });

  test("has types", () => {
    const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");
    const check = (name: string, text: string) => {
      write(`${name}.ts`, text);
      const compilerOptions = {
        ...{ module: "nodenext", target: "ES2022", lib: ["ES2024"], strict: true, noEmit: true },
        // The compiler's own declarations are checked, and need no types of WebGPU; those have errors in themselves.
        ...{
          types: name === "runtime" ? ["@webgpu/types"] : [],
          typeRoots: [modules],
          skipLibCheck: name === "runtime",
        },
      };
      write(`${name}.json`, JSON.stringify({ compilerOptions, files: [`${name}.ts`] }));
      return runNode([tsc, "-p", `${name}.json`], { cwd: folder }).stdout;
    };
    const runtime = `import { type Kernel, runKernel, type RunResult } from "tirc/runtime";
import { openDevice } from "tirc/runtime/node";
export async function run(kernel: Kernel): Promise<RunResult> {
  const { device } = await openDevice();
  return runKernel(device, kernel, { x: new Float32Array(4) }, { rows: 1 });
}
`;
    expect(check("runtime", runtime)).toBe("");
    const core = (use: string) => `import { compile, parse, print, type Module } from "tirc";
const module: Module = parse("", { file: "x.tir" });
const wgsl: string[] = compile(module, { target: "portable" }).kernels.map(({ wgsl }) => wgsl);
export const text: string = print(module) + wgsl.join("");
${use}
`;
    expect(check("core", core(""))).toBe("");
    expect(check("wrong", core("parse(1);"))).toMatch(/wrong\.ts\(5,7\): error TS2345/);
  });
});
