/** The centering analysis on backward functions: the gradient of a centered stream needs no mean. */

import { expect, test } from "vitest";
import { optimize } from "../../src/driver/compile.ts";
import { gradient } from "../../src/driver/gradient.ts";
import { normRecords } from "../../src/driver/norm-records.ts";
import { makeModule } from "../../src/ir/ir.ts";
import { parse } from "../../src/parse/parse.ts";

const stream = (start: string) => `
fn stream(x: f32[rows, 64], write: f32[64]) -> (y: f32[rows, 64]) {
  let h = ${start}
  let h1 = h + center(gelu(layernorm(h, axes = [-1])) * write, axes = [-1])
  return layernorm(h1, axes = [-1])
}`;

/** The centerings that remain in the gradient with respect to x, and what became of its norms. */
function centeringsOf(text: string) {
  const { functions, module } = gradient(parse(text), { wrt: ["x"] });
  const backward = functions[0]?.backward as Parameters<typeof makeModule>[0][0];
  const { module: made, history } = optimize(makeModule([backward], module.consts));
  const left = made.fns[0]?.ops.filter(({ name }) => name === "center").length;
  const before = backward.ops.filter(({ name }) => name === "center").length;
  return { before, left, outcomes: normRecords(history).map(({ norm, centering }) => `${norm} ${centering}`) };
}

test("the cotangents of both norms are centered, and that of the stream is not centered again", () => {
  const { before, left, outcomes } = centeringsOf(stream("center(x, axes = [-1])"));
  // x, the write, and the cotangents that reach the two norms; every other one is proved.
  expect(left).toBe(4);
  expect(before).toBeGreaterThan(left as number);
  expect(outcomes.filter((one) => one.endsWith("kept"))).toHaveLength(1);
  expect(outcomes.filter((one) => one.endsWith("proved"))).toHaveLength(2);
});

test("near miss: where the stream has rows of any mean and a shift of them matters, both norms center it", () => {
  const { left, outcomes } = centeringsOf(stream("x * x").replace("return layernorm", "return relu(h1) + layernorm"));
  expect(left).toBeGreaterThan(4);
  expect(outcomes.filter((one) => one.endsWith("proved"))).toHaveLength(0);
});
