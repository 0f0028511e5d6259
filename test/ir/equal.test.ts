import { describe, expect, test } from "vitest";
import type { Builder } from "../../src/ir/builder.ts";
import { copyOp } from "../../src/ir/builder.ts";
import { sameAttributes, sameFn, sameModule } from "../../src/ir/equal.ts";
import { type Attributes, makeFn, makeModule, Op, type Value } from "../../src/ir/ir.ts";
import { functionOf, parameter } from "../support/ir.ts";

function program(write: (b: Builder, x: Value, g: Value) => Value, extent: number | string = "rows") {
  const [x, g] = [parameter("x", "f32", extent, 4), parameter("g", "f32", 4)];
  return functionOf([x, g], (b) => ({ y: write(b, x, g) }));
}

const base = program((b, x, g) => b.emit("mul", [x, g], {}, "scaled"));

test("attributes are the same in whatever order they stand", () => {
  const x = parameter("x", "f32", "rows", 4);
  const sum = (attributes: Attributes) =>
    new Op({ name: "sum", operands: [x], attributes, resultTypes: [x.type], resultNames: [], span: x.span });
  const given = sum({ axes: [-1], keepdims: true });
  expect(sameAttributes(given, sum({ keepdims: true, axes: [-1] }))).toBe(true);
  expect(sameAttributes(given, sum({ axes: [-1], keepdims: false }))).toBe(false);
  expect(sameAttributes(given, sum({ axes: [0], keepdims: true }))).toBe(false);
});

describe("equal are functions that differ", () => {
  test("in the names of values", () => {
    expect(
      sameFn(
        base,
        program((b, x, g) => b.emit("mul", [x, g], {}, "other")),
      ),
    ).toBe(true);
  });
  test("in where a constant stands", () => {
    const early = program((b, x, g) => {
      const two = b.constant("f32", 2);
      return b.emit("mul", [b.emit("mul", [x, g]), two]);
    });
    const late = program((b, x, g) => {
      const scaled = b.emit("mul", [x, g]);
      return b.emit("mul", [scaled, b.constant("f32", 2)]);
    });
    expect(sameFn(early, late)).toBe(true);
  });
});

const norm = (attributes: object) => program((b, x, g) => b.emit("layernorm", [x, g], { axes: [-1], ...attributes }));
const oneMore = program((b, x, g) => {
  b.emit("exp", [x]);
  return b.emit("mul", [x, g]);
});
const times = (number: number) => program((b, x) => b.emit("mul", [x, b.constant("f32", number)]));

test.each([
  ["another op", base, program((b, x, g) => b.emit("add", [x, g]))],
  ["operands in another order", base, program((b, x, g) => b.emit("mul", [g, x]))],
  ["another operand", base, program((b, x) => b.emit("mul", [x, x]))],
  ["another extent", base, program((b, x, g) => b.emit("mul", [x, g]), 2)],
  ["another name of a dimension", base, program((b, x, g) => b.emit("mul", [x, g]), "n")],
  ["another attribute", norm({ eps: 1e-5 }), norm({ eps: 1e-6 })],
  ["another constant", times(2), times(3)],
  ["0 and -0", times(0), times(-0)],
  ["an op more", base, oneMore],
  ["an optional operand", norm({}), program((b, x) => b.emit("layernorm", [x], { axes: [-1] }))],
  [
    "gamma for beta",
    program((b, x, g) => b.emit("layernorm", [x, g, undefined], { axes: [-1] })),
    program((b, x, g) => b.emit("layernorm", [x, undefined, g], { axes: [-1] })),
  ],
  ["another function name", base, makeFn({ ...base, name: "g" })],
  ["another result name", base, makeFn({ ...base, results: base.results.map((r) => ({ ...r, name: "z" })) })],
  ["another result", base, makeFn({ ...base, results: [{ name: "y", value: base.params[0] as Value }] })],
])("not equal: %s", (_, a, b) => {
  expect(sameFn(a, a)).toBe(true);
  expect(sameFn(b, b)).toBe(true);
  expect(sameFn(a, b)).toBe(false);
  expect(sameFn(b, a)).toBe(false);
});

test("not equal: a kernel group", () => {
  const [op] = base.ops;
  const grouped = copyOp(op as NonNullable<typeof op>, { kernel: 0 });
  expect(sameFn(base, makeFn({ ...base, ops: [grouped], results: [{ name: "y", value: grouped.result }] }))).toBe(
    false,
  );
});

test("NaN equals NaN", () => {
  expect(sameFn(times(Number.NaN), times(Number.NaN))).toBe(true);
});

test("modules: functions in their order", () => {
  const [a, b] = [base, times(2)];
  expect(sameModule(makeModule([a, b]), makeModule([a, b]))).toBe(true);
  expect(sameModule(makeModule([a, b]), makeModule([b, a]))).toBe(false);
  expect(sameModule(makeModule([a]), makeModule([a, b]))).toBe(false);
});
