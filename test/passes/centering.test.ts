/**
 * The algebra of row means, on random programs: values proved centered are centered, and rewriting changes no result.
 */

import { expect, test } from "vitest";
import { checkProofs, checkRewrite } from "../support/check-centering.ts";
import { sampleRowPrograms } from "../support/row-programs.ts";

const programs = sampleRowPrograms(300);

test("what is proved centered has row mean zero", () => {
  let proved = 0;
  for (const { text, module } of programs) {
    const found = checkProofs(module);
    expect(found.wrong, text).toBe(undefined);
    proved += found.proved;
  }
  // Enough is proved for this to mean something.
  expect(proved).toBeGreaterThan(700);
});

test("rewriting changes no result", () => {
  let gone = 0;
  for (const { text, module } of programs) {
    const found = checkRewrite(module);
    expect(found.off, text).toBeLessThan(1e-9);
    gone += found.gone;
  }
  expect(gone).toBeGreaterThan(80);
});
