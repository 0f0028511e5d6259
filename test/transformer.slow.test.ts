/** Whole models: which of their centerings remain, and that they compute the same. */

import { describe, expect, test } from "vitest";
import { applyFusedRmsNorm } from "../src/driver/apply-fused-rms-norm.ts";
import { materialize } from "../src/driver/materialize.ts";
import { roundTo } from "../src/ir/float16.ts";
import { constantsOf, interpret } from "../src/ir/interpret.ts";
import type { Fn, Module } from "../src/ir/ir.ts";
import type { Tensor } from "../src/ir/tensor.ts";
import { parse } from "../src/parse/parse.ts";
import { isDeep } from "./support/deep.ts";
import { inFloat32, largestDifference } from "./support/float32.ts";
import { type TransformerOptions, transformer, transformerInputs, weightOf } from "./support/transformer.ts";

const small = { width: 48, heads: 4, sequence: 10 };
const blocks = isDeep ? 12 : 4;
const preNorm = { ...small, blocks, norms: "pre" } as const;

const opsOf = (module: Module) => module.fns.flatMap((fn) => fn.ops.map(({ name }) => name));
const countOf = (module: Module, name: string) => opsOf(module).filter((other) => other === name).length;

function compareInFloat64(before: Module, after: Module, options: TransformerOptions): number {
  const run = (module: Module) => {
    const { y } = interpret(module.fns[0] as Fn, transformerInputs(options), constantsOf(module, weightOf));
    return (y as Tensor).data;
  };
  const [wanted, got] = [run(before), run(after)];
  const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return wanted.reduce((most, value, i) => Math.max(most, Math.abs(value - (got[i] as number)) / largest), 0);
}

describe(`a pre-norm transformer of ${blocks} blocks`, () => {
  test.each([
    ["embedding", { folded: 2 * blocks + 1 }, 0],
    ["activation", { kept: 1, moved: 2 * blocks }, 1],
  ] as const)("whose stream begins with an %s", (begin, outcomes, centers) => {
    const options = { ...preNorm, begin };
    const before = parse(transformer(options));
    expect(countOf(before, "layernorm")).toBe(2 * blocks + 1);
    const { module: after, norms, count } = applyFusedRmsNorm(before);
    expect(count).toBe(2 * blocks + 1);
    expect([countOf(after, "layernorm"), countOf(after, "rmsnorm"), countOf(after, "center")]).toEqual([
      0,
      2 * blocks + 1,
      centers,
    ]);
    const found: Record<string, number> = {};
    for (const { centering } of norms) found[centering] = (found[centering] ?? 0) + 1;
    expect(found).toEqual(outcomes);
    expect(compareInFloat64(before, after, options)).toBeLessThan(1e-12);

    // In f32 it is closer to float64 than the original, as no mean is subtracted any more.
    const inputs = transformerInputs(options);
    const exact = interpret(before.fns[0] as Fn, inputs, constantsOf(before, weightOf));
    const off = (module: Module) => largestDifference(inFloat32(module, inputs, weightOf), exact);
    expect(off(after)).toBeLessThan(off(before));
  });

  test("the constants that are written have rows of mean zero, to f32, and give the same model to f32", () => {
    const options = { ...preNorm, begin: "embedding" } as const;
    const before = parse(transformer(options));
    const { module: folded } = applyFusedRmsNorm(before);
    const { module: after, constants } = materialize(folded, constantsOf(folded, weightOf), "new.safetensors");
    // Attention and MLP of each block write the stream through a weight and a bias; it begins with two tables.
    expect(constants).toHaveLength(blocks * 2 * 2 + 2);
    for (const { residual } of constants) expect(residual).toBeLessThan(2 ** -24);
    const made = new Map(constants.map(({ name, tensor }) => [name, tensor]));
    const { y } = interpret(
      after.fns[0] as Fn,
      transformerInputs(options),
      constantsOf(after, (constant) => made.get(constant.name) ?? weightOf(constant)),
    );
    const { y: wanted } = interpret(before.fns[0] as Fn, transformerInputs(options), constantsOf(before, weightOf));
    const off = (wanted as Tensor).data.map((value, i) => Math.abs(value - ((y as Tensor).data[i] as number)));
    expect(Math.max(...off)).toBeLessThan(1e-5);
    // Original constants that nothing reads any more are gone.
    expect(after.consts.filter(({ name }) => name.endsWith("_out_w"))).toEqual([]);
    // A second round has nothing to do, for the new constants are declared centered.
    const again = applyFusedRmsNorm(after);
    expect([again.norms.every(({ centering }) => centering === "none"), countOf(again.module, "center")]).toEqual([
      true,
      0,
    ]);
    for (const { tensor } of constants) expect(tensor.data).toEqual(tensor.data.map(roundTo.f32));
  });

  test("lossy mode takes the last centering too, off mode leaves all", () => {
    const before = parse(transformer({ ...preNorm, blocks: 2, begin: "activation" }));
    const lossy = applyFusedRmsNorm(before, { mode: "lossy" });
    expect(countOf(lossy.module, "center")).toBe(0);
    expect(lossy.norms.every(({ centering }) => centering === "lossy")).toBe(true);
    expect(countOf(applyFusedRmsNorm(before, { mode: "off" }).module, "center")).toBe(5);
  });

  test("without folding, constants stay as they are", () => {
    const before = parse(transformer({ ...preNorm, blocks: 2, begin: "embedding" }));
    const { module: after, norms } = applyFusedRmsNorm(before, { fold: false });
    expect(after.consts).toEqual(before.consts);
    expect(norms.every(({ centering }) => centering === "kept")).toBe(true);
    expect(norms[1]?.because.join()).toContain("it does not move");
  });
});

test.each(["embedding", "activation"] as const)("a post-norm transformer keeps its centerings: %s", (begin) => {
  const options = { ...small, blocks: 3, norms: "post", begin } as const;
  const before = parse(transformer(options));
  const { module: after, norms } = applyFusedRmsNorm(before);
  expect(norms.map(({ centering }) => centering)).toEqual(new Array(6).fill("kept"));
  expect(countOf(after, "center")).toBe(6);
  expect(norms[1]?.because).toEqual([
    "because `b0_attn_ln_g` varies along the row",
    "it does not move: centering its operands costs as much, for `b0_attn_ln` is read by `linear`, which depends on shifts of its rows",
  ]);
  expect(compareInFloat64(before, after, options)).toBeLessThan(1e-12);
});

test("a model of a hundred norms", () => {
  const before = parse(transformer({ ...preNorm, blocks: 50, begin: "embedding" }));
  const { norms } = applyFusedRmsNorm(before);
  expect(norms).toHaveLength(101);
  expect(norms.every(({ centering }) => centering === "folded")).toBe(true);
});
