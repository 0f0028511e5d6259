/** Passes on functions of 20,000 ops: no stack overflow, and no more than linear time. */

import { describe, expect, test } from "vitest";
import { builtinPasses, defaultPipeline } from "../../passes/index.ts";
import { Builder } from "../../src/ir/builder.ts";
import { type Fn, makeFn, makeModule, Value } from "../../src/ir/ir.ts";
import { tensorType } from "../../src/ir/types.ts";
import { leastTime } from "../support/cpu-clock.ts";
import { runPasses } from "../support/run-passes.ts";

const span = { source: { name: "test", text: "" }, start: 0, end: 0 };

type Step = (builder: Builder, value: Value, i: number) => Value;

/** A function that applies `step` over and over to `center(x)`, and centers the result. */
function chain(length: number, step: Step): Fn {
  const x = new Value(tensorType("f32", ["rows", 64]), "x", span);
  const builder = new Builder(span);
  let value = builder.emit("center", [x], { axes: [-1] });
  for (let i = 0; i < length; i++) value = step(builder, value, i);
  const y = builder.emit("center", [value], { axes: [-1] });
  return makeFn({ name: "chain", params: [x], ops: builder.ops, results: [{ name: "y", value: y }], span });
}

const steps: Readonly<Record<string, Step>> = {
  products: (b, v) => b.emit("mul", [v, b.constant("f32", 1.0001)]),
  squares: (b, v) => b.emit("mul", [v, v]),
  sums: (b, v) => b.emit("add", [v, v]),
  mixed: (b, v, i) =>
    i % 3 === 0 ? b.emit("neg", [v]) : i % 3 === 1 ? b.emit("div", [v, b.constant("f32", 2)]) : b.emit("tanh", [v]),
  norms: (b, v) => b.emit("add", [v, b.emit("tanh", [b.emit("layernorm", [v], { axes: [-1] })])]),
  centers: (b, v) => b.emit("add", [v, b.emit("tanh", [b.emit("center", [v], { axes: [-1] })])]),
  shapes: (b, v, i) => b.emit("reshape", [v], { shape: i % 2 === 0 ? ["rows", 64, 1] : ["rows", 64] }),
};

function timeOf(pipeline: string, fn: Fn, enough = Infinity): number {
  return leastTime(() => runPasses(makeModule([fn]), pipeline), enough);
}

describe("20,000 ops", () => {
  test.each(Object.entries(steps))("%s", (_, step) => {
    for (const pass of builtinPasses) {
      if (pass.name === "fuse-elementwise") continue;
      const [short, long] = [chain(5_000, step), chain(20_000, step)];
      timeOf(pass.name, chain(500, step));
      const before = Math.max(timeOf(pass.name, short), 50);
      const after = timeOf(pass.name, long, before * 12);
      // Four times the ops: quadratic time would be sixteen times as long.
      expect(after, pass.name).toBeLessThan(before * 12);
    }
  });
});

test("a centering at the end of a long chain of sums is proved", () => {
  const fn = chain(20_000, steps.sums as Step);
  const { module, remarks } = runPasses(makeModule([fn]), "eliminate-centering");
  expect(module.fns[0]?.results[0]?.value.def?.name).toBe("add");
  expect(remarks.map((r) => r.code)).toEqual(["R0102", "R0104"]);
  expect(remarks[1]?.notes.at(-1)).toMatch(/more steps/);
});

test("the default pipeline names passes that exist, in order, each once", () => {
  expect(builtinPasses.map((pass) => pass.name)).toEqual(defaultPipeline);
});
