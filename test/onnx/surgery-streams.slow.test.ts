/** Surgery of models with hundreds of norms on one residual stream, in deep runs thousands. */

import { expect, test } from "vitest";
import { cpuClock } from "../support/cpu-clock.ts";
import { isDeep } from "../support/deep.ts";
import { node, onnxModel, weight } from "../support/onnx.ts";
import { countOf, operated } from "../support/surgery.ts";

/** A stream of `count` blocks: a norm, a product with a weight, and a sum; and a norm at the end. */
function stream(count: number): Uint8Array {
  const nodes = Array.from({ length: count }, (_, i) => [
    node("LayerNormalization", [`h${i}`, "g", "b"], [`n${i}`], { name: `norm${i}`, attributes: { axis: -1 } }),
    node("MatMul", [`n${i}`, "w"], [`m${i}`], { name: `product${i}` }),
    node("Add", [`h${i}`, `m${i}`], [`h${i + 1}`], { name: `sum${i}` }),
  ]).flat();
  const last = node("LayerNormalization", [`h${count}`, "g", "b"], ["y"], { name: "last", attributes: { axis: -1 } });
  return onnxModel({
    inputs: { h0: { element: "f32", shape: ["rows", 4] } },
    outputs: { y: { element: "f32" } },
    weights: {
      w: weight("f32", [4, 4], ...Array.from({ length: 16 }, (_, i) => Math.sin(i))),
      g: weight("f32", [4], 1, 2, 3, 4),
      b: weight("f32", [4], 5, 6, 7, 8),
    },
    nodes: [...nodes, last],
  });
}

function secondsFor(count: number): number {
  const bytes = stream(count);
  const clock = cpuClock();
  const { norms, written } = operated(bytes);
  const seconds = clock() / 1000;
  expect(norms.map(({ centering }) => centering)).toEqual(["kept", ...Array(count).fill("moved")]);
  expect(countOf(written, "SkipSimplifiedLayerNormalization")).toBe(count + 1);
  return seconds;
}

test("the time grows as the model does", { timeout: 120_000 }, () => {
  const count = isDeep ? 500 : 150;
  secondsFor(100);
  // Four times the norms: quadratic time would be sixteen times as long, whenever it is measured.
  let left = 3;
  while (secondsFor(4 * count) > 12 * secondsFor(count)) expect(--left, "measurements left").toBeGreaterThan(0);
});
