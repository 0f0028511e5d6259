/**
 * `.tir` files imported through each bundler: the bundle runs on a device, and errors have their place in the program.
 */

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { rspack, type Stats } from "@rspack/core";
import * as esbuild from "esbuild";
import { rolldown } from "rolldown";
import * as vite from "vite";
import { describe, expect, test } from "vitest";
import webpack from "webpack";
import { minifyKernel } from "../../codegen/minify.ts";
import esbuildPlugin from "../../src/bundlers/esbuild.ts";
import type { TircPluginOptions } from "../../src/bundlers/plugin.ts";
import rollupPlugin from "../../src/bundlers/rollup.ts";
import rspackPlugin from "../../src/bundlers/rspack.ts";
import vitePlugin from "../../src/bundlers/vite.ts";
import webpackPlugin from "../../src/bundlers/webpack.ts";
import { compile } from "../../src/driver/compile.ts";
import { parse } from "../../src/parse/parse.ts";
import type { Kernel } from "../../src/target/manifest.ts";
import { temporaryFolder } from "../support/built.ts";
import { gpuTest } from "../support/gpu.ts";

const program =
  "fn scale_row(x: f32[rows, 4]) -> (y: f32[rows, 4]) {\n  return x / sum(x, axes = [-1], keepdims = true)\n}\n";
const main = `import { scaleRow } from "./kernels/scale.tir";
import text from "./kernels/scale.tir?wgsl";
export { scaleRow, text };
`;

function app(source = program): string {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "kernels"));
  writeFileSync(join(folder, "kernels/scale.tir"), source);
  writeFileSync(join(folder, "main.js"), main);
  return folder;
}

type Build = (folder: string, options?: TircPluginOptions) => Promise<string>;

const bundlers: Readonly<Record<string, Build>> = {
  vite: async (root, options) => {
    await vite.build({
      ...{ root, logLevel: "silent", plugins: [vitePlugin(options)] },
      build: {
        outDir: "out",
        minify: false,
        lib: { entry: join(root, "main.js"), formats: ["es"], fileName: () => "main.mjs" },
      },
    });
    return join(root, "out/main.mjs");
  },
  rollup: async (root, options) => {
    const bundle = await rolldown({ input: join(root, "main.js"), plugins: [rollupPlugin(options)] });
    await bundle.write({ file: join(root, "out/main.mjs"), format: "es" });
    return join(root, "out/main.mjs");
  },
  esbuild: async (root, options) => {
    const plugins = [esbuildPlugin(options)];
    const entryPoints = [join(root, "main.js")];
    const outfile = join(root, "out/main.mjs");
    await esbuild.build({ entryPoints, outfile, plugins, bundle: true, format: "esm", logLevel: "silent" });
    return outfile;
  },
  webpack: async (root, options) => {
    const output = { path: join(root, "out"), filename: "main.mjs", library: { type: "module" } };
    const found = await new Promise<webpack.Stats | undefined>((resolve, reject) => {
      webpack(
        {
          ...{ mode: "production", context: root, entry: join(root, "main.js"), output, target: "es2022" },
          ...{ experiments: { outputModule: true }, plugins: [webpackPlugin(options)] },
        },
        (error, stats) => (error ? reject(error) : resolve(stats)),
      );
    });
    if (found?.hasErrors()) throw new Error(found.toString({ all: false, errors: true }));
    return join(root, "out/main.mjs");
  },
  rspack: async (root, options) => {
    const compiler = rspack({
      ...{ mode: "production", context: root, entry: join(root, "main.js"), target: "es2022" },
      output: { path: join(root, "out"), filename: "main.mjs", module: true, library: { type: "module" } },
      plugins: [rspackPlugin(options)],
    });
    try {
      const found = await new Promise<Stats | undefined>((resolve, reject) => {
        compiler.run((error, stats) => (error ? reject(error) : resolve(stats)));
      });
      if (found?.hasErrors()) throw new Error(found.toString({ all: false, errors: true }));
    } finally {
      await new Promise((resolve) => compiler.close(resolve));
    }
    return join(root, "out/main.mjs");
  },
};

interface Built {
  readonly scaleRow: (device: GPUDevice, inputs: { x: GPUBuffer }, dims: { rows: number }) => { y: GPUBuffer };
  readonly text: string;
}

const load = (path: string): Promise<Built> => import(/* @vite-ignore */ pathToFileURL(path).href);

/** Those that these builds let minify. */
const minifying = new Set(["webpack", "rspack"]);
const wgslOf = (minified: boolean) => {
  const kernel = compile(parse(program)).kernels[0] as Kernel;
  return (minified ? minifyKernel(kernel) : kernel).wgsl;
};

describe.each(Object.entries(bundlers))("%s", (name, build) => {
  gpuTest("builds a module that runs", { timeout: 60_000 }, async ({ gpu: { device } }) => {
    const folder = app();
    const { scaleRow, text } = await load(await build(folder));
    expect(text).toBe(wgslOf(minifying.has(name)));
    const x = device.createBuffer({ size: 32, usage: 128 | 8 });
    device.queue.writeBuffer(x, 0, Float32Array.of(1, 1, 2, 4, 5, 5, 5, 5));
    const { y } = scaleRow(device, { x }, { rows: 2 });
    const readable = device.createBuffer({ size: 32, usage: 1 | 8 });
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(y, 0, readable, 0, 32);
    device.queue.submit([encoder.finish()]);
    await readable.mapAsync(1);
    const got = [...new Float32Array(readable.getMappedRange())].map((value) => Math.round(value * 1e6) / 1e6);
    expect(got).toEqual([0.125, 0.125, 0.25, 0.5, 0.25, 0.25, 0.25, 0.25]);
    expect(readdirSync(join(folder, "kernels"))).toEqual(["scale.d.tir.ts", "scale.tir"]);
    expect(readFileSync(join(folder, "kernels/scale.d.tir.ts"), "utf8")).toMatch(
      /declare const scaleRow\$: CallableKernel<[\s\S]*export \{ scaleRow\$ as scaleRow, prepare \}/,
    );
  });

  test("takes a target and dimensions, and writes no declarations if told so", { timeout: 60_000 }, async () => {
    const folder = app();
    const built = readFileSync(
      await build(folder, { target: "portable", dims: { rows: 7 }, declarations: false }),
      "utf8",
    );
    expect(built).toContain(minifying.has(name) ? "index<7u" : "index < 7u");
    expect(readdirSync(join(folder, "kernels"))).toEqual(["scale.tir"]);
  });

  test("minifies the WGSL, or not, as it is told", { timeout: 60_000 }, async () => {
    for (const minify of [true, false]) {
      const { text } = await load(await build(app(), { minify, declarations: false }));
      expect(text).toBe(wgslOf(minify));
    }
  });

  test("says what is wrong, and where", { timeout: 60_000 }, async () => {
    const folder = app(program.replace("sum(", "som("));
    const found: unknown = await build(folder).then(
      () => undefined,
      (error: unknown) => error,
    );
    const text = String((found as Error).message);
    expect(text).toContain("there is no op `som`");
    expect(text).toMatch(/scale\.tir:2:14/);
    expect(text).toContain("did you mean `sum`?");
  });
});

test("a bundler is given the place as data", async () => {
  const folder = app(program.replace("sum(", "som("));
  const failed = await bundlers.esbuild?.(folder).catch((error: unknown) => error);
  const { errors } = failed as { errors: { location: unknown }[] };
  const location = { line: 2, column: 13, file: expect.stringMatching(/kernels\/scale\.tir$/) };
  expect(errors).toContainEqual(expect.objectContaining({ location: expect.objectContaining(location) }));
});

describe("a production bundle", () => {
  const second = "fn other(x: f32[n, 8]) -> (z: f32[n, 8]) {\n  return rmsnorm(x, axes = [-1])\n}\n";
  const third = "\nfn unused_here(x: f32[n]) -> (z: f32[n]) {\n  return tanh(x)\n}\n";
  /** The minified bundle of an app with two programs. */
  async function bundle(name: string, code: string): Promise<string> {
    const folder = app(program + third);
    writeFileSync(join(folder, "kernels/other.tir"), second);
    writeFileSync(join(folder, "kernels/long.tir"), "fn long(x: f32[n]) -> (z: f32[n]) { return x * 2 }");
    writeFileSync(
      join(folder, "kernels/scaled.tir"),
      "fn scaled(x: f32[64], by: f32) -> (z: f32[64]) { return x * by }",
    );
    writeFileSync(join(folder, "main.js"), code);
    const options = { declarations: false, minify: true };
    if (name === "esbuild") {
      const { outputFiles } = await esbuild.build({
        ...{ entryPoints: [join(folder, "main.js")], plugins: [esbuildPlugin(options)], write: false },
        ...{ bundle: true, minify: true, format: "esm" },
      });
      return outputFiles[0]?.text as string;
    }
    if (name === "rollup") {
      const build = await rolldown({ input: join(folder, "main.js"), plugins: [rollupPlugin(options)] });
      const { output } = await build.generate({ format: "es", minify: true });
      return output[0].code;
    }
    return readFileSync(await (bundlers[name] as Build)(folder, options), "utf8");
  }
  const named = ["esbuild", "rollup", "webpack"];

  test.each(named)("of %s has one launcher, and the kernels that are used", { timeout: 60_000 }, async (name) => {
    const one = await bundle(name, `import { scaleRow } from "./kernels/scale.tir"; export { scaleRow };\n`);
    const two = await bundle(
      name,
      `import { scaleRow } from "./kernels/scale.tir"; import { other } from "./kernels/other.tir"; export { scaleRow, other };\n`,
    );
    const launchers = (text: string) => text.match(/createBindGroup\(/g)?.length;
    expect([launchers(one), launchers(two)]).toEqual([1, 1]);
    expect(two).toContain("inverseSqrt(");
    expect(one).not.toContain("inverseSqrt(");
    expect(two).not.toContain("tanh(");
    // Errors have a code there, but no text.
    expect(one).toContain("E0618 too small");
    expect(one).not.toContain("and needs");
    // The launcher, and each kernel's part of the manifest.
    const beside = (text: string) => text.replace(/([`"])[^`"]*@compute[^`"]*\1/g, "``").length;
    expect(beside(two)).toBeLessThan(6_500);
    expect(beside(two) - beside(one)).toBeLessThan(330);
    // The code for scalars is included only with a kernel that has some.
    expect(two).not.toContain("E0603 not a scalar");
    const scaled = await bundle(name, `import { scaled } from "./kernels/scaled.tir"; export { scaled };\n`);
    expect(scaled).toContain("E0603 not a scalar");
    expect(beside(scaled)).toBeLessThan(6_800);
    // So is the choice of an entry point, with a kernel that has several.
    expect(two).not.toContain("main_x");
    const long = await bundle(name, `import { long } from "./kernels/long.tir"; export { long };\n`);
    expect(long.replace(/fn main_x/g, "")).toContain("main_x");
    expect(beside(long)).toBeLessThan(6_700);
  });

  test.each(named)("of %s has nothing of kernels that are imported and not used", { timeout: 60_000 }, async (name) => {
    const text = await bundle(
      name,
      `import { scaleRow } from "./kernels/scale.tir"; import { other } from "./kernels/other.tir"; export const a = 1;\n`,
    );
    expect(text.length).toBeLessThan(100);
  });
});

test("a worker of a Vite page imports programs, with the plugin's options", { timeout: 60_000 }, async () => {
  const root = app();
  writeFileSync(
    join(root, "worker.js"),
    `import { scaleRow } from "./kernels/scale.tir";\npostMessage(scaleRow.wgsl);\n`,
  );
  writeFileSync(join(root, "main.js"), `new Worker(new URL("./worker.js", import.meta.url), { type: "module" });\n`);
  await vite.build({
    ...{ root, logLevel: "silent", plugins: [vitePlugin({ dims: { rows: 77 } })] },
    build: { outDir: "out", rolldownOptions: { input: join(root, "main.js") } },
  });
  const files = readdirSync(join(root, "out"), { recursive: true, encoding: "utf8" });
  const worker = files.find((name) => /worker.*\.js$/.test(name)) as string;
  expect(readFileSync(join(root, "out", worker), "utf8")).toContain("index<77u");
});

test("Vite's server gives the new kernel after an edit", { timeout: 60_000 }, async () => {
  const folder = app();
  const plugins = [vitePlugin({ declarations: false })];
  const server = await vite.createServer({
    ...{ root: folder, logLevel: "silent", plugins },
    server: { middlewareMode: true, watch: { usePolling: true, interval: 50 } },
    optimizeDeps: { noDiscovery: true },
  });
  try {
    const codeOf = async () => (await server.transformRequest("/kernels/scale.tir"))?.code ?? "";
    expect(await codeOf()).not.toContain("exp(");
    const path = join(folder, "kernels/scale.tir");
    const isSeen = new Promise<void>((resolve) => {
      server.watcher.on("change", (changed) => {
        if (changed.endsWith("scale.tir")) resolve();
      });
    });
    // The watcher starts some time after the server, so the file is written until it notices.
    const writing = setInterval(() => writeFileSync(path, program.replace("return x", "return exp(x)")), 300);
    await isSeen;
    clearInterval(writing);
    await expect.poll(codeOf, { timeout: 10_000 }).toContain("exp(");
  } finally {
    await server.close();
  }
});
