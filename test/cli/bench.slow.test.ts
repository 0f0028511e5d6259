/** `tirc bench`: what it measures, and how it reports it. */

import { describe, expect, test } from "vitest";
import type { Point } from "../../src/bench/bench.ts";
import { Workplace } from "../support/cli.ts";
import { gpuTest } from "../support/gpu.ts";

const program = `fn f(x: f32[n, 64], g: f32[64]) -> (y: f32[n, 64]) {
  return rmsnorm(x, g, axes = [-1])
}
`;
const place = new Workplace({ "f.tir": program });
const wrong = `export default ({ definePass, rewriteFn }) => ({
  passes: [
    definePass({
      name: "negates",
      summary: "Is wrong.",
      options: {},
      run: (fn) => rewriteFn(fn, (op, builder) => (op.name === "exp" ? builder.emit("neg", [op.operand(0)]) : undefined)),
    }),
  ],
});
`;
const bench = ["bench", "f.tir", "--rounds", "2"];

describe("a sweep", () => {
  gpuTest("times each extent, as data", async ({ gpu: _ }) => {
    const { code, stdout } = await place.run([...bench, "--dim", "n=1,70", "--json"]);
    const { functions, rounds } = JSON.parse(stdout);
    expect([code, rounds, functions.map(({ fn }: { fn: string }) => fn)]).toEqual([0, 2, ["f"]]);
    const points: Point[] = functions[0].points;
    expect(points.map(({ dims }) => dims)).toEqual([{ n: 1 }, { n: 70 }]);
    // x and y, and g once.
    expect(points.map(({ bytes }) => bytes)).toEqual([1, 70].map((n) => 4 * (2 * n * 64 + 64)));
    for (const { copy, timings } of points) {
      expect(copy.median).toBeGreaterThan(0);
      expect(timings[0]).toMatchObject({ name: "tirc", launches: 1 });
      expect(timings[0]?.ofCopy).toBeCloseTo((timings[0]?.median as number) / copy.median, 9);
    }
  });

  gpuTest("is a table, and a chart", async ({ gpu: _ }) => {
    const { code, stdout } = await place.run([...bench, "--dim", "n=5", "--svg", "f.svg", "--peer", "none"]);
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/^f, n = 5: .* MB, the copy at .* GB\/s\n.*median[\s\S]*tirc {3,}/),
    ]);
    expect(place.read("f.svg")).toMatch(/^<svg [\s\S]*f, n = 5[\s\S]*<rect [\s\S]*<\/svg>\n$/);
  });

  gpuTest("says which peer there is not, where it is asked for", async ({ gpu: _ }) => {
    const { stderr } = await place.run([...bench, "--dim", "n=5", "--peer", "jax-js"]);
    expect(stderr).toContain("jax-js is not compared with: npm install @jax-js/jax");
  });
});

gpuTest("a plan is timed as a whole, and kernel by kernel, with what they move", async ({ gpu: _ }) => {
  place.write(
    "p.tir",
    `fn p(x: f32[n, 8], w: f32[8, 4]) -> (y: f32[n, 4], m: f32) {
  let y = matmul(softmax(x, axes = [-1]), w)
  return y, mean(y, axes = [0, 1])
}
`,
  );
  const line = ["bench", "p.tir", "--rounds", "2", "--peer", "none", "--dim", "n=6"];
  const { code, stdout } = await place.run([...line, "--json"]);
  expect(code).toBe(0);
  const [point]: Point[] = JSON.parse(stdout).functions[0].points;
  // x, w, y and m; s, the softmax, is written and read, and y read again.
  const [x, w, y, m] = [6 * 8, 8 * 4, 6 * 4, 1];
  expect(point?.bytes).toBe(4 * (x + w + y + m));
  const { kernels = [], timings, moved } = point as Point;
  expect(kernels.map(({ bytes }) => bytes)).toEqual([2 * x, x + w + y, y + m].map((count) => 4 * count));
  expect(moved).toBe(4 * (3 * x + w + 2 * y + m));
  expect(timings[0]).toMatchObject({ name: "tirc", launches: 3 });
  expect(kernels.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
  const table = await place.run(line);
  expect(table.stdout).toMatch(
    /MB through 3 kernels, the copy at[\s\S]*\n {2}tirc [\s\S]*\n {4}p_1, [\s\S]* %\n {4}p_2/,
  );
});

gpuTest("--verify-each off leaves passes of one's own uncompared", async ({ gpu: _ }) => {
  place.write("wrong.mjs", wrong);
  place.write("e.tir", "fn e(x: f32[8]) -> (y: f32[8]) {\n  return exp(x)\n}\n");
  const line = ["bench", "e.tir", "--rounds", "1", "--peer", "none", "--plugin", "wrong.mjs"];
  line.push("--passes", "negates,default");
  expect((await place.run(line)).stderr).toContain("error[E0309]");
  expect((await place.run([...line, "--verify-each", "off"])).code).toBe(0);
});

describe("is refused", () => {
  test.each(["n=1,x", "m=4", "n", "n=1,,2"])("%s", async (dim) => {
    const { code, stderr } = await place.run([...bench, "--dim", dim]);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/error\[E07\d\d\]/)]);
  });
});
