/** Where the reference itself is not finite, `--compare` says which op makes it so, and which inputs would not. */

import { describe, expect, test } from "vitest";
import { Workplace } from "../support/cli.ts";
import { gpuTest } from "../support/gpu.ts";
import { npyFile } from "../support/npy.ts";

const batchNorm = `fn bn(x: f32[n, 8, h], g: f32[8], b: f32[8], m: f32[8], v: f32[8]) -> (y: f32[n, 8, h]) {
  let s = reshape(g * rsqrt(v + 1e-5), shape = [8, 1])
  let o = reshape(b, shape = [8, 1]) - reshape(m, shape = [8, 1]) * s
  return relu(x * s + o)
}
`;

async function warnings(text: string, ...inputs: string[]): Promise<{ code: number; stderr: string }> {
  const line = ["run", "f.tir", "--device", "cpu", "--compare", "--dim", "n=4", "--diagnostics", "pretty"];
  const place = new Workplace({
    "f.tir": text,
    "big.npy": npyFile("<f4", [1], new Uint8Array(Float32Array.of(1000).buffer)),
  });
  const { code, stderr } = await place.run([...line, ...inputs.flatMap((input) => ["--in", input])]);
  return { code, stderr };
}

describe("a warning", () => {
  test("names the op, its line, what it read, and inputs that were tried", async () => {
    const { code, stderr } = await warnings(batchNorm);
    expect(code).toBe(0);
    expect(stderr).toContain("f.tir:2:23: warning[R0650]: the reference itself is NaN here");
    expect(stderr).toMatch(/of `y` are NaN\n.*`rsqrt` produces the first from -\d.*, and reads `v`\n.*`--in v=rand`/);
    expect(stderr.match(/R0650/g)).toHaveLength(1);
    expect((await warnings(batchNorm, "v=rand")).stderr).not.toContain("R0650");
  });

  test("is of the first op on the way to the result, not of one beside it", async () => {
    const text = `fn f(x: f32[n]) -> (y: f32[n], z: f32[n]) {
  let beside = sqrt(x)
  let zero = x - x
  return zero / zero + 1, x
}
`;
    const { stderr } = await warnings(text);
    expect(stderr).toContain("f.tir:4:10: warning[R0650]");
    expect(stderr).toContain("`div` produces the first from 0 and 0, and reads `x`");
    expect(stderr).toContain("choose inputs for which it is finite");
  });

  test("chooses a range where `rand` is not enough, and all parameters where one is not", async () => {
    const range = await warnings("fn f(x: f32[n]) -> f32[n] { return sqrt(x - 0.5) }");
    expect(range.stderr).toContain("with `--in 'x=uniform(0.5, 2)'` the reference is finite");
    const both = await warnings("fn f(x: f32[n], y: f32[n]) -> f32[n] { return sqrt(minimum(x, y)) }");
    expect(both.stderr).toContain("with `--in x=rand --in y=rand` the reference is finite");
  });

  test("is of an infinity, too, and of an op over rows", async () => {
    const one = await warnings("fn f(x: f32[n], b: f32[1]) -> f32[n] { return x + exp(b) }", "b=big.npy");
    expect(one.stderr).toContain("is infinite here");
    expect(one.stderr).toContain("`exp` produces the first from 1000, and reads `b`");
    expect(one.stderr).toContain("choose inputs for which it is finite: `--in 'NAME=uniform(LOW, HIGH)'` or a file");
    const { stderr } = await warnings("fn f(x: f32[n, 1]) -> f32[n] { return var(x, axes = [-1], correction = 1) }");
    expect(stderr).toContain("`var` produces the first, and reads `x`");
  });

  test("is none where an input or the program has it", async () => {
    const inf = "fn f(x: f32[n]) -> f32[n] { return where(x > 0, x, -inf) }";
    expect((await warnings(inf)).stderr).not.toContain("R0650");
    const double = "fn f(x: f32[n]) -> f32[n] { return x * 2 }";
    expect((await warnings(double, "x=nan")).stderr).not.toContain("R0650");
    expect((await warnings(double)).stderr).not.toContain("R0650");
    // An intermediate infinity that does not show in the result.
    expect((await warnings("fn f(x: f32[n]) -> f32[n] { return exp(log(x - x)) }")).stderr).not.toContain("R0650");
  });
});

gpuTest("a batch norm with variances is right on a device, where one with randn has no numbers", async ({ gpu: _ }) => {
  const place = new Workplace({ "f.tir": batchNorm });
  const line = ["run", "f.tir", "--device", "gpu", "--compare", "--dim", "n=4"];
  for (const fill of ["rand", "uniform(0, 2)"]) {
    const { code, stdout, stderr } = await place.run([...line, "--in", `v=${fill}`]);
    expect([code, stderr]).toEqual([0, expect.not.stringContaining("R0650")]);
    expect(stdout).toMatch(/ok: largest error/);
  }
});
