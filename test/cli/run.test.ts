/** `tirc run`, on the interpreter and on a device where there is one. */

import { describe, expect, test } from "vitest";
import { readNpy } from "../../src/formats/npy.ts";
import { addNorm, Workplace } from "../support/cli.ts";
import { gpuTest } from "../support/gpu.ts";
import { npyFile } from "../support/npy.ts";

const double = "fn double(x: f32[rows, 3], by: f32) -> (y: f32[rows, 3]) {\n  return x * by\n}\n";
const bytesOf = (data: ArrayBufferView) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
const x = npyFile("<f4", [2, 3], bytesOf(Float32Array.of(1, 2, 3, 4, 5, 6)));

const onCpu = ["--device", "cpu"];
const numbersIn = (place: Workplace, name: string) => [...readNpy(place.bytes(name), name).numbers];

describe("inputs and outputs", () => {
  test("are .npy files", async () => {
    const place = new Workplace({ "f.tir": double, "x.npy": x });
    const { code, stdout } = await place.run([
      "run",
      "f.tir",
      ...onCpu,
      "--in",
      "x=x.npy",
      "--in",
      "by=0.5",
      "--out",
      "y=y.npy",
    ]);
    expect([code, numbersIn(place, "y.npy")]).toEqual([0, [0.5, 1, 1.5, 2, 2.5, 3]]);
    expect(readNpy(place.bytes("y.npy"), "y.npy")).toMatchObject({ shape: [2, 3], type: "<f4" });
    expect(stdout).toContain("y: f32[2, 3]");
  });

  test("are random if they are not given, which is said", async () => {
    const place = new Workplace({ "f.tir": double });
    const said = async (...given: readonly string[]) =>
      (await place.run(["run", "f.tir", ...onCpu, "--dim", "rows=2", ...given])).stderr;
    expect(await said()).toBe("x and by are random, as they are not given (set them with --in x=FILE.npy)\n");
    expect(await said("--in", "x=ones")).toBe("by is random, as it is not given (set it with --in by=FILE.npy)\n");
    expect(await said("--in", "x=ones", "--in", "by=2")).toBe("");
  });

  test("of 64 bits are rounded, and integers are taken as floats", async () => {
    const place = new Workplace({
      "f.tir": double,
      "x.npy": npyFile("<f8", [1, 3], bytesOf(Float64Array.of(0.1, 1e-60, 2))),
      "i.npy": npyFile("<i8", [1, 3], bytesOf(BigInt64Array.of(1n, -2n, 3n))),
    });
    const outputs = async (file: string) => {
      await place.run(["run", "f.tir", ...onCpu, "--in", `x=${file}`, "--in", "by=1", "--out", "y=y.npy"]);
      return numbersIn(place, "y.npy");
    };
    expect(await outputs("x.npy")).toEqual([Math.fround(0.1), 0, 2]);
    expect(await outputs("i.npy")).toEqual([1, -2, 3]);
  });

  test("may be stdin and stdout", async () => {
    const place = new Workplace({ "f.tir": double });
    const line = ["run", "f.tir", ...onCpu, "--in", "x=-", "--in", "by=2", "--out", "y=-"];
    const { code, bytes, stderr } = await place.run(line, { stdin: x });
    expect([code, [...readNpy(bytes, "y").numbers]]).toEqual([0, [2, 4, 6, 8, 10, 12]]);
    expect(stderr).toContain("double on cpu");
  });

  test("zeros, ones and numbers fill an input", async () => {
    const place = new Workplace({ "f.tir": double });
    const filled = async (...inputs: string[]) => {
      const given = inputs.flatMap((input) => ["--in", input]);
      await place.run(["run", "f.tir", ...onCpu, "--dim", "rows=1", ...given, "--out", "y=y.npy"]);
      return numbersIn(place, "y.npy");
    };
    expect(await filled("x=ones", "by=-3")).toEqual([-3, -3, -3]);
    expect(await filled("x=zeros", "by=7")).toEqual([0, 0, 0]);
    expect(await filled("x=1e3", "by=ones")).toEqual([1000, 1000, 1000]);
    expect(await filled("x=inf", "by=-1")).toEqual([-Infinity, -Infinity, -Infinity]);
    expect(await filled("x=nan", "by=1")).toEqual([Number.NaN, Number.NaN, Number.NaN]);
  });

  test("that are not given are random: standard normal, by the seed, each parameter apart", async () => {
    const place = new Workplace({
      "f.tir": "fn f(x: f32[n], z: f32[n]) -> (a: f32[n], b: f32[n]) {\n  return x * 1, z * 1\n}\n",
    });
    const run = async (...args: string[]) => {
      await place.run(["run", "f.tir", ...onCpu, "--dim", "n=20000", "--out", "a=a.npy", "--out", "b=b.npy", ...args]);
      return [numbersIn(place, "a.npy"), numbersIn(place, "b.npy")] as const;
    };
    const [a, b] = await run();
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    for (const values of [a, b]) {
      expect(Math.abs(mean(values))).toBeLessThan(0.03);
      expect(Math.abs(mean(values.map((value) => value ** 2)) - 1)).toBeLessThan(0.05);
    }
    expect(a).not.toEqual(b);
    expect(Math.abs(mean(a.map((value, i) => value * (b[i] as number))))).toBeLessThan(0.03);
    expect(await run("--seed", "0")).toEqual([a, b]);
    expect((await run("--seed", "1"))[0]).not.toEqual(a);
    expect((await run("--in", "z=ones"))[0]).toEqual(a);
  });

  test("of integers and truth values are random numbers of their kind", async () => {
    const text =
      "fn f(i: i32[n], u: u32[n], b: bool[n]) -> (p: i32[n], q: u32[n], r: bool[n]) {\n  return i + 0, u + 0, !b\n}\n";
    const place = new Workplace({ "f.tir": text });
    const outs = ["p", "q", "r"].flatMap((name) => ["--out", `${name}=${name}.npy`]);
    await place.run(["run", "f.tir", ...onCpu, "--dim", "n=2000", ...outs]);
    const range = (name: string) => [Math.min(...numbersIn(place, name)), Math.max(...numbersIn(place, name))];
    expect([range("p.npy"), range("q.npy"), range("r.npy")]).toEqual([
      [-10, 10],
      [0, 20],
      [0, 1],
    ]);
  });
});

describe("dimensions", () => {
  test("that nothing tells get a default, which is said", async () => {
    const place = new Workplace({ "f.tir": addNorm });
    const { stderr, stdout } = await place.run(["run", "f.tir", ...onCpu]);
    expect(stderr).toMatch(/^rows = 1024,/);
    expect(stdout).toContain("f32[1024, 8]");
  });

  test("may be zero", async () => {
    const place = new Workplace({ "f.tir": addNorm });
    const { code, stdout } = await place.run(["run", "f.tir", ...onCpu, "--dim", "rows=0", "--compare", "--json"]);
    expect([code, JSON.parse(stdout).outputs.y.shape]).toEqual([0, [0, 8]]);
  });

  test("of large parameters get few rows, so that a run stays short", async () => {
    const text = "fn f(x: f32[batch, 320, 16, 16]) -> (y: f32[batch, 320, 16, 16]) {\n  return x + 1\n}\n";
    const { stderr } = await new Workplace({ "f.tir": text }).run(["run", "f.tir", ...onCpu]);
    expect(stderr).toMatch(/^batch = 8,/);
  });
});

describe("the report", () => {
  test("as JSON has what the run was, and the errors where it was compared", async () => {
    const place = new Workplace({ "f.tir": addNorm });
    const line = ["run", "f.tir", ...onCpu, "--dim", "rows=3", "--json"];
    const output = { shape: [3, 8], dtype: "f32" };
    const head = { function: "add_norm", device: "cpu (the reference interpreter)", launches: 0 };
    expect(JSON.parse((await place.run(line)).stdout)).toEqual({ ...head, outputs: { y: output } });
    const { maxAbsError, maxRelError, ...rest } = JSON.parse((await place.run([...line, "--compare"])).stdout).outputs
      .y;
    expect(rest).toEqual(output);
    expect(maxAbsError).toBeLessThan(2e-7);
    expect(maxRelError).toBeLessThan(2e-7);
  });

  test("is plain text otherwise", async () => {
    const place = new Workplace({ "f.tir": double });
    const { stdout } = await place.run(["run", "f.tir", ...onCpu, "--dim", "rows=2", "--in", "x=ones", "--in", "by=2"]);
    expect(stdout).toBe("double on cpu (the reference interpreter), 0 launches\n  y: f32[2, 3]  2 2 2 2 ...\n");
  });
});

describe("--compare", () => {
  test("fails where passes change the function", async () => {
    const text = "fn f(x: f32[n, 8]) -> (y: f32[n, 8]) {\n  return layernorm(x, axes = [-1])\n}\n";
    const place = new Workplace({ "f.tir": text });
    const lossy = "layernorm-to-rmsnorm,eliminate-centering{mode=lossy},fuse-elementwise";
    const line = ["run", "f.tir", ...onCpu, "--dim", "n=4", "--compare"];
    const { code, stdout, stderr } = await place.run([...line, "--passes", lossy]);
    expect(code).toBe(1);
    expect(stdout).toContain("WRONG");
    expect(stderr).toMatch(/error\[E0650\]: the output `y` differs/);
    expect(stderr).toMatch(/of 32 values differ by more than 0\.000002/);
    expect((await place.run(line)).code).toBe(0);
  });

  gpuTest("holds on a device, by --device auto and gpu", async () => {
    const place = new Workplace({ "f.tir": addNorm });
    for (const device of ["auto", "gpu"]) {
      const line = [
        "run",
        "f.tir",
        "--device",
        device,
        "--dim",
        "rows=100",
        "--in",
        "x=rand",
        "--in",
        "r=rand",
        "--compare",
        "--json",
      ];
      const { code, stdout, stderr } = await place.run(line);
      expect([code, stderr]).toEqual([0, ""]);
      expect(JSON.parse(stdout)).toMatchObject({ launches: 1, outputs: { y: { shape: [100, 8] } } });
    }
  });
});

test("one function of several runs by its name", async () => {
  const place = new Workplace({ "f.tir": `${addNorm}\n${double}` });
  const { code, stdout } = await place.run(["run", "f.tir", ...onCpu, "--fn", "double"]);
  expect(code).toBe(0);
  expect(stdout).toContain("double on cpu");
});

describe("arithmetic", () => {
  const norm = (element: string) => `fn f(x: ${element}[rows, 64]) -> (y: ${element}[rows, 64]) {
  let h = rmsnorm(x, axes = [-1])
  return h * 0.3 + h
}
`;
  const line = ["run", "f.tir", "--dim", "rows=4", "--compare"];

  gpuTest("squares that overflow are told, and --accuracy=scaled computes them", async ({ gpu: _ }) => {
    const place = new Workplace({ "f.tir": norm("f32") });
    const plain = await place.run([...line, "--in", "x=1e25"]);
    expect(plain).toMatchObject({ code: 1, stderr: expect.stringContaining("E0650") });
    expect(await place.run([...line, "--in", "x=1e25", "--accuracy", "scaled"])).toMatchObject({ code: 0 });
  });

  gpuTest("--rounding=strict rounds each op to f16, which is allowed for in comparing", async ({ gpu: _ }) => {
    const place = new Workplace({ "f.tir": norm("f16") });
    const outputs = [];
    for (const rounding of ["late", "strict"]) {
      const ran = await place.run([...line, "--rounding", rounding, "--out", `y=${rounding}.npy`]);
      expect(ran, rounding).toMatchObject({ code: 0, stdout: expect.stringContaining("ok: ") });
      outputs.push(numbersIn(place, `${rounding}.npy`));
    }
    expect(outputs[0]).not.toEqual(outputs[1]);
  });

  test("kinds that there are not", async () => {
    const place = new Workplace({ "f.tir": norm("f32") });
    for (const option of ["--accuracy", "--rounding"]) {
      const { code, stderr } = await place.run(["compile", "f.tir", option, "exact"]);
      expect(code).toBe(2);
      expect(stderr).toContain(`${option}`);
      expect(stderr).toMatch(/normal.*scaled|late.*strict/s);
    }
  });
});
