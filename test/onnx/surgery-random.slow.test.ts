/** The surgery on random graphs: the float64 interpreter computes the same before and after. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { elementCount } from "../../src/ir/tensor.ts";
import { expectNear, imported, interpretImported } from "../support/import-onnx.ts";
import { spread } from "../support/onnx.ts";
import { randomModels, rows, width } from "../support/random-models.ts";
import { expectSorted, operated } from "../support/surgery.ts";

const runs = Number(process.env.TIRC_FUZZ_RUNS ?? 40);
test("models of random steps", { timeout: 60_000 + 1000 * runs }, () => {
  let moved = 0;
  const x = { element: "f32", shape: [2, rows, width], numbers: spread(elementCount([2, rows, width]), 4) } as const;
  fc.assert(
    fc.property(randomModels, (bytes) => {
      const { written, norms, weights } = operated(bytes);
      moved += weights.length;
      expectSorted(written);
      const [was, is] = [imported(bytes), imported(written)];
      const [want, got] = [interpretImported(was, { x }), interpretImported(is, { x })];
      expect(Object.keys(got)).toEqual(Object.keys(want));
      for (const [name, tensor] of Object.entries(want)) expectNear(got[name], tensor, 1e-4);
      const lossy = operated(bytes, { mode: "lossy" });
      expectSorted(lossy.written);
      expect(Object.keys(interpretImported(imported(lossy.written), { x }))).toEqual(Object.keys(want));
      const isLeft = norms.some(({ centering }) => centering === "left");
      if (!isLeft && norms.length > 0) expect(operated(written).pieces).toHaveLength(1);
    }),
    { numRuns: runs },
  );
  expect(moved).toBeGreaterThan(runs / 6);
});
