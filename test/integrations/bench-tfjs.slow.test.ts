/** The bench of TensorFlow.js in a page of Chromium: a small encoder, and what its changes leave of the launches. */

import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { whyNoChromium } from "../../scripts/chromium.mjs";

interface Timed {
  readonly launches: number;
  readonly milliseconds: readonly number[];
  readonly changes: readonly { readonly name: string; readonly launches: number; readonly ratio: readonly number[] }[];
}

interface Measured {
  readonly device: string;
  readonly timed: Readonly<Record<"inference" | "step", Timed>>;
}

test("counts launches and times, before and after", { timeout: 300_000 }, async ({ skip }) => {
  const reason = whyNoChromium();
  if (reason !== undefined) skip(`the browser ${reason}`);
  const module = new URL("../../bench/lib/in-chromium.mjs", import.meta.url).href;
  const { inChromium }: { inChromium(module: string, name: string, given: object): Promise<Measured> } = await import(
    module
  );
  const page = fileURLToPath(new URL("../../bench/lib/tfjs-page.mjs", import.meta.url));
  const options = { ...{ blocks: 1, width: 8, batch: 1, length: 4, rounds: 1 }, ...{ rate: 1e-3, epsilon: 1e-7 } };
  const { device, timed } = await inChromium(page, "run", options);
  expect(device).toMatch(/swiftshader/i);
  for (const { milliseconds, changes } of Object.values(timed)) {
    expect(changes.map(({ name }) => name)).toEqual(["norms", "norms and Adam"]);
    for (const list of [milliseconds, ...changes.map(({ ratio }) => ratio)]) {
      expect(list).toHaveLength(3);
      expect(list.every((value) => value > 0)).toBe(true);
    }
  }
  const { inference, step } = timed;
  const [norms, both] = step.changes.map(({ launches }) => launches) as [number, number];
  expect(norms).toBeLessThan(step.launches);
  // 14 launches of tfjs's Adam for each of 20 variables, and a few for its own numbers.
  expect(norms - both).toBeGreaterThanOrEqual(13 * 20);
  expect(inference.changes[0]?.launches).toBe(inference.changes[1]?.launches);
});
