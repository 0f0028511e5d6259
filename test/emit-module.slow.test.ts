/** The types of modules that `--emit ts` and bundlers make, under the strictest settings. */

import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { compile } from "../src/driver/compile.ts";
import { emitDeclarations, emitModule } from "../src/emit/module.ts";
import { emitTypegpu } from "../src/emit/typegpu.ts";
import { launcherText } from "../src/launch/text-ts.ts";
import { parse } from "../src/parse/parse.ts";
import { planManifest } from "../src/plan/manifest.ts";
import type { Plan } from "../src/plan/plan.ts";
import { root, runNode, temporaryFolder } from "./support/built.ts";

const launcher = { text: launcherText };
const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");
const options = {
  ...{
    strict: true,
    noEmit: true,
    target: "ES2022",
    module: "esnext",
    moduleResolution: "bundler",
    skipLibCheck: true,
  },
  ...{ types: ["@webgpu/types"], noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true },
  ...{ noUnusedLocals: true, noUnusedParameters: true, noImplicitReturns: true, verbatimModuleSyntax: true },
  ...{ allowArbitraryExtensions: true, allowImportingTsExtensions: true, erasableSyntaxOnly: true },
  paths: { "tirc/launch": [join(root, "src/launch/index.ts")] },
};

function check(files: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder();
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: options }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return runNode([tsc, "-p", folder, "--pretty", "false"], { cwd: folder }).stdout;
}

const examples = readdirSync("examples").filter((name) => name.endsWith(".tir"));

test("modules and declarations of every example are right, and so are their calls", () => {
  const files = examples.flatMap((name) => {
    const { kernels } = compile(parse(readFileSync(`examples/${name}`, "utf8"), { file: name }));
    const base = name.replace(".tir", "");
    return [
      [`ts/${base}.ts`, emitModule(kernels, { language: "ts", source: name, launcher })],
      [`js/${base}.d.ts`, emitDeclarations(kernels, name)],
      [`typegpu/${base}.ts`, emitTypegpu(kernels, name)],
    ];
  });
  for (const name of readdirSync("examples/plans").filter((one) => one.endsWith(".tir"))) {
    const { plans, kernels } = compile(parse(readFileSync(`examples/plans/${name}`, "utf8"), { file: name }));
    const plan = planManifest(plans[0] as Plan);
    files.push([`typegpu/${name.replace(".tir", "-plan.ts")}`, emitTypegpu([{ plan, kernels }], name)]);
  }
  const use = `import { bertOutput } from "./js/bert-output";
import { bertOutput as other } from "./ts/bert-output";
declare const device: GPUDevice, x: GPUBuffer;
const y: GPUBuffer = bertOutput(device, { x, residual: x, gamma: x, beta: x }, { rows: 3 }).y;
export const z = other(device, { x: y, residual: x, gamma: x, beta: x }, { rows: 3 }, { outputs: { y } }).y;
export const text: string = bertOutput.wgsl + other.wgsl;
`;
  expect(check({ ...Object.fromEntries(files), "use.ts": use })).toBe("");
});

test("functions, parameters and dimensions may have the names of types and values that the module uses", () => {
  const names = [
    "a",
    "A",
    "JSON",
    "Map",
    "GPUBuffer",
    "GPUDevice",
    "Partial",
    "Record",
    "Description",
    "launch",
    "then",
  ];
  const fns = names.map(
    (name) => `fn ${name}(${name}: f32[${name}]) -> (constructor: f32[${name}]) { return ${name} * 2 }`,
  );
  const { kernels } = compile(parse(fns.join("\n")));
  const use = `import { a, A, GPUBuffer as gpuBuffer, JSON as json, thenKernel } from "./k";
declare const device: GPUDevice, x: GPUBuffer;
const y: GPUBuffer = a(device, { a: x }, { a: 3 }).constructor;
export const all = [A(device, { A: y }, { A: 3 }), json(device, { JSON: x }, { JSON: 3 }), thenKernel.wgsl];
export const same: GPUBuffer = gpuBuffer(device, { GPUBuffer: x }, { GPUBuffer: 3 }).constructor;
`;
  expect(check({ "k.ts": emitModule(kernels, { language: "ts", source: "k.tir", launcher }), "use.ts": use })).toBe("");
  expect(check({ "k.d.ts": emitDeclarations(kernels, "k.tir"), "use.ts": use })).toBe("");
});

test("a call that lacks an input, or a dimension, is an error of types", () => {
  const { kernels } = compile(parse(readFileSync("examples/bert-output.tir", "utf8")));
  const use = `import { bertOutput } from "./k";
declare const device: GPUDevice, x: GPUBuffer;
bertOutput(device, { x, residual: x, gamma: x }, { rows: 3 });
bertOutput(device, { x, residual: x, gamma: x, beta: x }, { row: 3 });
`;
  const found = check({ "k.ts": emitModule(kernels, { language: "ts", source: "k.tir", launcher }), "use.ts": use });
  expect(found).toMatch(/use\.ts\(3,[\s\S]*beta[\s\S]*use\.ts\(4,.*row/);
});

test("imports of .tir files: by the declaration beside the file, or by tirc/modules", () => {
  const { kernels } = compile(parse(readFileSync("examples/bert-output.tir", "utf8")));
  const use = (call: string) => `import { bertOutput } from "./k.tir";
import wgsl from "./k.tir?wgsl";
declare const device: GPUDevice, x: GPUBuffer;
export const text: string = wgsl;
${call}
`;
  const right = use("export const { y } = bertOutput(device, { x, residual: x, gamma: x, beta: x }, { rows: 3 });");
  const wrong = use("bertOutput(device, { x }, { rows: 3 });");
  const ambient = readFileSync("modules.d.ts", "utf8");
  const declared = { "k.d.tir.ts": emitDeclarations(kernels, "k.tir"), "modules.d.ts": ambient };
  expect(check({ ...declared, "use.ts": right })).toBe("");
  expect(check({ ...declared, "use.ts": wrong })).toContain("use.ts(5,");
  expect(check({ "modules.d.ts": ambient, "use.ts": right })).toBe("");
});
