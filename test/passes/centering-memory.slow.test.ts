/** The memory of `eliminate-centering` for a long residual stream. Needs dist/. */

import { expect, test } from "vitest";
import { measured } from "../../scripts/measured.mjs";

const script = new URL("../../scripts/centering-times.mjs", import.meta.url).pathname;

// With the ways, the readers and the reasons of each value in memory, and all remarks, they took 200 MB.
test.each(["moved", "returned"])("100,000 ops of the kind %s fit 140 MB", { timeout: 240_000 }, (kind) => {
  expect(measured([script, kind, 100_000], { megabytes: 140, seconds: 200 })).not.toHaveProperty("missing");
});
