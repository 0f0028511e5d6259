import { describe, expect, test } from "vitest";
import { copyOp, rewriteFn, withOperands } from "../../src/ir/builder.ts";
import { constantValue, definedBy, dimensionNames, type Op, usesOf } from "../../src/ir/ir.ts";
import { printFn } from "../../src/ir/print.ts";
import { verifyFn } from "../../src/ir/verify.ts";
import { diagnosticsOf } from "../support/diagnostics.ts";
import { functionOf, nowhere, parameter } from "../support/ir.ts";

const x = parameter("x", "f32", "rows", 4);
const fn = functionOf([x], (b) => {
  const h = b.emit("exp", [x], {}, "h");
  const double = b.emit("add", [h, h], {}, "double");
  return { y: b.emit("neg", [double], {}, "minus"), h };
});
const body = (text: string) =>
  text
    .split("\n")
    .slice(1, -2)
    .map((line) => line.trim());

describe("rewriteFn", () => {
  test("returns the same function when no rule fires", () => {
    expect(rewriteFn(fn, () => undefined)).toBe(fn);
    // Ops that a rule made before it gave up are not kept.
    const idle = rewriteFn(fn, (_, b) => {
      b.emit("sqrt", [x]);
      return undefined;
    });
    expect(idle).toBe(fn);
  });

  test("gives the new op the old name, and rewrites the users", () => {
    const rewritten = rewriteFn(fn, (op, b) => {
      return op.name === "add" ? b.emit("mul", [op.operand(0), b.constant("f32", 2)]) : undefined;
    });
    expect(body(printFn(rewritten))).toEqual([
      "let h = exp(x)",
      "let double = h * 2",
      "let minus = -double",
      "return minus, h",
    ]);
    expect(verifyFn(rewritten)).toEqual([]);
    // The input is as it was.
    expect(body(printFn(fn))[1]).toBe("let double = h + h");
  });

  test("a rule sees operands already rewritten, and may put an existing value in an op's place", () => {
    const seen: string[] = [];
    const rewritten = rewriteFn(fn, (op) => {
      seen.push(op.operands.map((operand) => operand?.name).join(" "));
      return op.name === "exp" ? x : undefined;
    });
    expect(seen).toEqual(["x", "x x", "double"]);
    expect(body(printFn(rewritten)).at(-1)).toBe("return minus, x");
  });

  test("each result of an op may be replaced", () => {
    const split = functionOf([x], (b) => {
      const { results } = b.op("moments", [x], { axes: [-1] });
      return { mean: results[0] as Op["result"], variance: results[1] as Op["result"] };
    });
    const rewritten = rewriteFn(split, (op, b) => {
      return ["mean", "var"].map((name) => b.emit(name as "mean", [op.operand(0)], { axes: [-1] }));
    });
    expect(rewritten.ops.map(({ name }) => name)).toEqual(["mean", "var"]);
    expect(rewritten.results.map(({ value }) => value.def?.name)).toEqual(["mean", "var"]);
  });

  test("new ops stand where the old one stood, in its kernel group", () => {
    const [exp] = fn.ops as [Op];
    const at = { ...nowhere, start: 7, end: 9 };
    const placed = { ...fn, ops: fn.ops.map((op) => (op === exp ? copyOp(op, { kernel: 3 }) : op)) };
    const first = placed.ops[0] as Op;
    const connected = functionOf([x], (b) => {
      b.add(first);
      b.standAt({ ...first, span: at, kernel: 3 } as Op);
      return { y: b.emit("neg", [first.result]) };
    });
    const rewritten = rewriteFn(connected, (op, b) => (op.name === "neg" ? b.emit("abs", [op.operand(0)]) : undefined));
    expect(rewritten.ops[1]?.kernel).toBe(3);
    expect(rewritten.ops[1]?.span).toBe(at);
  });

  test("what becomes ill-typed is refused", () => {
    const found = diagnosticsOf(() => rewriteFn(fn, (op) => (op.name === "exp" ? parameter("z", "bool") : undefined)));
    expect(found[0]).toMatch(/^E0204: `add` does not take bool/);
  });
});

test("everything is frozen", () => {
  const [exp] = fn.ops as [Op];
  for (const part of [fn, fn.ops, fn.params, fn.results, exp, exp.operands, exp.attributes, exp.results, exp.result]) {
    expect(Object.isFrozen(part)).toBe(true);
  }
});

test("withOperands is the same op when nothing changes, else one of the new types", () => {
  const [exp] = fn.ops as [Op];
  expect(withOperands(exp, [x])).toBe(exp);
  const wider = withOperands(exp, [parameter("z", "f16", 2)]);
  expect(wider.result.type).toEqual({ element: "f16", shape: [2] });
  expect(wider.result.name).toBe("h");
});

test("uses, definitions, constants and dimensions", () => {
  const [exp, add] = fn.ops as [Op, Op];
  const uses = usesOf(fn);
  expect(uses(exp.result).ops).toEqual([add, add]);
  expect(uses(exp.result).returned).toBe(true);
  expect(uses(add.result).returned).toBe(false);
  expect(uses(parameter("other", "f32"))).toEqual({ ops: [], returned: false });
  expect(definedBy(exp.result, "log", "exp")).toBe(exp);
  expect(definedBy(exp.result, "log")).toBeUndefined();
  expect(definedBy(x, "exp")).toBeUndefined();
  expect(constantValue(exp.result)).toBeUndefined();
  expect(dimensionNames({ ...fn, params: [x, parameter("z", "f32", 3, "n", "rows")] })).toEqual(["rows", "n"]);
});

test("ops share the types of their operands, and equal attributes, so that long programs fit", () => {
  const { ops } = functionOf([x], (b) => {
    const axes = [-1];
    const h = b.emit("rmsnorm", [b.emit("exp", [x])], { axes });
    axes[0] = -2;
    const wider = b.emit("rmsnorm", [h], { axes, eps: 1 });
    return { y: b.emit("add", [b.emit("rmsnorm", [wider], { eps: 1, axes: [0] }), x]) };
  });
  const [, first, second, third] = ops as [Op, Op, Op, Op];
  for (const op of ops) expect(op.result.type).toBe(x.type);
  expect(third.attributes).toBe(second.attributes);
  expect([first.attributes.axes, second.attributes.axes]).toEqual([[-1], [-2]]);
  expect(Object.isFrozen(second.attributes.axes)).toBe(true);
});
