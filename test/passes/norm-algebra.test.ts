/** The rules on norms lead to one form, whatever the order in which they are tried. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { builtins } from "../../passes/index.ts";
import { normRules } from "../../passes/norm-rules.ts";
import { simplified } from "../../passes/simplify-norms.ts";
import { isLeaf, type Module, type Value } from "../../src/ir/ir.ts";
import { ops } from "../../src/ir/ops/index.ts";
import { print } from "../../src/ir/print.ts";
import { parse } from "../../src/parse/parse.ts";
import { definePass } from "../../src/pass/define-pass.ts";
import { PassManager } from "../../src/pass-manager/pass-manager.ts";

// That each rule is exact is checked by the filetests and the mutants; here forms are compared alone.
const runs = Number(process.env.TIRC_FUZZ_RUNS ?? 60);

/** What may stand in a chain before a norm. */
const steps = [
  "rmsnorm(@, axes = [-1], eps = 0.01)",
  "rmsnorm(@, axes = [-1], eps = 0)",
  "rmsnorm(@, g, axes = [-1], eps = 0.1)",
  "l2norm(@, axes = [-1], eps = 0.2)",
  "center(@, axes = [-1])",
  "(@ * 3)",
  "(-(@))",
  "(@ * 0.25)",
  "(@ * minimum(maximum(r, 1), 9))",
  "(@ + r)",
  "(@ * g)",
  "(@ + b)",
  "softmax(@, axes = [-1])",
];
const ends = ["linear(@, w, c)", "matmul(@, v)", "rmsnorm(@, axes = [-1], eps = 0.3)", "softmax(@, axes = [-1])"];

const chains = fc.record({
  steps: fc.array(fc.constantFrom(...steps), { minLength: 1, maxLength: 7 }),
  end: fc.constantFrom(...ends),
});

const programOf = ({ steps, end }: { readonly steps: readonly string[]; readonly end: string }) => {
  const text = [...steps, end].reduce((inner, step) => step.replace("@", () => inner), "x");
  return parse(`const g: f32[6] = load("m.safetensors", "g")
const b: f32[6] = load("m.safetensors", "b")
const w: f32[6, 6] = load("m.safetensors", "w")
const v: f32[6, 6] = load("m.safetensors", "v")
const c: f32[6] = load("m.safetensors", "c")

fn f(x: f32[rows, 6], r: f32[rows, 1]) -> (y: f32[rows, 6]) {
  return ${text}
}
`);
};

/** The rules only take away: of ops, of norms and reductions, and of operands there are no more after them. */
function expectNotMore(before: Module, after: Module): void {
  const counts = ({ fns }: Module) => {
    const work = fns.flatMap(({ ops }) => ops.filter((op) => !isLeaf(op)));
    const rows = work.filter(({ name }) => ops[name].kind === "norm" || ops[name].kind === "reduction");
    const read = work.flatMap(({ operands }) => operands.filter((value) => value && !isScalar(value)));
    return [work.length, rows.length, read.length];
  };
  const isScalar = ({ shape }: Value) => shape.length === 0;
  for (const [i, count] of counts(after).entries()) {
    expect(count, `${print(before)}\n${print(after)}`).toBeLessThanOrEqual(counts(before)[i] as number);
  }
}

/** In any order. */
const orders = <T>(list: readonly T[]) => fc.shuffledSubarray([...list], { minLength: list.length });

test("the rules of simplify-norms, in any order", () => {
  let fired = 0;
  const property = fc.property(chains, orders(Object.entries(normRules)), (chain, rules) => {
    const pass = definePass({
      name: "simplify-in-order",
      summary: "The rules in another order.",
      options: {},
      run: (fn, context) => simplified(fn, rules, context),
    });
    const module = programOf(chain);
    const [one, other] = ["simplify-norms", pass].map((passes) =>
      new PassManager([passes], { builtins, verify: true }).run(module),
    );
    fired += one?.changed.length ?? 0;
    expectNotMore(module, one?.module as typeof module);
    expect(print((other as typeof one)?.module as typeof module)).toBe(print(one?.module as typeof module));
  });
  fc.assert(property, { numRuns: runs, seed: 1 });
  expect(fired).toBeGreaterThan(20);
});

test("the passes on norms, in any order", () => {
  const passes = ["simplify-norms", "fold-affine", "center-readers", "canonicalize"];
  const formOf = (module: ReturnType<typeof parse>, order: readonly string[]) =>
    print(
      new PassManager(`eliminate-centering,fixpoint(${order.join()}),cse,dce`, { builtins, verify: true }).run(module)
        .module,
    );
  let folded = 0;
  const property = fc.property(chains, orders(passes), (chain, order) => {
    const module = programOf(chain);
    const form = formOf(module, passes);
    if (form.includes("_scaled") || form.includes("_centered")) folded++;
    const alone = new PassManager("eliminate-centering,cse,dce", { builtins, verify: true }).run(module).module;
    expectNotMore(alone, new PassManager(passes.join(), { builtins, verify: true }).run(alone).module);
    expect(formOf(module, order), print(module)).toBe(form);
  });
  fc.assert(property, { numRuns: runs, seed: 2 });
  expect(folded).toBeGreaterThan(3);
});
