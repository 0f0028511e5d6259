/** The output of the printer; that the parser reads it back is tested with the parser. */

import { expect, test } from "vitest";
import { type Builder, copyOp } from "../../src/ir/builder.ts";
import { makeFn, makeModule, type Op, type Value } from "../../src/ir/ir.ts";
import { print, printFn, printNumber } from "../../src/ir/print.ts";
import { functionOf, parameter } from "../support/ir.ts";

const x = parameter("x", "f32", "rows", 4);
const g = parameter("g", "f32", 4);

/** The lines between the braces. */
function lines(write: (b: Builder) => Readonly<Record<string, Value>>, params: readonly Value[] = [x, g]): string[] {
  return printFn(functionOf(params, write))
    .split("\n")
    .slice(1, -2)
    .map((line) => line.trim());
}

test("a function", () => {
  const fn = functionOf([x, g], (b) => {
    const h = b.emit("add", [x, g], {}, "h");
    return { y: b.emit("gelu", [b.emit("neg", [h])], {}, "y"), h };
  });
  expect(printFn(fn)).toBe(`fn f(x: f32[rows, 4], g: f32[4]) -> (y: f32[rows, 4], h: f32[rows, 4]) {
  let h = x + g
  let t0 = -h
  let y = gelu(t0)
  return y, h
}
`);
  expect(print(makeModule([fn, fn]))).toBe(`${printFn(fn)}\n${printFn(fn)}`);
});

test("attributes are written where they differ from their defaults", () => {
  expect(
    lines((b) => ({
      a: b.emit("gelu", [x], { approximate: "tanh" }, "a"),
      s: b.emit("sum", [x], { axes: [0], keepdims: true }, "s"),
      m: b.emit("mean", [x], { axes: [1], keepdims: false }, "m"),
      c: b.emit("cast", [x], { to: "f16" }, "c"),
      r: b.emit("reshape", [x], { shape: ["rows", 2, 2] }, "r"),
      e: b.emit("elu", [x], { alpha: 0.1 }, "e"),
    })),
  ).toEqual([
    'let a = gelu(x, approximate = "tanh")',
    "let s = sum(x, axes = [-2], keepdims = true)",
    "let m = mean(x, axes = [-1])",
    "let c = cast(x, to = f16)",
    "let r = reshape(x, shape = [rows, 2, 2])",
    "let e = elu(x, alpha = 0.1)",
    "return a, s, m, c, r, e",
  ]);
});

test("an operand after one that is left out is named", () => {
  const norm = (...operands: (Value | undefined)[]) =>
    lines((b) => ({ y: b.emit("layernorm", operands, { axes: [-1], eps: 1e-12 }, "y") }))[0];
  expect(norm(x, g, g)).toBe("let y = layernorm(x, g, g, axes = [-1], eps = 1e-12)");
  expect(norm(x, undefined, g)).toBe("let y = layernorm(x, beta = g, axes = [-1], eps = 1e-12)");
  expect(norm(x)).toBe("let y = layernorm(x, axes = [-1], eps = 1e-12)");
});

test("several results of an op", () => {
  expect(
    lines((b) => {
      const { results } = b.op("moments", [x], { axes: [-1] });
      return { mean: results[0] as Value, variance: results[1] as Value };
    })[0],
  ).toBe("let (t0, t1) = moments(x, axes = [-1])");
});

test("a constant is a literal where something else gives it its type, else a binding", () => {
  expect(
    lines((b) => {
      const half = b.constant("f32", 0.5);
      const scaled = b.emit("mul", [x, half], {}, "scaled");
      const both = b.emit("add", [half, b.constant("f32", 2)], {}, "both");
      return {
        y: b.emit("add", [scaled, both], {}, "y"),
        z: b.emit("where", [b.constant("bool", 1), x, half], {}, "z"),
      };
    }),
  ).toEqual([
    "let scaled = x * 0.5",
    "let t0: f32 = 0.5",
    "let t1: f32 = 2",
    "let both = t0 + t1",
    "let y = scaled + both",
    "let z = where(true, x, 0.5)",
    "return y, z",
  ]);
});

test("names are unique, and no word of the language", () => {
  expect(
    lines((b) => {
      const names = ["x", "let", "t0", undefined, "t0", "inf"];
      const values = names.map((name) => b.emit("exp", [x], {}, name));
      return Object.fromEntries(values.map((value, i) => [`y${i}`, value]));
    }).slice(0, -1),
  ).toEqual([
    "let x_1 = exp(x)",
    "let let_1 = exp(x)",
    "let t0 = exp(x)",
    "let t1 = exp(x)",
    "let t0_1 = exp(x)",
    "let inf_1 = exp(x)",
  ]);
});

test("a literal index reads as i32, and one of another type is bound", () => {
  const table = parameter("table", "f32", 8, 4);
  const look = (element: "i32" | "u32") =>
    printFn(functionOf([table], (b) => ({ y: b.emit("embedding", [b.constant(element, 3), table], {}, "y") })));
  expect(look("i32")).toContain("{\n  let y = embedding(3, table)\n");
  expect(look("u32")).toContain("{\n  let t0: u32 = 3\n  let y = embedding(t0, table)\n");
});

test("kernel groups are blocks", () => {
  const fn = functionOf([x], (b) => ({ y: b.emit("neg", [b.emit("exp", [x], {}, "a")], {}, "y") }));
  const [exp, neg] = fn.ops as [Op, Op];
  const first = copyOp(exp, { kernel: 0 });
  const second = (kernel: number | undefined) => copyOp(neg, { operands: [first.result], kernel });
  const printed = (op: Op) => printFn(makeFn({ ...fn, ops: [first, op], results: [{ name: "y", value: op.result }] }));
  expect(printed(second(0))).toContain("  kernel {\n    let a = exp(x)\n    let y = -a\n  }\n  return y\n");
  expect(printed(second(1))).toContain("  kernel {\n    let a = exp(x)\n  }\n  kernel {\n    let y = -a\n  }\n");
  expect(printed(second(undefined))).toContain("  kernel {\n    let a = exp(x)\n  }\n  let y = -a\n");
});

test.each([
  [0.1, "0.1"],
  [-0, "-0"],
  [1e21, "1e+21"],
  [5e-324, "5e-324"],
  [Infinity, "inf"],
  [-Infinity, "-inf"],
  [Number.NaN, "nan"],
  [3, "3"],
])("the number %d is written %s", (number, text) => {
  expect(printNumber(number)).toBe(text);
});
