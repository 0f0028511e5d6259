/** Gradients in exact arithmetic: <d_y, J v> = <J' d_y, v>, with J v by dual numbers, which know no rule of the op table. */

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { gradient } from "../../src/driver/gradient.ts";
import { dimensionNames, makeModule } from "../../src/ir/ir.ts";
import { type OpName, ops } from "../../src/ir/ops/index.ts";
import { parse } from "../../src/parse/parse.ts";
import { isTransposed } from "../support/check-gradient.ts";
import { opPrograms } from "../support/op-programs.ts";
import { randomGradients } from "../support/random-gradients.ts";
import { wrongRules } from "../support/wrong-rules.ts";

const dims = { rows: 3, batch: 2, d: 4 };

const programs = (Object.keys(opPrograms) as (keyof typeof opPrograms)[]).flatMap((name) =>
  opPrograms[name].map((text) => ({ name, text, line: text.split("\n").slice(1, -2).join(";").trim() })),
);
const without = ["sign", "pow2_scale", "floor", "ceil", "round", "trunc", "extern"];
const differentiable = programs.filter(({ name }) => !without.includes(name));

test.each(differentiable)("$name: $line", ({ text }) => {
  expect(isTransposed(parse(text), dims, 7)).toBe(true);
});

test("the other ops are without a derivative, and say why", () => {
  const none = (Object.keys(opPrograms) as OpName[]).filter((name) => "none" in ops[name].vjp);
  expect(none).toEqual(without);
  for (const { text } of programs.filter(({ name }) => without.includes(name))) {
    expect(() => gradient(parse(text))).toThrow("E0803");
  }
});

/** Ops whose second derivative takes a law that the field lacks: of equals, of roots, of logarithms. */
test.each(differentiable)("twice: $name: $line", ({ text }) => {
  const { functions, module } = gradient(parse(text));
  const [first] = functions;
  const of = makeModule([first?.backward as never], module.consts);
  // A constant gradient has no second derivative, which E0805 reports.
  try {
    expect(isTransposed(of, dims, 11)).not.toBe(false);
  } catch (caught) {
    expect(String(caught)).toMatch(/E0805/);
  }
});

const examples = ["examples", "examples/models", "examples/training"].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".tir"))
    .map((name) => `${folder}/${name}`),
);
/** Its parameters are row numbers, and its weights constants. */
const ofIntegers = "examples/models/pre-norm.tir";

test.each(examples.filter((name) => name !== ofIntegers))("%s", (name) => {
  const module = parse(readFileSync(name, "utf8"), { file: name });
  const names = new Set(module.fns.flatMap(dimensionNames));
  const extents = Object.fromEntries([...names].map((dim, i) => [dim, 2 + (i % 3)]));
  expect(isTransposed(module, extents, 5)).toBe(true);
});

test("random programs with every op", () => {
  const { verdicts, seen } = randomGradients(0, 60);
  expect(verdicts.different).toEqual([]);
  expect(verdicts.same).toBeGreaterThan(30);
  expect(verdicts.undecided).toBeLessThan(5);
  expect(seen.size).toBeGreaterThan(60);
});

describe("wrong rules are found", () => {
  test.each(wrongRules)("$op: $what", ({ op, vjp }) => {
    const table = ops as Record<OpName, { vjp: unknown }>;
    const right = table[op];
    table[op] = { ...right, vjp };
    try {
      const found = opPrograms[op as keyof typeof opPrograms].map((text) => {
        try {
          return isTransposed(parse(text), dims, 7);
        } catch {
          return false;
        }
      });
      expect(found).toContain(false);
    } finally {
      table[op] = right;
    }
  });
});
