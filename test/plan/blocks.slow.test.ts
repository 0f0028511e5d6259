/** Blocks of transformers as plans: one kernel between two products, and the numbers of the function. */

import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { hostTensorsOf } from "../../src/compare/kernel-inputs.ts";
import { compile } from "../../src/driver/compile.ts";
import { interpret, resolveShape } from "../../src/ir/interpret.ts";
import type { Fn } from "../../src/ir/ir.ts";
import { randomNumbers } from "../../src/ir/random.ts";
import { elementCount, type Tensor } from "../../src/ir/tensor.ts";
import { parse } from "../../src/parse/parse.ts";
import { comparePlan } from "../../src/plan/exact.ts";
import { interpretPlan } from "../../src/plan/interpret.ts";
import { planManifest } from "../../src/plan/manifest.ts";
import { callsOf, opaqueOp, type Plan } from "../../src/plan/plan.ts";
import { verifyPlan } from "../../src/plan/verify.ts";
import { toNumbers } from "../../src/runtime/host-tensor.ts";
import { runPlan } from "../../src/runtime/prepare-plan.ts";
import { randomInputs } from "../../src/testing/random-inputs.ts";
import { expectSameNumbers } from "../support/expect-numbers.ts";
import { gpuTest } from "../support/gpu.ts";

const blocks = ["llama", "gpt2", "vit", "bert"] as const;
const textOf = (name: string) => readFileSync(`examples/plans/${name}-block.tir`, "utf8");
const planOf = (text: string, products: "opaque" | "plain" = "opaque") => {
  const module = parse(text, { file: "block.tir" });
  const { plans, kernels } = compile(module, { products });
  return { fn: module.fns[0] as Fn, plan: plans[0] as Plan, kernels };
};

/** The same block with other extents: field arithmetic and drivers on processors are slow. */
const smaller: Readonly<Record<string, number>> = {
  ...{ 768: 24, 1536: 48, 2304: 72, 3072: 96, 2048: 64 },
  ...{ 12: 3, 64: 8, 32: 4, 197: 5 },
};
const small = (name: string) =>
  textOf(name).replace(/(?<![-.\w])\d+(?![.\w])/g, (found) => String(smaller[found] ?? found));

/** The calls of a plan: products on one line, the ops of a kernel on another. */
function listOf(name: string): string {
  const { plan } = planOf(textOf(name));
  const lines: string[] = [];
  let products: string[] = [];
  const flush = () => {
    if (products.length > 0) lines.push(`  ${products.join(", ")}`);
    products = [];
  };
  for (const call of callsOf(plan)) {
    if (call.kind === "opaque") {
      products.push(opaqueOp(call).name);
      continue;
    }
    flush();
    const names = (buffers: readonly { readonly name: string }[]) => buffers.map((one) => one.name).join(", ");
    lines.push(`    ${call.fn.name}(${names(call.reads)}) -> (${names(call.writes)})`);
  }
  flush();
  return [`${name}-block.tir`, ...lines].join("\n");
}

test("docs/plans.md lists their kernels", () => {
  const made = `\`\`\`\n${blocks.map(listOf).join("\n")}\n\`\`\``;
  const between = /(?<=<!-- blocks -->\n)[\s\S]*?(?=\n<!-- \/blocks -->)/;
  const page = readFileSync("docs/plans.md", "utf8");
  if (process.env.TIRC_BLESS)
    writeFileSync(
      "docs/plans.md",
      page.replace(between, () => made),
    );
  else expect(between.exec(page)?.[0]).toBe(made);
});

/** What `tools/blocks/blocks.py` had onnxruntime compute for ONNX models of the same blocks. */
const kept: {
  readonly onnxruntime: string;
  readonly blocks: Readonly<
    Record<string, { readonly seed: number; readonly shape: readonly number[]; readonly y: string }>
  >;
} = JSON.parse(readFileSync("test/fixtures/blocks.json", "utf8"));
const extents = { tokens: 5, images: 2, batch: 2 };

/** The inputs of both: numbers between -1 and 1 in the order of the parameters, and a mask that is mostly true. */
function drawnInputs(fn: Fn, seed: number): Record<string, Tensor> {
  const next = randomNumbers(seed);
  const drawn = fn.params.map((param) => {
    const shape = resolveShape(param.shape, extents);
    const one = () => (param.element === "bool" ? Number(next() < 0.75) : Math.fround(2 * next() - 1));
    const data = Float64Array.from({ length: elementCount(shape) }, one);
    return [param.name as string, { element: param.element, shape, data }] as const;
  });
  return Object.fromEntries(drawn);
}

describe.each(blocks)("%s", (name) => {
  gpuTest(
    `with plain kernels for its products: the numbers of onnxruntime ${kept.onnxruntime}, and of float64`,
    async ({ gpu }) => {
      const { fn, plan, kernels } = planOf(small(name), "plain");
      const { seed, shape, y } = kept.blocks[name] as (typeof kept.blocks)[string];
      const inputs = drawnInputs(fn, seed);
      const bytes = Uint8Array.from(atob(y), (character) => character.charCodeAt(0));
      const wanted = { y: { element: "f32", shape, data: Float64Array.from(new Float32Array(bytes.buffer)) } } as const;
      // Sums of 24 to 96 terms, rounded to f32 in another order.
      const exact = interpret(fn, inputs);
      expectSameNumbers(exact, wanted, { relative: 1e-5 });
      const { outputs } = await runPlan(gpu.device, { plan: planManifest(plan), kernels }, hostTensorsOf(inputs));
      const got = Object.entries(outputs).map(([key, tensor]) => [key, { ...tensor, data: toNumbers(tensor) }]);
      for (const one of [wanted, exact]) expectSameNumbers(Object.fromEntries(got), one, { relative: 2e-5 });
    },
  );

  test("between two products stands one kernel at most", () => {
    const kinds = callsOf(planOf(textOf(name)).plan).map(({ kind }) => kind);
    expect(kinds.join(" ")).not.toContain("launch launch");
    expect(kinds.filter((kind) => kind === "opaque").length).toBeGreaterThan(5);
  });

  test("it is sound, and the block in float64 and in exact arithmetic", () => {
    const { fn, plan } = planOf(small(name));
    expect(verifyPlan(plan)).toEqual([]);
    expect(comparePlan(plan, [], { runs: 1 })).toBeUndefined();
    const inputs = randomInputs(fn, 1, { tokens: 5, images: 2, batch: 2 });
    expectSameNumbers(interpretPlan(plan, inputs), interpret(fn, inputs), { relative: 1e-12 });
  });
});
