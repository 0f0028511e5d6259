/** Ops that a plugin adds to the table: one of each kind, through the compiler and on the device. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { NormDef } from "../../src/ir/ops/def.ts";
import { callableNames, isOpName, ops } from "../../src/ir/ops/index.ts";
import { type OwnOp, registerOps } from "../../src/ir/ops/own.ts";
import { print } from "../../src/ir/print.ts";
import { binary, call, type Expression } from "../../src/kernel/expression.ts";
import { monoid } from "../../src/kernel/monoids.ts";
import * as language from "../../src/language/index.ts";
import { parse } from "../../src/parse/parse.ts";
import { compileText } from "../support/compile.ts";
import { refused, rejectionOf } from "../support/diagnostics.ts";
import { gpuTest } from "../support/gpu.ts";
import { compareKernel, inputsFor } from "../support/oracle.ts";

const rows: Readonly<Record<string, OwnOp>> = {
  own_softsign: {
    kind: "elementwise",
    summary: "`x / (1 + |x|)`.",
    operands: [{ name: "x" }],
    elements: ["f32", "f16"],
    cost: "low",
    result: "same",
    scalar: (x) => x / (1 + Math.abs(x)),
    kernel: ([x]) => binary("/", x as Expression, binary("+", call("abs", x as Expression), 1)),
  },
  own_product: {
    kind: "reduction",
    summary: "The product of a row.",
    operands: [{ name: "x" }],
    attributes: ops.sum.attributes,
    elements: ["f32"],
    reduction: monoid(
      "product",
      () => 1,
      (a, b) => binary("*", a, b),
    ),
    results: ["combined"],
    reduce: (row) => [row.reduce((product, x) => product * x, 1)],
  },
  own_l1norm: {
    ...(ops.l2norm as NormDef),
    kind: "norm",
    summary: "A row by the mean of its magnitudes.",
    normalize: (row, { eps }) => {
      const mean = row.reduce((sum, x) => sum + Math.abs(x), 0) / row.length;
      return row.map((x) => x / (mean + (eps as number)));
    },
    define(emit, x, axes, eps) {
      const size = emit.emit("mean", [emit.emit("abs", [x])], { axes: [...axes], keepdims: true });
      return emit.emit("div", [x, eps === undefined ? size : emit.emit("add", [size, eps])]);
    },
  },
};

const text = `fn f(x: f32[rows, 96]) -> (y: f32[rows, 96], p: f32[rows]) {
  let s = own_softsign(x)
  return own_l1norm(s, axes = [-1]), own_product(1 + s / 8, axes = [-1])
}
`;

describe("once they are registered", () => {
  let remove = () => {};
  beforeAll(() => {
    remove = registerOps(rows);
  });
  afterAll(() => remove());

  test("a program calls them, and is printed with them", () => {
    const printed = print(parse(text));
    for (const name of Object.keys(rows)) expect(printed).toContain(`${name}(`);
    expect(print(parse(printed))).toBe(printed);
  });

  test("the same rows again change nothing", () => {
    const before = callableNames.length;
    registerOps(rows);
    expect(callableNames).toHaveLength(before);
  });

  test("an editor completes them, and messages suggest them", () => {
    const at = text.indexOf("own_softsign") + 4;
    expect(language.completions(text, at).items.map(({ label }) => label)).toContain("own_softsign");
    expect(language.hover(text, at)?.prose).toContain("`x / (1 + |x|)`.");
    expect(refused(text.replace("own_softsign", "own_softsine")).flatMap(({ help }) => help)).toEqual([
      "did you mean `own_softsign`?",
    ]);
  });

  gpuTest("the device computes what the rows say in float64", async ({ gpu }) => {
    const { fn, kernel } = compileText(text, gpu.target);
    const { errors } = await compareKernel(gpu.device, kernel, fn, inputsFor(fn, { rows: 5 }));
    for (const [name, error] of Object.entries(errors)) expect(error, name).toBeLessThan(1e-5);
  });
});

test("once they are taken out, nothing knows them", () => {
  registerOps(rows)();
  expect(Object.keys(rows).filter(isOpName)).toEqual([]);
  expect(refused(text).map(({ code }) => code)).toContain("E0202");
});

test("of several wrong rows all that is wrong is said, and none is added", async () => {
  const wrong = async () =>
    registerOps({ ...rows, own_a: { ...rows.own_softsign, cost: "free" } as never, exp: rows.own_softsign as OwnOp });
  expect(await rejectionOf(wrong())).toEqual([
    expect.stringContaining('E0761: `ops.own_a.cost` of the plugin `ops` must be "low" or "high", but is "free"'),
    expect.stringContaining("E0762: the plugin `ops` adds the op `exp`"),
  ]);
  expect(isOpName("own_softsign")).toBe(false);
});
