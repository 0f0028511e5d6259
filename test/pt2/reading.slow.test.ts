/** Archives of torch.export as models: what PyTorch computes, and how many norms it has. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { referenceOutputs } from "../../src/cli/model-reference.ts";
import { surgery } from "../../src/surgery/surgery.ts";
import { expected, feedsOf, type Outcome, openArchive } from "../support/pt2.ts";

/** Each norm, and what becomes of its centering. */
const outcomes: Readonly<Record<string, readonly string[]>> = {
  mlp: ["layernorm folded", "layernorm folded"],
  half: ["layernorm folded"],
  bfloat: ["layernorm folded"],
  gpt: ["layernorm folded", "layernorm folded"],
  decomposed: ["layernorm folded", "layernorm folded"],
  bert: ["layernorm folded", "layernorm kept"],
  vit: ["layernorm folded", "layernorm folded"],
  shared: ["layernorm folded", "layernorm folded"],
  llama: ["rmsnorm none", "rmsnorm none"],
  branches: ["layernorm kept", "layernorm left", "rmsnorm left"],
};

test("norms in the branches of torch.cond are there, with where they stand", () => {
  const inBranches = surgery(openArchive("branches")).norms.slice(1);
  const because = ["because it is in a graph that `cond` (higher_order.cond) runs"];
  expect(inBranches).toMatchObject([
    { nodes: ["layer_norm (aten.layer_norm.default)"], gamma: true, beta: "kept", eps: 1e-5, because },
    { nodes: ["rms_norm (aten.rms_norm.default)"], gamma: true, beta: "none", eps: 1e-6, because },
  ]);
});

test("every fixture is looked at", () => {
  expect(Object.keys(outcomes).toSorted()).toEqual(Object.keys(expected).toSorted());
});

for (const [name, want] of Object.entries(outcomes)) {
  test(`${name}: all norms of PyTorch are found, and what becomes of each`, () => {
    const { norms } = surgery(openArchive(name));
    expect(norms.map(({ norm, centering }) => `${norm} ${centering}`)).toEqual(want);
    const counts = (expected[name] as Outcome).norms;
    const count = (kind: string) => norms.filter(({ norm }) => norm === kind).length;
    expect([count("layernorm"), count("rmsnorm")]).toEqual([counts.LayerNorm ?? 0, counts.RMSNorm ?? 0]);
  });
}

// Of bfloat16 nothing is computed: no type of ONNX's that the interpreter has. Branches have no translation.
const opaque = ["bfloat", "branches"];
test.each(Object.keys(outcomes).filter((name) => !opaque.includes(name)))(
  "%s computes what PyTorch computes",
  (name) => {
    const model = openArchive(name);
    const { output } = expected[name] as Outcome;
    const [made] = [...referenceOutputs(model, feedsOf(name, model)).outputs.values()];
    expect(made?.shape).toEqual(output.shape);
    const largest = Math.max(...output.numbers.map(Math.abs));
    const off = Math.max(...output.numbers.map((number, i) => Math.abs(number - (made?.numbers[i] ?? Number.NaN))));
    // ONNX stores eps as a 32-bit float.
    expect(off / largest).toBeLessThan(1e-7);
  },
);

test("weights are read through their strides", () => {
  const bytes = readFileSync(new URL("models/shared.pt2", import.meta.url));
  const model = openArchive("shared");
  const [{ data }] = model.archive.directory.entries as [(typeof model.archive.directory.entries)[number]];
  const storage = new Float32Array(bytes.buffer.slice(bytes.byteOffset + data.start, bytes.byteOffset + data.end));
  // a is the first half of the storage, and b the other one, transposed; a linear takes each transposed once more.
  const square = (start: number, at: (row: number, column: number) => number) =>
    Float64Array.from({ length: 64 }, (_, i) => storage[start + at(Math.floor(i / 8), i % 8)] as number);
  expect(model.numbers("a")?.numbers).toEqual(square(0, (row, column) => 8 * row + column));
  expect(model.numbers("a.T")?.numbers).toEqual(square(0, (row, column) => 8 * column + row));
  expect(model.numbers("b")?.numbers).toEqual(square(64, (row, column) => 8 * column + row));
  expect(model.numbers("b.T")?.numbers).toEqual(square(64, (row, column) => 8 * row + column));
});
