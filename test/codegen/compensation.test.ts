/**
 * What a sum rounds away comes back exactly, on every driver: `opaque` stands between the sum and what is taken off it. WGSL
 * lets a driver simplify (a + b) - a to b, and Mesa does so: without `opaque` all of it is 0 on lavapipe.
 */

import { expect } from "vitest";
import { registerOps } from "../../src/ir/ops/own.ts";
import { add, type Expression, opaque, subtract } from "../../src/kernel/expression.ts";
import { runKernel } from "../../src/runtime/prepare.ts";
import { compileText } from "../support/compile.ts";
import { driverTest } from "../support/gpu.ts";
import { random } from "../support/oracle.ts";

/** Fast2Sum (Dekker 1971): the rounding error of a + b, where |a| >= |b|. */
function rest([a, b]: readonly [Expression, Expression]): Expression {
  const sum = opaque(add(a, b));
  return subtract(b, subtract(sum, a));
}

const row = {
  ...{ kind: "elementwise", cost: "low", summary: "", operands: [{ name: "a" }, { name: "b" }] },
  ...{ elements: ["f32"], result: "same", scalar: () => 0, kernel: rest },
};

driverTest("what a sum rounds away is had again, to the last bit", async (gpu) => {
  const remove = registerOps({ rounded_away: row } as never);
  try {
    for (const columns of [64, 63]) {
      const text = `fn f(a: f32[8, ${columns}], b: f32[8, ${columns}]) -> f32[8, ${columns}] { return rounded_away(a, b) }`;
      const next = random(columns);
      const numbers = (scale: number) => Float32Array.from({ length: 8 * columns }, () => scale * (next() + 0.5));
      const [a, b] = [numbers(1000), numbers(1)];
      const { outputs } = await runKernel(gpu.device, compileText(text, gpu.target).kernel, { a, b });
      // The sum is exact in float64.
      const wanted = a.map((x, i) => x + (b[i] as number) - Math.fround(x + (b[i] as number)));
      expect(outputs.out0?.data).toEqual(wanted);
      expect(wanted.filter((x) => x !== 0).length).toBeGreaterThan(4 * columns);
    }
  } finally {
    remove();
  }
});
