/** Forms of layers that no other implementation computes: onnxruntime rejects recurrences with the batch first. */

import { expect, test } from "vitest";
import { layerReferences } from "../../src/cli/layer-reference.ts";
import { made, type NodeValues, type Numbers } from "../../src/cli/node-values.ts";

const [steps, batch, width, size, directions] = [3, 2, 4, 5, 2];
const wave = (shape: readonly number[], phase: number) => {
  let i = phase;
  return made(shape, () => Math.sin(1.7 * i++));
};

function lstm(x: Numbers, h: Numbers, c: Numbers, layout: number): readonly Numbers[] {
  const w = wave([directions, 4 * size, width], 1);
  const r = wave([directions, 4 * size, size], 2);
  const node = {
    inputs: [x, w, r, undefined, undefined, h, c].map((one) => one && { element: "f32", ...one }),
    integer: (name: string, otherwise: number) => (name === "layout" ? layout : otherwise),
    number: (_: string, otherwise: number) => otherwise,
    text: (name: string) => (name === "direction" ? "bidirectional" : undefined),
    texts: () => [],
  } as unknown as NodeValues;
  return layerReferences.LSTM?.(node) as readonly Numbers[];
}

const at = ({ shape, data }: Numbers, ...index: number[]) =>
  data[index.reduce((offset, i, axis) => offset * (shape[axis] as number) + i, 0)] as number;

test("an LSTM with the batch first computes the same", () => {
  const x = wave([steps, batch, width], 3);
  const states = [4, 5].map((phase) => wave([directions, batch, size], phase)) as [Numbers, Numbers];
  const [y, ...last] = lstm(x, ...states, 0) as [Numbers, Numbers, Numbers];
  const batchFirst = (one: Numbers) =>
    made([one.shape[1] as number, one.shape[0] as number, one.shape[2] as number], ([i = 0, j = 0, k = 0]) =>
      at(one, j, i, k),
    );
  const [first, ...lastFirst] = lstm(batchFirst(x), ...(states.map(batchFirst) as [Numbers, Numbers]), 1);
  expect(first).toEqual(made([batch, steps, directions, size], ([b = 0, t = 0, d = 0, k = 0]) => at(y, t, d, b, k)));
  expect(lastFirst).toEqual(last.map(batchFirst));
  expect(new Set(y.data).size).toBe(y.data.length);
});
