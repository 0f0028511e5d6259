/** The time to generate a kernel grows with the number of its reductions, and not with its square. */

import { expect, test } from "vitest";
import { generateKernel } from "../../codegen/generate.ts";
import { optimize } from "../../src/driver/compile.ts";
import type { Fn } from "../../src/ir/ir.ts";
import { parse } from "../../src/parse/parse.ts";
import { portableTarget } from "../../src/target/target.ts";
import { leastTime } from "../support/cpu-clock.ts";

function norms(count: number): Fn {
  const lines = Array.from({ length: count }, (_, i) => `  let v${i + 1} = layernorm(v${i}, axes = [-1]) + y`);
  const text = `fn f(x: f32[rows, 512], y: f32[rows, 512]) -> (z: f32[rows, 512]) {
  let v0 = x
${lines.join("\n")}
  return v${count}
}`;
  return optimize(parse(text)).module.fns[0] as Fn;
}

// With a look at all nodes for each node, eight times as many norms took twenty times as long.
test("eight times as many norms take at most fourteen times as long", { timeout: 120_000 }, () => {
  const [few, many] = [norms(200), norms(1600)];
  generateKernel(few, portableTarget);
  const most = 14 * leastTime(() => generateKernel(few, portableTarget), 0);
  expect(leastTime(() => generateKernel(many, portableTarget), most)).toBeLessThan(most);
});
