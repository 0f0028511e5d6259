/** A function of several kernels, imported by a bundler: called as one kernel is. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { expect } from "vitest";
import esbuildPlugin from "../../src/bundlers/esbuild.ts";
import { interpret } from "../../src/ir/interpret.ts";
import type { Fn } from "../../src/ir/ir.ts";
import { parse } from "../../src/parse/parse.ts";
import { randomInputs } from "../../src/testing/random-inputs.ts";
import { temporaryFolder } from "../support/built.ts";
import { gpuTest } from "../support/gpu.ts";

const text = `fn two_norms(x: f32[n, 16], w: f32[8, 16]) -> (y: f32[n, 8]) {
  return softmax(linear(rmsnorm(x, axes = [-1]), w), axes = [-1])
}
`;

gpuTest("a bundle has a plan, with plain kernels for its products", { timeout: 60_000 }, async ({ gpu }) => {
  const { device } = gpu;
  const folder = temporaryFolder();
  writeFileSync(join(folder, "norms.tir"), text);
  writeFileSync(join(folder, "main.js"), `export { twoNorms } from "./norms.tir";\n`);
  const { outputFiles } = await build({
    ...{ entryPoints: [join(folder, "main.js")], bundle: true, write: false, format: "esm" },
    plugins: [esbuildPlugin({ target: "portable", products: "plain" })],
  });
  const declared = readFileSync(join(folder, "norms.d.tir.ts"), "utf8");
  expect(declared).toContain('import { type CallablePlan, prepare } from "tirc/launch";');
  expect(declared).toContain("declare const twoNorms$: CallablePlan<TwoNormsSignature>;");
  const { twoNorms } = await import(
    `data:text/javascript;base64,${Buffer.from(outputFiles[0]?.text as string).toString("base64")}`
  );
  const fn = parse(text).fns[0] as Fn;
  const inputs = randomInputs(fn, 1, { n: 5 });
  const encoder = device.createCommandEncoder();
  const [x, w] = [inputs.x, inputs.w].map((tensor) => Float32Array.from(tensor?.data ?? []));
  const { y } = twoNorms(device, { x, w }, { n: 5 }, { encoder });
  const copy = device.createBuffer({ size: 160, usage: 1 | 8 });
  encoder.copyBufferToBuffer(y, 0, copy, 0, 160);
  device.queue.submit([encoder.finish()]);
  await copy.mapAsync(1);
  const got = new Float32Array(copy.getMappedRange());
  const off = (interpret(fn, inputs).y?.data ?? []).map((value, i) => Math.abs(value - (got[i] as number)));
  expect(Math.max(...off)).toBeLessThan(1e-6);
});
