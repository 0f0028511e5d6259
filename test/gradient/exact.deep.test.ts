/** Gradients of thousands of random programs, in exact arithmetic. */

import { expect, test } from "vitest";
import { randomGradients } from "../support/random-gradients.ts";

test("5,000 random programs with every op", () => {
  const { verdicts } = randomGradients(1000, 9000);
  console.log(JSON.stringify(verdicts));
  expect(verdicts.different).toEqual([]);
  expect(verdicts.same).toBeGreaterThanOrEqual(5000);
});
