/** Surgery of models with a hundred norms on one residual stream, in deep runs two thousand. */

import { expect, test } from "vitest";
import { expectLinear } from "../support/counted-work.ts";
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

test("each norm but the first is moved", () => {
  const { norms, written } = operated(stream(100));
  expect(norms.map(({ centering }) => centering)).toEqual(["kept", ...Array(100).fill("moved")]);
  expect(countOf(written, "SkipSimplifiedLayerNormalization")).toBe(101);
});

test("the work grows as the model does", () => {
  expectLinear(isDeep ? 500 : 25, stream, operated);
});
