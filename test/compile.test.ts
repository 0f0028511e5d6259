/** The options of `compile`: targets, dimensions, one function of several, and the errors of each. */

import { describe, expect, test } from "vitest";
import { compile, optimize } from "../src/driver/compile.ts";
import { print } from "../src/ir/print.ts";
import { parse } from "../src/parse/parse.ts";
import { diagnosticsOf } from "./support/diagnostics.ts";

const two = `fn first(x: f32[rows, hidden]) -> f32[rows, hidden] {
  return layernorm(x, axes = [-1])
}
fn second(y: f32[rows]) -> f32[rows] {
  return exp(y)
}
`;
const codes = (call: () => unknown) => diagnosticsOf(call).map((text) => text.split(":")[0]);

test("each function becomes a kernel of its own, in order", () => {
  const { kernels, changed } = compile(parse(two));
  expect(kernels.map(({ name, manifest }) => [name, manifest.target])).toEqual([
    ["first", "portable"],
    ["second", "portable"],
  ]);
  expect(kernels.every(({ wgsl }) => wgsl.includes("@compute"))).toBe(true);
  expect(changed).toContain("layernorm-to-rmsnorm");
});

test("the input stays as it is", () => {
  const module = parse(two);
  const before = print(module);
  compile(module, { dims: { hidden: 768 } });
  expect(print(module)).toBe(before);
});

test("one function by its name", () => {
  expect(compile(parse(two), { fn: "second" }).kernels.map(({ name }) => name)).toEqual(["second"]);
  expect(diagnosticsOf(() => compile(parse(two), { fn: "secnod" }))).toEqual([
    "E0307: there is no function `secnod`\nhelp: did you mean `second`?",
  ]);
});

test("for a target by name or by profile", () => {
  const { manifest } = compile(parse(two), { target: "gpu-subgroup-32" }).kernels[0] as {
    manifest: { target: string };
  };
  expect(manifest.target).toBe("gpu-subgroup-32");
  expect(codes(() => compile(parse(two), { target: "metal" }))).toEqual(["E0590"]);
});

describe("dimensions", () => {
  test("that are given are fixed in every function that has them", () => {
    const { kernels } = compile(parse(two), { dims: { rows: 4, hidden: 768 } });
    expect(kernels.map(({ manifest }) => manifest.dims)).toEqual([[], []]);
    expect(kernels[0]?.manifest.bindings[0]?.shape).toEqual([4, 768]);
  });

  test("that are not given stay open", () => {
    const { kernels } = compile(parse(two), { dims: { hidden: 768 } });
    expect(kernels.map(({ manifest }) => manifest.dims.map(({ name }) => name))).toEqual([["rows"], ["rows"]]);
  });

  test("follow into the shapes that ops name", () => {
    const text = "fn f(x: f32[n, m]) -> f32[m, n] {\n  return reshape(x, shape = [m, n])\n}\n";
    const { module } = optimize(parse(text), { dims: { n: 6, m: 5 }, passes: "" });
    expect(print(module)).toContain("reshape(x, shape = [5, 6])");
  });

  test.each([
    [{ hiden: 1 }, "E0219"],
    [{ hidden: -1 }, "E0229"],
    [{ hidden: 1.5 }, "E0229"],
    [{ hidden: Number.NaN }, "E0229"],
    [{ hidden: 2 ** 32 }, "E0229"],
  ])("%j is refused with %s", (dims, code) => {
    expect(codes(() => compile(parse(two), { dims: dims as unknown as Record<string, number> }))).toEqual([code]);
  });
});

test("a profile has the default limits where it names none, and is checked", () => {
  const profile = { name: "mine", kind: "gpu", features: ["subgroups"], subgroup: { min: 8, max: 8 } };
  const given = (target: object) => compile(parse(text), { target: target as never }).kernels[0]?.manifest.target;
  const text = "fn f(x: f32[n, 64]) -> (y: f32[n, 64]) { return softmax(x, axes = [-1]) }";
  expect(given(profile)).toBe("mine");
  expect(diagnosticsOf(() => given({ ...profile, kind: "tpu" }))[0]).toMatch(
    /^E0592: the target: `kind` must be "cpu" or "gpu"/,
  );
});

test("a function that is not one kernel is refused where one is asked for, and all such functions are", () => {
  const apart = (name: string) => `fn ${name}(x: f32[8, 4]) -> (a: f32[8], b: f32[4]) {
  return sum(x, axes = [1]), sum(x, axes = [0])
}
`;
  const module = parse(`${apart("f")}${apart("g")}${two}`);
  expect(codes(() => compile(module, { singleKernel: true }))).toEqual(["E0502", "E0502"]);
});

test("without the pass that fuses there is no kernel", () => {
  expect(codes(() => compile(parse(two), { passes: "canonicalize", fn: "second" }))).toEqual(["E0501"]);
});

test("O0 alone makes a kernel too", () => {
  expect(compile(parse(two), { passes: "O0" }).kernels).toHaveLength(2);
});
