/** What passes say became of each value is composed over passes, and refused where it cannot be so. */

import { describe, expect, test } from "vitest";
import { builtinPasses, builtins } from "../../passes/index.ts";
import { makeOp, rewrite, rewriteFn } from "../../src/ir/builder.ts";
import { type Fn, type Module, makeFn, type Value } from "../../src/ir/ir.ts";
import { parse } from "../../src/parse/parse.ts";
import { definePass, type Pass } from "../../src/pass/define-pass.ts";
import type { PassOutput, Provenance } from "../../src/pass/facts.ts";
import { PassFailure, PassManager } from "../../src/pass-manager/pass-manager.ts";
import { sampleRowPrograms } from "../support/row-programs.ts";

const pass = (name: string, run: (fn: Fn) => Fn | PassOutput): Pass =>
  definePass({ name, summary: "", options: {}, run });

const program = parse(`fn f(x: f32[4, 6]) -> (y: f32[4, 6]) {
  let unused = exp(x)
  let a = tanh(x)
  let b = tanh(x)
  let c = -(-(a + b))
  return layernorm(c, axes = [-1])
}`);
const fn = program.fns[0] as Fn;
const named = (name: string) => fn.ops.flatMap(({ results }) => results).find((value) => value.name === name) as Value;

/** The ops that replace a value in the end; `undefined` if a pass did not report it. */
const now = (passes: readonly (string | Pass)[], value: Value) => {
  const { values, lostIn } = new PassManager(passes, { builtins }).run(program).history.trace(value);
  return lostIn === undefined ? values.map(({ def }) => def?.name ?? "parameter") : undefined;
};

/** Every value twice: once for each of its first two readers. */
const twice = pass("twice", (given) => {
  const provenance = new Map<Value, readonly Value[]>();
  const made = rewrite(given, (op, builder) => {
    if (op.name !== "tanh") return undefined;
    builder.add(makeOp("tanh", op.operands, {}, { places: { op: op.span } }));
    return builder.emit("tanh", op.operands);
  });
  for (const [value, other] of made.provenance) {
    const at = made.fn.ops.findIndex(({ results }) => results[0] === other);
    provenance.set(value, value.def?.name === "tanh" ? [made.fn.ops[at - 1]?.result as Value, other] : [other]);
  }
  return { fn: made.fn, provenance };
});
const anew = pass("anew", (given) =>
  rewriteFn(given, (op, builder) => builder.op(op.name, op.operands, op.attributes).results),
);

describe("over several passes", () => {
  test("what is replaced is followed", () => {
    expect(now(["canonicalize,layernorm-to-rmsnorm,cse"], named("c"))).toEqual(["add"]);
    expect(
      now(["layernorm-to-rmsnorm,eliminate-centering{mode=lossy},dce,fuse-elementwise"], fn.results[0]?.value as Value),
    ).toEqual(["rmsnorm"]);
  });

  test("two that are merged are one, and one that is multiplied is several, until they are merged", () => {
    const manager = new PassManager("cse", { builtins });
    const { history } = manager.run(program);
    expect(history.trace(named("a")).values).toEqual(history.trace(named("b")).values);
    expect(now([twice], named("a"))).toEqual(["tanh", "tanh"]);
    expect(now([twice, "cse"], named("a"))).toEqual(["tanh"]);
  });

  test("a value that two kernels recompute is both of its copies", () => {
    const given = parse(`fn f(x: f32[n, 32]) -> (r: f32[n, 32], c: f32[32]) {
  let e = exp(x)
  return e / sum(e, axes = [-1], keepdims = true), logsumexp(e, axes = [0])
}`);
    const { module, history } = new PassManager("fuse-elementwise", { builtins }).run(given);
    const expsOf = ({ fns: [only] }: Module) => (only as Fn).ops.filter(({ name }) => name === "exp");
    const copies = expsOf(module).map(({ result }) => result);
    const { values } = history.trace(expsOf(given)[0]?.result as Value);
    expect(values.map((value) => copies.indexOf(value))).toEqual([0, 1]);
  });

  test("what is dropped is nothing, and nothing becomes of it", () => {
    expect(now(["dce,raise-norms,cse"], named("unused"))).toEqual([]);
  });

  test("what a pass made anew without a word is lost, and what it left is not", () => {
    expect(now(["cse", anew, "dce"], named("c"))).toBeUndefined();
    expect(now(["cse", anew, "dce"], fn.params[0] as Value)).toEqual(["parameter"]);
    const { history } = new PassManager(["cse", anew, "dce"], { builtins }).run(program);
    expect(history.trace(named("c")).lostIn).toBe(1);
  });

  test("between two of them", () => {
    const { history } = new PassManager("cse,layernorm-to-rmsnorm", { builtins }).run(program);
    const [c] = history.trace(named("c"), 0, 1).values;
    expect(history.runs[1]?.given.fns[0]?.ops.some(({ result }) => result === c)).toBe(true);
    expect(history.trace(c as Value, 1).values).toEqual(history.trace(named("c")).values);
  });
});

/** The sentences that a pass is refused with. */
function refusal(run: (fn: Fn) => Fn | PassOutput, module: Module = program): readonly string[] {
  try {
    new PassManager([pass("wrong", run)], { builtins }).run(module);
    return [];
  } catch (caught) {
    if (!(caught instanceof PassFailure)) throw caught;
    expect(caught.diagnostic.code).toBe("E0308");
    return caught.diagnostic.notes;
  }
}

describe("what cannot be so is refused", () => {
  const negated = (given: Fn) =>
    rewrite(given, (op, b) => (op.name === "tanh" ? b.emit("tanh", op.operands) : undefined));
  const spoiled = (spoil: (map: Map<Value, Value | readonly Value[]>, made: Fn) => void) =>
    refusal((given) => {
      const made = negated(given);
      const provenance = new Map<Value, Value | readonly Value[]>(made.provenance);
      spoil(provenance, made.fn);
      return { ...made, provenance };
    });

  test("a value that is gone without an entry", () => {
    expect(spoiled((map) => map.delete(named("a")))).toEqual(["`a` is gone, but has no entry"]);
  });

  test("what stands for a value and is not there", () => {
    expect(spoiled((map) => map.set(named("a"), named("b")))).toEqual([
      "`b`, which stands for `a`, is not a value of the function after the pass",
    ]);
  });

  test("an entry for what was not there", () => {
    expect(spoiled((map, made) => map.set(made.ops[1]?.result as Value, []))).toEqual([
      "`a` has an entry, but is not a value of the function before the pass",
    ]);
  });

  test("another type", () => {
    const text = "fn f(x: f32[2], s: f32) -> f32[2] {\n  let a = exp(x)\n  return a + exp(s)\n}";
    const spoil = (given: Fn) => {
      const made = rewrite(given, (op, b) => (op.name === "exp" ? b.emit("exp", op.operands) : undefined));
      const [a, other] = given.ops.map(({ result }) => result) as [Value, Value];
      return { ...made, provenance: new Map([...made.provenance, [a, made.provenance.get(other) as Value]]) };
    };
    expect(refusal(spoil, parse(text))).toEqual(["`exp(s)`, which stands for `a`, has another type"]);
  });

  test("results and parameters that stand for others", () => {
    expect(spoiled((map) => map.set(fn.results[0]?.value as Value, []))).toEqual([
      "the result `y` does not stand for itself",
    ]);
    expect(spoiled((map) => map.set(fn.params[0] as Value, []))).toEqual([
      "the parameter `x` does not stand for itself",
    ]);
  });

  test("a fact about what is not there", () => {
    const gone = { kind: "rows centered", value: named("a"), axes: [-1], scales: [] } as const;
    const other = parse("fn f(x: f32[2]) -> f32[2] { return exp(x) }");
    expect(refusal((given) => ({ fn: given, facts: [gone] }), other)).toEqual([
      '`a`, of which it says "rows centered", is not a value of the function before the pass',
    ]);
  });

  test("each entry of each pass, once it is left out", () => {
    let dropped = 0;
    for (const { module } of [{ module: program }, ...sampleRowPrograms(6)]) {
      new PassManager("default", {
        builtins,
        instruments: [
          {
            afterPass({ pass: { name, run }, module: given, provenance, changed }) {
              if (!changed) return;
              const options = Object.fromEntries(
                Object.entries(builtinPasses.find((one) => one.name === name)?.options ?? {}).map(([key, def]) => [
                  key,
                  def.default,
                ]),
              );
              for (const value of provenance.keys()) {
                const without = pass(name, (one) => {
                  const context = {
                    options,
                    consts: given.consts,
                    functions: [],
                    computed: () => expect.unreachable(),
                    remark() {},
                    assume() {},
                    law() {},
                    count() {},
                  };
                  const output = run(one, context) as PassOutput;
                  const left = new Map(output.provenance as Provenance);
                  left.delete(value);
                  return { ...output, provenance: left };
                });
                expect(() => new PassManager([without]).run(given), name).toThrow("E0308");
                dropped++;
              }
            },
          },
        ],
      }).run(module);
    }
    expect(dropped).toBeGreaterThan(100);
  });
});

test("a pass that returns the function alone is no worse off", () => {
  const { module } = new PassManager(["cse", anew, "dce,layernorm-to-rmsnorm,eliminate-centering"], { builtins }).run(
    program,
  );
  expect(makeFn(module.fns[0] as Fn).ops.map(({ name }) => name)).toEqual([
    "tanh",
    "add",
    "neg",
    "neg",
    "center",
    "rmsnorm",
  ]);
});
