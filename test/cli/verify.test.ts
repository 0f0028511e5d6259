/** `tirc verify`, and `equivalent` under it. */

import { describe, expect, test } from "vitest";
import { equivalent } from "../../src/driver/equivalent.ts";
import { parse } from "../../src/parse/parse.ts";
import { Workplace } from "../support/cli.ts";

const layernorm = `fn f(x: f32[rows, 8], g: f32[8], b: f32[8]) -> (y: f32[rows, 8]) {
  return layernorm(x, g, b, axes = [-1], eps = 1e-6)
}
`;
const byHand = `fn f(x: f32[rows, 8], g: f32[8], b: f32[8]) -> (y: f32[rows, 8]) {
  let d = x - sum(x, axes = [-1], keepdims = true) / 8
  let v = mean(pow(d, 2), axes = [-1], keepdims = true)
  return b + g * d / sqrt(0.000001 + v)
}
`;
const unbiased = byHand.replace(
  "mean(pow(d, 2), axes = [-1], keepdims = true)",
  "sum(d * d, axes = [-1], keepdims = true) / 7",
);
const other = "fn f(x: f32[rows, 8], g: f32[8]) -> (y: f32[rows, 8]) { return x * g }\n";

const files = { "a.tir": layernorm, "b.tir": byHand, "c.tir": unbiased, "d.tir": other };
const run = (...args: string[]) => new Workplace(files).run(["verify", ...args]);

test("two programs that are equal", async () => {
  expect(await run("a.tir", "b.tir")).toMatchObject({
    code: 0,
    stderr: "",
    stdout: `f: equal in exact arithmetic
at 4 points of finite fields; a difference of degree up to 1024 is missed with a probability below 2^-72
`,
  });
});

test("two that differ, with inputs on which they do", async () => {
  const { code, stdout } = await run("a.tir", "c.tir");
  expect(code).toBe(1);
  const [first, ...rest] = stdout.split("\n");
  expect(first).toBe("f: different in exact arithmetic: y[0, 0], rows = 3");
  expect(stdout).toMatch(/in float64 y\[0, 0\] is -?\d\.\d+ and -?\d\.\d+, for\n {4}x = \[/);
  expect(rest.join("\n")).toContain("of shape [3, 8]");
});

test("as JSON: the inputs are there, and give what it says", async () => {
  const { code, stdout } = await run("a.tir", "c.tir", "--json");
  expect(code).toBe(1);
  const { equal, functions } = JSON.parse(stdout) as ReturnType<typeof equivalent>;
  expect(equal).toBe(false);
  const [{ verdict, counterexample }] = functions as unknown as [
    { verdict: string; counterexample: { inputs: Record<"x" | "g" | "b", { data: number[] }>; a: number; b: number } },
  ];
  expect(verdict).toBe("different");
  const { x, g, b } = (counterexample as NonNullable<typeof counterexample>).inputs;
  const row = x.data.slice(0, 8);
  const mean = row.reduce((sum, value) => sum + value, 0) / 8;
  const squares = row.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const wanted = (divisor: number) =>
    (((row[0] as number) - mean) / Math.sqrt(squares / divisor + 1e-6)) * (g.data[0] as number) + (b.data[0] as number);
  expect(counterexample?.a).toBeCloseTo(wanted(8), 12);
  expect(counterexample?.b).toBeCloseTo(wanted(7), 12);
});

describe("what cannot be compared", () => {
  test("one file", async () => {
    const { code, stderr } = await run("a.tir");
    expect([code, stderr.split("\n")[0]]).toEqual([2, expect.stringContaining("E0707")]);
  });

  test("other parameters", async () => {
    const { code, stderr } = await run("a.tir", "d.tir");
    expect([code, stderr]).toEqual([1, expect.stringContaining("E0310")]);
  });

  test("a function that one of them has not", async () => {
    const { code, stderr } = await run("a.tir", "b.tir", "--fn", "g");
    expect([code, stderr]).toEqual([2, expect.stringContaining("E0307")]);
    expect(stderr).toMatch(/\| tirc verify a\.tir b\.tir --fn g\n +\| +\^\n/);
    const two = new Workplace({ ...files, "e.tir": `${layernorm}${other.replace("fn f", "fn scaled")}` });
    const one = await two.run(["verify", "a.tir", "e.tir"]);
    expect(one.stderr).toContain(
      "e.tir:4:1: error[E0307]: the first program has no function `scaled` to compare with this one",
    );
    expect(one.stderr).toContain("choose another function by `--fn`");
    expect((await two.run(["verify", "e.tir", "a.tir"])).stderr).toContain(
      "the second program has no function `scaled`",
    );
  });
});

/** Pairs, and whether they are the same: from algebra. */
const pairs: readonly (readonly [same: boolean, params: string, a: string, b: string])[] = [
  [true, "x: f32[n]", "softmax(x, axes = [-1])", "softmax(x + 3, axes = [-1])"],
  [true, "x: f32[n]", "x * sigmoid(x)", "x / (1 + exp(-x))"],
  [true, "x: f32[n, 4]", "mean(x, axes = [-1])", "sum(x, axes = [-1]) * 0.25"],
  [true, "a: f32[n, 3], b: f32[3, 4], c: f32[4, 2]", "matmul(matmul(a, b), c)", "matmul(a, matmul(b, c))"],
  [true, "x: f32[n]", "maximum(x, 0)", "relu(x)"],
  [true, "x: f32[n]", "-minimum(x, -x)", "abs(x)"],
  [true, "x: f32[n]", "sqrt(x * x)", "abs(x)"],
  [true, "x: f32[n]", "exp2(x)", "exp(x * 0.6931471805599453)"],
  [false, "x: f32[n]", "softmax(x, axes = [-1])", "softmax(x * 3, axes = [-1])"],
  [false, "x: f32[n]", "gelu(x)", 'gelu(x, approximate = "tanh")'],
  [false, "x: f32[n, 5]", "x - mean(x, axes = [-1], keepdims = true)", "x - mean(x, axes = [-2], keepdims = true)"],
  [false, "x: f32[n, 5]", "slice(x, axis = -1, start = 1, end = 3)", "slice(x, axis = -1, start = 2, end = 4)"],
  [false, "x: f32[n, 5]", "var(x, axes = [-1])", "var(x, axes = [-1], correction = 1)"],
  [false, "x: f32[n]", "x * 1.0000001", "x"],
];

test.each(pairs)("same: %s, of (%s): %s and %s", (same, params, a, b) => {
  const shape = /slice/.test(a)
    ? "[n, 2]"
    : /matmul/.test(a)
      ? "[n, 2]"
      : /n, 5\]/.test(params) && !/var/.test(a)
        ? "[n, 5]"
        : "[n]";
  const program = (body: string) => parse(`fn f(${params}) -> f32${shape} { return ${body} }`);
  expect(equivalent(program(a), program(b)).equal).toBe(same);
});

test("contracts and constants count", () => {
  const centered = (contract: string) =>
    ["center(x, axes = [-1])", "x"].map((body) =>
      parse(`fn f(x: f32[n, 4]${contract}) -> f32[n, 4] { return ${body} }`),
    ) as [ReturnType<typeof parse>, ReturnType<typeof parse>];
  expect(equivalent(...centered(" @centered(-1)")).equal).toBe(true);
  expect(equivalent(...centered("")).equal).toBe(false);
  const constant = (values: string) =>
    parse(`const c: f32[3] = ${values}\nfn f(x: f32[n, 3]) -> f32[n, 3] { return x + c }`);
  expect(equivalent(constant("[0.1, 0.2, 0.3]"), constant("[0.1, 0.2, 0.3]")).equal).toBe(true);
  expect(equivalent(constant("[0.1, 0.2, 0.3]"), constant("[0.1, 0.2, 0.30000001]")).equal).toBe(false);
});

describe("`--verify-each`", () => {
  const cast = `fn f(x: f32[rows, 8]) -> (y: f16[rows, 8]) {
  let d = cast(center(x, axes = [-1]), to = f16)
  return rmsnorm(center(d, axes = [-1]), axes = [-1])
}
`;
  const compile = (...args: string[]) =>
    new Workplace({ "a.tir": byHand, "cast.tir": cast }).run(["compile", "--emit", "tir", ...args]);

  test("changes nothing where all is well", async () => {
    const [exact, off] = [
      await compile("a.tir", "--verify-each", "exact"),
      await compile("a.tir", "--verify-each=off"),
    ];
    expect(exact).toMatchObject({ code: 0, stderr: "" });
    expect(exact.stdout).toBe(off.stdout);
  });

  test("allows for what a pass takes for granted, which is a remark", async () => {
    const { code, stderr } = await compile("cast.tir", "--verify-each", "exact", "--remarks", "--diagnostics", "short");
    expect(code).toBe(0);
    expect(stderr).toContain("R0108");
  });
});

describe("loaded constants are not read", () => {
  const scaled = (name: string, file: string) => `const ${name}: f32[8] = load("${file}")
fn f(x: f32[rows, 8]) -> (y: f32[rows, 8]) { return x * ${name} }
`;
  const programs = { "a.tir": scaled("w", "a.npy"), "b.tir": scaled("w", "b.npy"), "c.tir": scaled("w2", "a.npy") };
  const verify = (...args: string[]) => new Workplace(programs).run(["verify", ...args]);

  test("of one name: taken to be the same, which is said where the files are others", async () => {
    const { code, stdout } = await verify("a.tir", "b.tir");
    expect(code).toBe(0);
    expect(stdout.split("\n").slice(0, 2)).toEqual([
      "f: equal in exact arithmetic",
      "note: `w` is loaded from a.npy and from b.npy; files are not read, and both are taken to be the same tensor",
    ]);
    expect((await verify("a.tir", "a.tir")).stdout).not.toContain("note:");
  });

  test("of one program: arbitrary, which is said", async () => {
    const { code, stdout } = await verify("a.tir", "c.tir");
    expect(code).toBe(1);
    expect(stdout).toContain(
      "note: only the first program loads `w`; files are not read, and arbitrary numbers stand for it\n",
    );
    expect(stdout).toContain("note: only the second program loads `w2`;");
    const { unlikeLoads } = JSON.parse((await verify("a.tir", "c.tir", "--json")).stdout);
    expect(unlikeLoads).toEqual([
      { name: "w", first: "a.npy" },
      { name: "w2", second: "a.npy" },
    ]);
  });
});
