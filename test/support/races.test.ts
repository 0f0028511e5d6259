import { expect, test } from "vitest";
import { handKernel, rowSum } from "./hand-kernel.ts";
import { countBarriers, findRaces, whyNotChecked, withoutBarrier } from "./races.ts";
import { hasTint, validateWgsl } from "./tint.ts";

const dims = { rows: 2, columns: 40 };

test("an intact kernel has no race", () => {
  expect(findRaces(rowSum, dims)).toEqual([]);
});

test.each([0, 1, 2])("without barrier %i the kernel has a race on its workgroup memory", (index) => {
  const broken = { ...rowSum, wgsl: withoutBarrier(rowSum.wgsl, index) };
  expect(countBarriers(broken.wgsl)).toBe(countBarriers(rowSum.wgsl) - 1);
  expect(findRaces(broken, dims)[0]).toMatch(/Data race on 'partial'/);
});

test.runIf(hasTint)("Tint does not see what the detector sees", async () => {
  for (const index of [0, 1, 2]) expect(await validateWgsl(withoutBarrier(rowSum.wgsl, index))).toEqual([]);
});

/** A kernel of one row with the statements of `body`; `columns` is an override. */
function kernel(declarations: string, body: string) {
  return handKernel(
    `${declarations}
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
override columns: u32;
@compute @workgroup_size(8)
fn main(@builtin(local_invocation_index) lane: u32) {
  ${body}
}`,
    {
      inputs: { x: ["f32", ["columns"]] },
      outputs: { y: ["f32", ["columns"]] },
      dims: [{ name: "columns", binding: "override" }],
      overrides: [{ dim: "columns", constant: "columns" }],
    },
  );
}

test.each([
  ["a scalar", "var<workgroup> shared: f32;", "if (lane == 0u) { shared = x[0]; }", "y[lane] = shared;"],
  ["a vector", "var<workgroup> shared: vec4<f32>;", "if (lane == 0u) { shared.x = x[0]; }", "y[lane] = shared.x;"],
  [
    "an array as long as an override",
    "var<workgroup> shared: array<f32, columns>;",
    "shared[lane] = x[lane];",
    "y[lane] = shared[7u - lane];",
  ],
  [
    "a structure",
    "struct S { a: f32, b: u32 }\nvar<workgroup> shared: S;",
    "if (lane == 0u) { shared.a = x[0]; }",
    "y[lane] = shared.a;",
  ],
  [
    "behind enabled features",
    "enable f16;\nvar<workgroup> shared: array<f32, 8>;",
    "shared[lane] = x[lane];",
    "y[lane] = shared[7u - lane];",
  ],
])("a race on %s is seen, and none where there is a barrier", (_, declaration, write, read) => {
  expect(findRaces(kernel(declaration, `${write}\n${read}`), { columns: 8 })[0]).toMatch(/Data race on 'shared'/);
  expect(findRaces(kernel(declaration, `${write}\nworkgroupBarrier();\n${read}`), { columns: 8 })).toEqual([]);
});

test("two lanes that write one element race", () => {
  expect(findRaces(kernel("", "y[lane / 2u] = x[lane];"), { columns: 8 })[0]).toMatch(/Data race on 'y'/);
});

test("what the detector does not know is refused, not passed", () => {
  const body = "y[lane] = subgroupAdd(x[lane]);";
  expect(whyNotChecked(kernel("", body).wgsl)).toBe("the race detector does not know `subgroupAdd`");
  expect(() => findRaces(kernel("enable subgroups;", body), { columns: 8 })).toThrow("subgroupAdd");
  expect(() => findRaces(kernel("", "y[lane] = noSuchFunction(x[lane]);"), { columns: 8 })).toThrow("race detector");
  expect(() => findRaces(kernel("", "if (columns > 8u) { y[lane] = x[lane]; }"), { columns: 8 })).toThrow(
    "ran nothing that writes `y`",
  );
});
