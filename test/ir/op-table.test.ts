/** A new op is a row of the op table: an incomplete row does not compile, and a complete one runs. */

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { importsOf } from "../../scripts/imports.mjs";
import { interpret } from "../../src/ir/interpret.ts";
import { type Fn, isOp } from "../../src/ir/ir.ts";
import type { AttributeDef } from "../../src/ir/ops/attributes.ts";
import {
  type ElementwiseDef,
  floats,
  type NormDef,
  type OpDef,
  type ReductionDef,
  type ShapeDef,
} from "../../src/ir/ops/def.ts";
import { unary } from "../../src/ir/ops/elementwise.ts";
import { isOpName, type OpName, opNames, ops } from "../../src/ir/ops/index.ts";
import { type OwnOp, registerOps } from "../../src/ir/ops/own.ts";
import { add, binary, call, divide, literal, multiply } from "../../src/kernel/expression.ts";
import { monoid } from "../../src/kernel/monoids.ts";
import { type ReductionParts, reductionOf } from "../../src/kernel/reduction.ts";
import { f32 } from "../../src/kernel/types.ts";
import { parse } from "../../src/parse/parse.ts";
import { allTargets, compileText, targetsFor } from "../support/compile.ts";
import { gpuTest } from "../support/gpu.ts";
import { opPrograms } from "../support/op-programs.ts";
import { compareKernel, errorOf, inputsFor, tensorsOf } from "../support/oracle.ts";
import { rangeOf, rangeOfRow } from "../support/range-reduction.ts";
import { runProgram } from "../support/run-program.ts";
import { hasTint, validateWgsl } from "../support/tint.ts";

const { summary, operands, attributes, facts, reduction } = ops.max as ReductionDef;
const vjp = { none: "nobody asked for it" };
const row = { kind: "reduction", summary, operands, attributes, facts, vjp } as const;
const reduce = (elements: Float64Array) => [elements.reduce((a, b) => a | b, 0)];

const exact: ReductionDef["exact"] = (field, rows) => [rows].map((one) => field.apply("bitor", [one]));
const both = () => ({ lane: literal(f32, 0) });

describe("what `npm run typecheck` refuses", () => {
  test("a reduction that does not say what kernels accumulate", () => {
    // @ts-expect-error: `reduction` is missing.
    const def: ReductionDef = { ...row, elements: floats, results: ["combined"], reduce, exact };
    expect(def.reduction).toBeUndefined();
  });

  test("a reduction by a name", () => {
    // @ts-expect-error: a name is no state, and has no merge.
    const def: ReductionDef = { ...row, reduction: "bitor", elements: floats, results: ["combined"], reduce, exact };
    expect(def.reduction).toBe("bitor");
  });

  test("states that have no first value", () => {
    // @ts-expect-error: `identity` is missing.
    const parts: ReductionParts<"lane"> = { name: "any", state: ["lane"], step: both, merge: both };
    expect(parts.identity).toBeUndefined();
  });

  test("a reduction of truth values, which subgroups do not exchange", () => {
    // @ts-expect-error: `bool` is no element type of a reduction.
    const def: ReductionDef = { ...row, reduction, elements: ["bool"], results: ["combined"], reduce, exact };
    expect(def.elements).toEqual(["bool"]);
  });
});

test.each(["cost", "scalar", "kernel", "numerics", "exact", "vjp"] as const)(
  "what `npm run typecheck` refuses: an elementwise op without `%s`",
  (column) => {
    const { [column]: left, ...rest } = ops.add as ElementwiseDef;
    // @ts-expect-error: a column is missing.
    const def: ElementwiseDef = rest;
    expect([left === undefined, def[column]]).toEqual([false, undefined]);
  },
);

test("what `npm run typecheck` refuses: a row that reads an attribute that it does not have", () => {
  const columns = {
    summary: "`scale * x`.",
    attributes: { scale: { type: "number", summary: "The factor." } },
    cost: "low",
    numerics: (ops.mul as ElementwiseDef).numerics,
    exact: (field, [x], { attributes }) => field.mul(field.number(attributes.scale), x),
    vjp,
  } as const satisfies Partial<ElementwiseDef<{ readonly scale: AttributeDef & { readonly type: "number" } }>>;
  const def = unary({
    ...columns,
    scalar: (x, _b, _c, { attributes }) => attributes.scale * x,
    kernel: ([x], at) => multiply(at.literal(at.attributes.scale), x),
  });
  unary({
    ...columns,
    // @ts-expect-error: no attribute is called so.
    scalar: (x, _b, _c, { attributes }) => attributes.factor * x,
    kernel: ([x]) => x,
  });
  expect(def.scalar(3, 0, 0, { element: "f32", attributes: { scale: 2 } })).toBe(6);
});

test("what `npm run typecheck` refuses: an attribute of an op as another type than its row declares", () => {
  const [op] = (parse("fn f(x: f32[2]) -> f32[2] { return gelu(x) }").fns[0] as Fn).ops;
  if (!isOp(op, "gelu")) throw new Error("it is no gelu");
  const form: "none" | "tanh" = op.attributes.approximate;
  // @ts-expect-error: it is a text.
  const number: number = op.attributes.approximate;
  expect([form, number]).toEqual(["none", "none"]);
});

test("what `npm run typecheck` refuses: a shape op that does not say how it moves elements", () => {
  const { move, ...rest } = ops.transpose as ShapeDef;
  // @ts-expect-error: `move` is missing.
  const def: ShapeDef = rest;
  expect([move, def.move]).toEqual(["permute", undefined]);
});

test("what `npm run typecheck` refuses: a norm that is defined by an op of no such name", () => {
  // @ts-expect-error: no op has this name.
  const define: NormDef["define"] = (emit, x) => emit.emit("adds", [x, x]);
  expect(define).toBeTypeOf("function");
});

/** What the files of families export, by file. */
const families = readdirSync("src/ir/ops")
  .map((name) => [name, readFileSync(`src/ir/ops/${name}`, "utf8")] as const)
  .filter(([name]) =>
    new RegExp(`import \\* as \\w+ from "./${name}"`).test(readFileSync("src/ir/ops/index.ts", "utf8")),
  )
  .map(([name, text]) => [name, [...text.matchAll(/^export (?:const (\w+)|\{ \w+ as (\w+) \};)/gm)]] as const)
  .map(([name, found]) => [name, found.map(([, one, other]) => one ?? other)] as const);

test("an op is one row: a constant of its name, in one file", () => {
  const exported = families.flatMap(([, names]) => names);
  expect([...exported].sort()).toEqual([...opNames].sort());
});

test("a row of the table is one that a plugin may have: by another name it is the same kernel", () => {
  for (const name of ["gelu", "cast", "argmax", "layernorm", "transpose"] as const) {
    const row = ops[name] as OwnOp;
    const program = (opPrograms[name][0] as string).replaceAll(`${name}(`, "renamed(");
    const remove = registerOps({ renamed: row });
    const { kernel } = compileText(program);
    remove();
    const { kernel: own } = compileText(opPrograms[name][0] as string);
    expect(kernel.wgsl.replaceAll("renamed", name), name).toBe(own.wgsl);
  }
});

test("the IR knows ops by their names alone: it imports nothing of the table, not even a type", () => {
  const targets = importsOf("src/ir/ir.ts").map(({ target }) => target);
  expect(targets).toContain("src/ir/types.ts");
  expect(targets.filter((target) => target?.startsWith("src/ir/ops/"))).toEqual([]);
});

/** Rewrites in the core that are about ops, and the names that they match. */
const rewrites: Readonly<Record<string, readonly string[]>> = {
  // sum(r x y) = r sum(x y), for a value r with one element per row.
  "codegen/factor-sums.ts": ["div", "mean", "mul", "sum", "var"],
  // x - mean(x), and sum((x - mean(x)) y).
  "codegen/graph-builder.ts": ["mul", "sub"],
  // mean((x - mean(x))^2) is a variance, and var(x) is written so for the reduction `two-fold`. Of norms over long columns,
  // only softmax is split.
  "codegen/lower-norms.ts": ["log_softmax", "mean", "mul", "softmax", "std", "sub", "var"],
  // sum(exp(x - max(x))).
  "codegen/nodes.ts": ["sub", "sum", "exp", "max"],
  // A cast rounds by itself.
  "codegen/round-strictly.ts": ["cast"],
  // Casts that the plan inserts and reverses do not round.
  "src/plan/exact.ts": ["cast"],
  // x - mean(x) and var(x) of long rows, shifted; halves are cast.
  "src/plan/rows-in-parts.ts": ["cast", "mean", "moments", "std", "sub", "var"],
  // sum(exp(x - max(x))), whose parts need not wait for the maximum.
  "src/plan/states.ts": ["exp", "max", "sub", "sum"],
};

test("the core asks the op table, and knows no op by its name", () => {
  const ofOneRow: readonly OpName[] = ["constant", "global", "extern"];
  const files = ["codegen", "src/ir", "src/ir/field", "src/plan"].flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith(".ts"))
      .map((name) => `${folder}/${name}`),
  );
  const found = files.flatMap((file) => {
    const text = readFileSync(file, "utf8");
    const names = [...text.matchAll(/name [!=]== "(\w+)"|definedBy\([^;\n]*?((?:, "\w+")+)\)|\bop [!=]== "(\w+)"/g)]
      .flatMap(([match]) => [...match.matchAll(/"(\w+)"/g)].map(([, name]) => name as string))
      .filter((name) => isOpName(name) && !ofOneRow.includes(name));
    return names.length === 0 ? [] : [[file, [...new Set(names)].sort()] as const];
  });
  const wanted = Object.entries(rewrites).map(([file, names]) => [file, [...names].sort()]);
  expect(found).toEqual(wanted);
});

/** Reductions that are not in the table: monoids, states of two fields, and a state that is no element. */
const newReductions = [
  {
    name: "the bits that any element has",
    element: "u32",
    reduction: monoid(
      "bitor",
      () => 0,
      (a, b) => binary("|", a, b),
    ),
    reduce: (elements: Float64Array) => [elements.reduce((a, b) => (a | b) >>> 0, 0)],
  },
  {
    name: "how far apart the elements are",
    element: "f32",
    reduction: rangeOf("low", "high"),
    reduce: rangeOfRow,
  },
  {
    name: "the largest size of an element",
    element: "f32",
    // One field, and not a monoid: adding an element differs from merging a state.
    reduction: reductionOf({
      name: "absmax",
      state: ["most"],
      identity: { most: () => 0 },
      step: ({ most }, x) => ({ most: call("max", most, call("abs", x)) }),
      merge: (a, b) => ({ most: call("max", a.most, b.most) }),
      commutes: true,
    }),
    reduce: (elements: Float64Array) => [elements.reduce((a, b) => Math.max(a, Math.abs(b)), 0)],
  },
  {
    name: "the product of the second moment and the fourth",
    element: "f32",
    // Three fields, with steps that round.
    reduction: reductionOf({
      name: "evenMoments",
      state: ["count", "squares", "fourths"],
      identity: { count: () => 0, squares: () => 0, fourths: () => 0 },
      step: ({ count, squares, fourths }, x) => {
        const square = multiply(x, x);
        return { count: add(count, 1), squares: add(squares, square), fourths: add(fourths, multiply(square, square)) };
      },
      merge: (a, b) => ({
        count: add(a.count, b.count),
        squares: add(a.squares, b.squares),
        fourths: add(a.fourths, b.fourths),
      }),
      rounds: () => true,
      commutes: true,
      result: ({ count, squares, fourths }) => multiply(divide(squares, count), divide(fourths, count)),
    }),
    reduce: (elements: Float64Array) => {
      const moment = (power: number) => elements.reduce((sum, x) => sum + x ** power, 0) / elements.length;
      return [moment(2) * moment(4)];
    },
  },
] as const;

interface NewReduction extends Pick<ReductionDef, "reduction" | "reduce"> {
  readonly element: ReductionDef["elements"][number];
}

/** With the rows in the table, as if they were written there. */
async function withRows(rows: Readonly<Record<string, NewReduction>>, run: () => Promise<void>): Promise<void> {
  const opTable = ops as Record<string, OpDef>;
  for (const [name, { reduction, element, reduce }] of Object.entries(rows)) {
    opTable[name] = { ...row, reduction, elements: [element], results: ["combined"], reduce, exact };
  }
  try {
    await run();
  } finally {
    for (const name of Object.keys(rows)) delete opTable[name];
  }
}

describe.each(newReductions)("a reduction by $name", ({ name, element, reduction, reduce }) => {
  // Kernels are cached by their text; the comment distinguishes the ops, which share a name.
  const text = (columns: number | string) =>
    `// ${name}
fn f(x: ${element}[rows, ${columns}]) -> (all: ${element}[rows], rest: ${element}[rows, ${columns}]) {
  let all = anew(x, axes = [-1], keepdims = true)
  return reshape(all, shape = [rows]), all - x
}`;
  const lengths = [1, 5, 257, 300, "n"];

  const withRow = (run: () => Promise<void>) => withRows({ anew: { reduction, element, reduce } }, run);

  test("is what its row says, lane by lane, for every target", () =>
    withRow(async () => {
      for (const columns of lengths) {
        for (const target of allTargets) {
          const { fn, kernel, program } = compileText(text(columns), target);
          const dims = { rows: 3, n: 77 };
          const inputs = inputsFor(fn, dims);
          const { outputs, faults } = runProgram(kernel, program, dims, { inputs });
          expect(faults, `${columns} columns, ${target.name}`).toEqual([]);
          for (const [name, wanted] of Object.entries(interpret(fn, tensorsOf(inputs)))) {
            const error = errorOf(outputs[name] as NonNullable<(typeof outputs)[string]>, wanted);
            expect(error, `${name}, ${columns} columns, ${target.name}`).toBeLessThan(1e-6);
          }
        }
      }
    }));

  test.runIf(hasTint)("compiles to valid WGSL for every target", () =>
    withRow(async () => {
      for (const columns of lengths) {
        for (const target of allTargets) {
          const { kernel } = compileText(text(columns), target);
          expect(await validateWgsl(kernel.wgsl), target.name).toEqual([]);
        }
      }
    }),
  );

  gpuTest("computes on the device what its row computes", ({ gpu }) =>
    withRow(async () => {
      for (const columns of lengths) {
        for (const target of targetsFor(gpu.target)) {
          const { fn, kernel } = compileText(text(columns), target);
          for (const rows of [1, 3, 1000]) {
            const { errors } = await compareKernel(gpu.device, kernel, fn, inputsFor(fn, { rows, n: 77 }));
            for (const error of Object.values(errors)) expect(error, `${rows} x ${columns}`).toBeLessThan(1e-6);
          }
        }
      }
    }),
  );
});

const neighbours = [
  {
    beside: "a built-in one of its name",
    rows: {
      anew: {
        reduction: monoid(
          "sum",
          () => 1,
          (a, b) => binary("*", a, b),
        ),
        element: "f32",
        reduce: (elements: Float64Array) => [elements.reduce((a, b) => a * b, 1)],
      },
    },
    other: "sum",
  },
  {
    beside: "one whose fields have other names",
    rows: {
      anew: { reduction: rangeOf("low", "high"), element: "f32", reduce: rangeOfRow },
      another: { reduction: rangeOf("least", "greatest"), element: "f32", reduce: rangeOfRow },
    },
    other: "another",
  },
] as const;

test.each(neighbours)("a reduction beside $beside is what its row says, and has room", ({ rows, other }) =>
  withRows(rows, async () => {
    for (const usual of allTargets) {
      const target = { ...usual, limits: { ...usual.limits, maxComputeWorkgroupStorageSize: 256 } };
      const text = `fn f(x: f32[rows, 300]) -> (a: f32[rows], b: f32[rows]) {
  return anew(x, axes = [-1]), ${other}(x, axes = [-1])
}`;
      const { fn, kernel, program } = compileText(text, target);
      const bytes = program.shared.reduce((sum, { type, length = 1 }) => sum + type.width * 4 * length, 0);
      expect(bytes, target.name).toBeLessThanOrEqual(256);
      const inputs = inputsFor(fn, { rows: 3 });
      const { outputs, faults } = runProgram(kernel, program, { rows: 3 }, { inputs });
      expect(faults, target.name).toEqual([]);
      for (const [name, wanted] of Object.entries(interpret(fn, tensorsOf(inputs)))) {
        const error = errorOf(outputs[name] as NonNullable<(typeof outputs)[string]>, wanted);
        expect(error, `${name}, ${target.name}`).toBeLessThan(1e-5);
      }
    }
  }),
);
