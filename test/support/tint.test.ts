import { expect, test } from "vitest";
import { hasTint, validateWgsl } from "./tint.ts";

const kernel = (body: string) => `
@group(0) @binding(0) var<storage, read_write> data: array<f32>;
override columns: u32;
var<workgroup> shared_sum: f32;
@compute @workgroup_size(4)
fn main(@builtin(local_invocation_index) lane: u32) {
${body}
}`;

test.runIf(hasTint)("a valid shader has no message", async () => {
  expect(await validateWgsl(kernel("  data[lane] = 1.0;\n  workgroupBarrier();"))).toEqual([]);
});

test.runIf(hasTint)("an error comes with its place", async () => {
  const [first] = await validateWgsl(kernel("  data[lane] = 1u;"));
  expect(first).toMatch(/^7:\d+: error: .*u32/);
});

test.runIf(hasTint)("a barrier in control flow that is not uniform is an error", async () => {
  const messages = await validateWgsl(kernel("  if (lane < 2u) { workgroupBarrier(); }"));
  expect(messages.join("\n")).toMatch(/'workgroupBarrier' must only be called from uniform control flow/);
});

test.runIf(hasTint)("what depends on an override is checked with its value", async () => {
  const wgsl = kernel("  data[lane] = f32(1u / columns);");
  expect(await validateWgsl(wgsl)).toEqual([]);
  expect(await validateWgsl(wgsl, { columns: 1 })).toEqual([]);
  expect((await validateWgsl(wgsl, { columns: 0 })).join("\n")).toMatch(/1 \/ 0/);
});
