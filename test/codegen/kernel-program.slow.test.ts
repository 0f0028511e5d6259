/** Kernels run lane by lane: they compute what float64 does, no two lanes race, and each barrier and shuffle is needed. */

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { interpret } from "../../src/ir/interpret.ts";
import { shuffle } from "../../src/kernel/expression.ts";
import type { Program } from "../../src/kernel/statement.ts";
import { portableTarget, type TargetProfile, targetByName } from "../../src/target/target.ts";
import { compileText } from "../support/compile.ts";
import { errorOf, inputsFor, tensorsOf } from "../support/oracle.ts";
import { countBarriers, runProgram, withoutBarrier, withStatements } from "../support/run-program.ts";
import { shapePrograms } from "../support/shape-programs.ts";

const examples = readdirSync("examples").filter((name) => name.endsWith(".tir"));
const small = { rows: 2, tokens: 2, batch: 1, heads: 1, queries: 2, hidden: 36, n: 2, columns: 20 };
const few = { ...portableTarget.limits, maxComputeInvocationsPerWorkgroup: 16 };

/** Lanes that merge by a tree, by shuffles, and by both. */
const targets: readonly TargetProfile[] = [
  { ...portableTarget, name: "a tree", limits: few },
  targetByName("lavapipe"),
  {
    ...targetByName("gpu-subgroup-32"),
    name: "subgroups and a tree",
    subgroup: { min: 8, max: 8 },
    schedules: [40, 64, 128, 768].map((columns) => {
      return { fn: "f", columns, choice: { lanes: 32, workgroup: 64, rowsPerLane: 1, width: 4, keep: 64 } };
    }),
  },
];

describe.each(targets)("$name", (target) => {
  test.each(examples)("examples/%s", (file) => {
    const text = readFileSync(`examples/${file}`, "utf8");
    const { kernel, program } = compileText(text, target);
    const dims = Object.fromEntries(
      kernel.manifest.dims.map(({ name }) => [name, small[name as keyof typeof small] ?? 2]),
    );
    expect(runProgram(kernel, program, dims, { most: 2 }).faults).toEqual([]);
  });

  test.each(Object.entries(shapePrograms))("%s", (_, text) => {
    const { kernel, program, fn } = compileText(text, target);
    const dims = Object.fromEntries(kernel.manifest.dims.map(({ name }) => [name, 3]));
    const inputs = inputsFor(fn, dims);
    const { outputs, faults } = runProgram(kernel, program, dims, { inputs });
    expect(faults).toEqual([]);
    for (const [name, wanted] of Object.entries(interpret(fn, tensorsOf(inputs)))) {
      const got = outputs[name] as NonNullable<(typeof outputs)[string]>;
      expect(errorOf(got, wanted), name).toBeLessThan(got.element === "f16" ? 1e-3 : 2e-6);
    }
  });
});

const text = `fn f(x: f32[n, 40]) -> (a: f32[n, 40], m: f32[n]) {
  let p = softmax(layernorm(x, axes = [-1]), axes = [-1])
  return p, max(p, axes = [-1])
}`;

describe.each([targets[0], targets[2]] as TargetProfile[])("broken on purpose, $name", (target) => {
  const { kernel, program } = compileText(text, target);
  const faults = (broken: Program) => runProgram(kernel, broken, { n: 2 }).faults;

  test("the whole kernel is sound", () => expect(faults(program)).toEqual([]));

  test.each(Array.from({ length: countBarriers(program) }, (_, i) => i))("without barrier %i lanes race", (index) => {
    expect(faults(withoutBarrier(program, index)).join()).toMatch(/race on lanes_/);
  });

  test("a barrier under a condition is not reached by all", () => {
    const broken = withStatements(program, (statement) =>
      statement.kind === "if"
        ? { ...statement, body: [...statement.body, { kind: "barrier", span: undefined }] }
        : statement,
    );
    expect(faults(broken).join()).toMatch(/barrier that not all lanes reach/);
  });
});

test("a shuffle under a condition is not reached by all", () => {
  const { kernel, program } = compileText(text, targets[1]);
  const broken = withStatements(program, (statement) => {
    if (statement.kind !== "store") return statement;
    return { ...statement, value: shuffle(statement.value, 1) };
  });
  const uneven = runProgram(kernel, broken, { n: 3 });
  expect(uneven.faults.join()).toMatch(/shuffle that not all lanes reach/);
});
