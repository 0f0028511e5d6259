/** A little fuzzing on every run; the long one is fuzz.deep.test.ts. */

import { expect, test } from "vitest";
import { expectDiagnosticsOnly } from "./expect-diagnostics.ts";
import { mutated, randomBytes, randomNumbers } from "./mutate.ts";

const sample = `// A comment.
fn block(x: f32[rows, 768], mask: bool[rows, 1], gamma: f32[768]) -> (y: f32[rows, 768], s: f32[rows, 1]) {
  let h = where(mask, x * 0.125, -1e9) /* masked */
  kernel {
    let (s) = max(abs(h), axes = [-1], keepdims = true)
    let n: f32[rows, 768] = layernorm(h, gamma, axes = [-1], eps = 1e-12)
  }
  return gelu(n - -(h + 2) % 3, approximate = "tanh"), s
}
`;

test("300 random byte strings give diagnostics only", () => {
  const random = randomNumbers(1);
  let wrong = 0;
  for (let i = 0; i < 300; i++) wrong += Math.min(1, expectDiagnosticsOnly(randomBytes(random)));
  expect(wrong).toBe(300);
});

test("150 mutations of a program give diagnostics only", () => {
  const random = randomNumbers(2);
  let wrong = 0;
  for (let i = 0; i < 150; i++) wrong += Math.min(1, expectDiagnosticsOnly(mutated(sample, random)));
  // Some edits only change a comment or a number.
  expect(wrong).toBeGreaterThan(100);
  expect(wrong).toBeLessThan(150);
});
