/** The estimated cost of rows whose length no vector width divides, compared with rows of one element less. */

import { expect, test } from "vitest";
import { estimate } from "../../src/kernel/estimate.ts";
import type { Choice } from "../../src/target/choice.ts";
import { type TargetProfile, targetByName } from "../../src/target/target.ts";
import { compileText } from "../support/compile.ts";

const rows = 512;
const gpu = targetByName("gpu-subgroup-64");

/** Operations an element of a row, a transcendental one as four. */
function operationsOf(body: string, columns: number, target: TargetProfile = gpu): number {
  const { program, kernel } = compileText(
    `fn f(x: f32[${rows}, ${columns}]) -> f32[${rows}, ${columns}] { return ${body}(x, axes = [-1]) }`,
    target,
  );
  const workgroups = Math.ceil(rows / kernel.manifest.dispatch.rowsPerWorkgroup);
  const { operations, transcendentals } = estimate(program, { extents: {}, workgroups, inStep: 64, areAlike: true });
  return (operations + 4 * transcendentals) / (rows * columns);
}

// Single elements are loaded where their neighbours have vectors: four accesses, indices and turns for one.
test.each([
  ["layernorm", 1.7],
  ["softmax", 1.5],
  ["rmsnorm", 2.2],
])("%s: at most %f times the operations of its even neighbour", (body, most) => {
  const ratio = operationsOf(body, 769) / operationsOf(body, 768);
  expect(ratio).toBeLessThan(most);
  expect(ratio).toBeGreaterThan(1);
});

test("lanes that have four elements each, as vectors would, take more than twice as many", () => {
  const choice: Choice = { lanes: 256, workgroup: 256, rowsPerLane: 1, width: 1, keep: 64 };
  const wide = { ...gpu, schedules: [{ columns: 769, choice }] };
  expect(operationsOf("layernorm", 769, wide) / operationsOf("layernorm", 768)).toBeGreaterThan(2.5);
});
