/** Scales and shifts of a norm move into products behind nodes that only rearrange its rows; against onnxruntime. */

import { describe, expect, test } from "vitest";
import { expectNear } from "../support/import-onnx.ts";
import { onnxModel, spread } from "../support/onnx.ts";
import { Graph } from "../support/onnx-graph.ts";
import { runOnnx } from "../support/onnxruntime.ts";
import { operated } from "../support/surgery.ts";

const width = 8;
const image = { element: "f32", shape: [1, 4, 4, width] } as const;
const x = { ...image, numbers: spread(4 * 4 * width, 3) } as const;

type Write = (g: Graph, norm: string) => string;

/** The readers of a norm of [1, 4, 4, width]. */
function model(write: Write): Uint8Array {
  const g = new Graph();
  const y = write(g, g.expandedNorm(g.dense("x", width, width), width));
  const { nodes, weights } = g;
  return onnxModel({ opset: 17, inputs: { x: image }, outputs: { [y]: { element: "f32" } }, weights, nodes });
}

/** The rewritten model, if it computes the same as before. */
async function checked(bytes: Uint8Array, foldGamma = false) {
  const { written, norms } = operated(bytes, { fold: foldGamma ? ["gamma", "beta"] : ["beta"] });
  const [was, is] = [await runOnnx(bytes, { x }), await runOnnx(written, { x })];
  for (const [name, tensor] of Object.entries(was)) expectNear(is[name], tensor, 1e-5);
  return norms.map(({ beta, isGammaFolded }) => [beta, isGammaFolded ?? false]);
}

const first = { perm: [0, 3, 1, 2] };
const shifted = (g: Graph, norm: string, axis: number) => {
  const cut = (start: number, end: number) =>
    g.op("Slice", [norm, g.integers(start), g.integers(end), g.integers(axis)]);
  return g.op("Concat", [cut(1, 4), cut(0, 1)], { axis });
};
const windows = (g: Graph, norm: string) => {
  const cut = g.op("Reshape", [norm, g.integers(1, 2, 2, 2, 2, width)]);
  return g.op("Reshape", [g.op("Transpose", [cut], { perm: [0, 1, 3, 2, 4, 5] }), g.integers(4, 4, width)]);
};
const convolved = (g: Graph, norm: string, attributes: object, weight: readonly number[] = [5, width, 2, 2]) =>
  g.op("Conv", [g.op("Transpose", [norm], first), g.weight(weight)], { kernel_shape: weight.slice(2), ...attributes });

const through: readonly (readonly [string, Write])[] = [
  ["windows", (g, norm) => g.dense(windows(g, norm), width, 4)],
  [
    "a padding of nothing, and shifted windows",
    (g, norm) => {
      const padded = g.op("Pad", [norm, g.integers(0, 0, 0, 0, 0, 0, 0, 0)]);
      return g.dense(windows(g, shifted(g, shifted(g, padded, 1), 2)), width, 4);
    },
  ],
  [
    "the mean over places of channels first",
    (g, norm) => {
      const pooled = g.op("Flatten", [g.op("GlobalAveragePool", [g.op("Transpose", [norm], first)])]);
      return g.op("Gemm", [pooled, g.weight([5, width])], { transB: 1 });
    },
  ],
  [
    "a mean over axes that go",
    (g, norm) => g.dense(g.op("ReduceMean", [norm], { axes: [1, 2], keepdims: 0 }), width, 4),
  ],
  [
    "one row that is looked up, and parts of the rest",
    (g, norm) => {
      const parts = g.ops("Split", [g.op("Gather", [norm, g.integers(2, 0)], { axis: 2 })], 2, { axis: 1 });
      return g.add(g.dense(parts[0] as string, width, 4), g.dense(parts[1] as string, width, 4));
    },
  ],
  ["a convolution of channels first", (g, norm) => convolved(g, norm, { strides: [2, 2] })],
];

test.each(through)("beta and gamma go through %s", async (_, write) => {
  expect(await checked(model(write), true)).toEqual([["folded", true]]);
});

const padded: readonly (readonly [string, object])[] = [
  ["says how much", { pads: [1, 1, 0, 0] }],
  ["pads as much as it needs", { auto_pad: "SAME_UPPER" }],
];

test.each(padded)("gamma alone goes into a convolution that %s", async (_, attributes) => {
  expect(
    await checked(
      model((g, norm) => convolved(g, norm, attributes)),
      true,
    ),
  ).toEqual([["added", false]]);
  const g = new Graph();
  const y = convolved(g, g.rmsNorm("x", width), attributes);
  const { nodes, weights } = g;
  const bytes = onnxModel({ opset: 17, inputs: { x: image }, outputs: { [y]: { element: "f32" } }, weights, nodes });
  expect(await checked(bytes, true)).toEqual([["none", true]]);
});

const misses: readonly (readonly [string, Write])[] = [
  [
    "heads that become rows",
    (g, norm) => {
      const heads = g.op("Reshape", [norm, g.integers(1, 16, 2, width / 2)]);
      const turned = g.op("Transpose", [heads], { perm: [0, 2, 1, 3] });
      return g.dense(g.op("Reshape", [turned, g.integers(1, 16, width)]), width, 4);
    },
  ],
  [
    "channels that are shifted",
    (g, norm) => {
      const cut = (start: number, end: number) =>
        g.op("Slice", [norm, g.integers(start), g.integers(end), g.integers(3)]);
      return g.dense(g.op("Concat", [cut(1, width), cut(0, 1)], { axis: 3 }), width, 4);
    },
  ],
  [
    "channels in the other order",
    (g, norm) => {
      const cut = [-1, -width - 1, 3, -1].map((number) => g.integers(number));
      return g.dense(g.op("Slice", [norm, ...cut]), width, 4);
    },
  ],
  [
    "a padding with zeros",
    (g, norm) => {
      return g.dense(g.op("Pad", [norm, g.integers(0, 1, 0, 0, 0, 0, 0, 0)]), width, 4);
    },
  ],
  ["rows beside others", (g, norm) => g.dense(g.op("Concat", [norm, "x"], { axis: 1 }), width, 4)],
  ["a sum over places", (g, norm) => g.dense(g.op("ReduceSum", [norm, g.integers(1, 2)]), width, 4)],
  [
    "channels that are not where the convolution has them",
    (g, norm) => {
      return g.op("Conv", [g.op("Reshape", [norm, g.integers(1, width, 4, 4)]), g.weight([5, width, 2, 2])]);
    },
  ],
  ["a convolution by groups", (g, norm) => convolved(g, norm, { group: 2 }, [4, width / 2, 2, 2])],
];

describe("neither goes through", () => {
  test.each(misses)("%s", async (_, write) => {
    expect(await checked(model(write), true)).toEqual([["added", false]]);
  });
});
