/** Whether a part of a graph can stand in the place of its nodes, and how far that is looked for. */

import { expect, test, vi } from "vitest";
import { Dataflow } from "../../src/extract/dataflow.ts";
import { bytesInMemory, OnnxModel } from "../../src/onnx/index.ts";
import { node, onnxModel } from "../support/onnx.ts";

const x = { element: "f32", shape: [4] } as const;

function flowOf(nodes: readonly ReturnType<typeof node>[], output: string) {
  const bytes = onnxModel({ inputs: { x }, outputs: { [output]: x }, nodes });
  const model = new OnnxModel(bytesInMemory("m.onnx", bytes), () => {
    throw new Error("no file beside the model");
  });
  return { model, flow: new Dataflow(model) };
}

test("a step waits for itself through one that makes what stood before it", () => {
  const nodes = [
    node("Relu", ["x"], ["p"]),
    node("Exp", ["p"], ["t"]),
    node("Sin", ["t"], ["q"]),
    node("Add", ["p", "q"], ["y"]),
  ];
  const { flow } = flowOf(nodes, "y");
  const step = { inputs: ["p"], outputs: ["t"] };
  expect(flow.isCyclic(step, [])).toBe(false);
  // It makes p too, and only when it has t.
  expect(flow.isCyclic(step, [{ inputs: ["x", "t"], outputs: ["p", "q"] }])).toBe(true);
});

test("a step waits for itself through two others, the later of which ends first", () => {
  const nodes = [
    node("Relu", ["x"], ["a"]),
    node("Exp", ["x"], ["b"]),
    node("Exp", ["a"], ["t"]),
    node("Sin", ["t"], ["c"]),
    node("Sin", ["b"], ["d"]),
    node("Add", ["c", "d"], ["y"]),
  ];
  const { flow } = flowOf(nodes, "y");
  const [first, second] = [
    { inputs: ["x", "b"], outputs: ["a", "d"] },
    { inputs: ["x", "t"], outputs: ["b", "c"] },
  ];
  const step = { inputs: ["a"], outputs: ["t"] };
  expect(flow.isCyclic(step, [first])).toBe(false);
  expect(flow.isCyclic(step, [first, second])).toBe(true);
});

test("nodes that are asked for a step do not grow with the graph", () => {
  const asked = (count: number) => {
    const nodes = Array.from({ length: count }, (_, i) => node("Relu", [i === 0 ? "x" : `h${i - 1}`], [`h${i}`]));
    const { model, flow } = flowOf(nodes, `h${count - 1}`);
    const spy = vi.spyOn(model, "namesTaken");
    const steps = nodes.map(({ input, output }) => ({ inputs: input, outputs: output }));
    for (const [i, step] of steps.entries()) expect(flow.isCyclic(step, steps.slice(0, i))).toBe(false);
    return spy.mock.calls.length;
  };
  expect(asked(64)).toBeLessThanOrEqual(64);
});
