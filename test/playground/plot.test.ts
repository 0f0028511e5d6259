import { describe, expect, test } from "vitest";
import { duration, median, plot, summarize, tickStep } from "../../playground/run/plot.ts";

test("median", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(median([])).toBe(0);
});

test.each([
  [1.2345, "1.23 ms"],
  [0.0831, "83.1 µs"],
  [250.4, "250 ms"],
  [0.5, "500 µs"],
])("%f ms is written %s", (milliseconds, text) => expect(duration(milliseconds)).toBe(text));

test.each([
  [1, 0.2],
  [3, 1],
  [7, 2],
  [16, 5],
  [0.04, 0.01],
])("an axis to %f has steps of %f", (end, step) => expect(tickStep(end)).toBeCloseTo(step, 10));

describe("a timing", () => {
  const timing = { kernel: [2, 2.2, 1.8], copy: [1, 1, 50], bytes: 4e6, clock: "timestamps" } as const;

  test("in short", () => {
    expect(summarize(timing)).toEqual({ kernel: 2, copy: 1, ratio: 2, gigabytesPerSecond: 2 });
  });

  test("as a picture that is also said in words", () => {
    const svg = plot(timing);
    expect(svg).toContain('role="img" aria-label="Kernel: median 2.00 ms. Copy: median 1.00 ms. Ratio 2.00."');
    expect(svg.match(/<circle/g)).toHaveLength(6);
  });

  test("times are drawn to scale, and one that is far off does not press the others together", () => {
    const at = [...plot(timing).matchAll(/<circle cx="([\d.]+)"/g)].map(([, x]) => Number(x) - 64);
    const [a = 0, b = 0, c = 0, d = 0, , far = 0] = at;
    expect(b / a).toBeCloseTo(1.1, 2);
    expect(c / a).toBeCloseTo(0.9, 2);
    expect(d / a).toBeCloseTo(0.5, 2);
    expect(far).toBeLessThan(600);
    expect(d).toBeGreaterThan(200);
  });

  test.each([1, 10, 1000, 0.01, 0.4])(
    "the label of a tick at the end of the axis, %f ms, is within the picture",
    (end) => {
      const [kernel, copy] = [[end / 1.1], [end / 2]];
      const svg = plot({ kernel, copy, bytes: 1, clock: "timestamps" });
      const labels = [...svg.matchAll(/<text x="([\d.]+)" y="[\d.]+" text-anchor="middle">([^<]+)</g)];
      const [, x, text] = labels.at(-1) as RegExpExecArray;
      // The letters of a phone are 18 high, and 0.6 of that wide at most.
      expect(Number(x) + (0.6 * 18 * (text as string).length) / 2).toBeLessThanOrEqual(640);
    },
  );
});
