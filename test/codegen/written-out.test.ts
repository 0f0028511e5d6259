/** On GPUs the steps of long rows are written out, so that drivers can keep cached values in registers. */

import { describe, expect, test } from "vitest";
import { proveKernel } from "../../codegen/prove.ts";
import { compile, optimize } from "../../src/driver/compile.ts";
import type { Fn } from "../../src/ir/ir.ts";
import { parse } from "../../src/parse/parse.ts";
import { targetByName } from "../../src/target/target.ts";

const bodies = {
  layernorm: "layernorm(x, axes = [-1])",
  softmax: "softmax(x, axes = [-1])",
  twice: "softmax(layernorm(x, axes = [-1]), axes = [-1])",
};
const text = (body: string, columns: number) => `fn f(x: f32[3, ${columns}]) -> f32[3, ${columns}] { return ${body} }`;
const wgslFor = (body: string, columns: number, target = "gpu-subgroup-32") =>
  compile(parse(text(body, columns)), { target: targetByName(target) }).kernels[0]?.wgsl as string;

describe.each(Object.entries(bodies))("%s", (_, body) => {
  // 8 vectors per lane, 16, and single elements: 31 and a rest, 33 and a rest, 63 and a rest.
  test.each([8192, 16384, 8191, 8449, 16383])("of %i columns indexes arrays by constants", (columns) => {
    const wgsl = wgslFor(body, columns);
    const indices = [...wgsl.matchAll(/_row(?:_\d+)?\[([^\]]*)\]/g)].map(([, index]) => index as string);
    expect(indices.length).toBeGreaterThan(0);
    expect(indices.filter((index) => !/^\d+u$/.test(index))).toEqual([]);
    expect(wgsl).not.toMatch(/\bfor \(/);
  });

  test("of fewer than 32 elements per lane is left to the driver to unroll, as are all rows on processors", () => {
    for (const columns of [4096, 5120, 769]) expect(wgslFor(body, columns)).toContain("_row[step]");
    expect(wgslFor(body, 8192, "swiftshader")).toMatch(/\bfor \(/);
  });
});

describe("is the same function", () => {
  // 32 lanes have 8 vectors, or 32 single elements and a rest.
  const limits = { maxComputeInvocationsPerWorkgroup: 32, maxComputeWorkgroupSizeX: 32 };
  const target = {
    ...targetByName("gpu-subgroup-32"),
    limits: { ...targetByName("gpu-subgroup-32").limits, ...limits },
  };
  test.each([1024, 1025, 1031])("of %i columns", (columns) => {
    const { module } = optimize(parse(text(bodies.layernorm, columns)));
    const proved = (wgsl: (text: string) => string = (text) => text) =>
      proveKernel(module.fns[0] as Fn, [], target, {}, { elements: 2 ** 13, wgsl }).verdict;
    expect(proved()).toBe("equal");
    expect(proved((text) => text.replace("x_row[2u] = x", "x_row[3u] = x"))).not.toBe("equal");
  });
});
