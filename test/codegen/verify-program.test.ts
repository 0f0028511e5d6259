/** The verifier accepts the compiler's programs, and finds what is wrong with programs that were damaged. */

import { expect, test } from "vitest";
import { count, type Expression, literal, read, shuffle } from "../../src/kernel/expression.ts";
import { type Program, type Statement, Statements } from "../../src/kernel/statement.ts";
import { f32, typeOf, u32 } from "../../src/kernel/types.ts";
import { verifyProgram } from "../../src/kernel/verify.ts";
import { targetByName } from "../../src/target/target.ts";
import { compileText } from "../support/compile.ts";
import { withStatements } from "../support/run-program.ts";

const text = "fn f(x: f32[n, 768]) -> f32[n, 768] { return layernorm(x, axes = [-1]) }";
const { program } = compileText(text);
const withShuffles = compileText(text, targetByName("gpu-subgroup-32")).program;

const faultsWith = (change: (statement: Statement) => Statement | undefined, of = program) =>
  verifyProgram(withStatements(of, change)).join("; ");
const isDefinition = (statement: Statement, name: string) =>
  statement.kind === "define" && statement.variable.name === name;

test("what the compiler makes is sound", () => {
  expect(verifyProgram(program)).toEqual([]);
  expect(verifyProgram(withShuffles)).toEqual([]);
});

test("a name that is used before it is defined", () => {
  expect(faultsWith((one) => (isDefinition(one, "row") ? undefined : one))).toContain("`row` is not defined here");
});

test("a name that is used outside of its block", () => {
  const moved = faultsWith((one) => {
    if (!isDefinition(one, "unit")) return one;
    return { kind: "scope", span: undefined, body: [one] };
  });
  expect(moved).toContain("`unit` is not defined here");
});

test("a name that is defined twice", () => {
  const twice = { ...program, body: program.body.flatMap((one) => [one, one]) };
  expect(verifyProgram(twice).join("; ")).toContain("`group` is defined twice");
});

test("a constant that is assigned to", () => {
  const frozen = faultsWith((one) => {
    if (one.kind !== "assign") return one;
    const variable = { ...one.target.variable, isMutable: false };
    return { ...one, target: { ...one.target, variable } as typeof one.target };
  });
  expect(frozen).toContain("is assigned to");
});

test("an expression of another type than follows from its operands", () => {
  const found = faultsWith((one) =>
    one.kind === "define" ? { ...one, value: { ...one.value, type: typeOf("i32") } as Expression } : one,
  );
  expect(found).toContain("does not follow from its operands");
});

test("what is stored in a buffer of another type", () => {
  const found = faultsWith((one) => (one.kind === "store" ? { ...one, value: literal(u32, 1) } : one));
  expect(found).toContain("is not of its type");
});

test("an index, a condition and bounds of a loop of other types", () => {
  const float = literal(f32, 1);
  const of = (kind: Statement["kind"], part: object) =>
    faultsWith((one) => (one.kind === kind ? ({ ...one, ...part } as Statement) : one));
  expect(of("store", { index: float })).toContain("an index of `out_out0` is not of its type");
  expect(of("if", { condition: float })).toContain("a condition is not of its type");
  expect(of("loop", { from: float })).toContain("the first value of `step` is not of its type");
  expect(of("loop", { progress: { by: 1, until: float } })).toContain("the bound of `step` is not of its type");
});

test("the builder takes none of them", () => {
  const to = new Statements();
  const [float, nothing] = [literal(f32, 1), () => undefined];
  const buffer = program.buffers.find(({ access }) => access === "read_write") as Program["buffers"][number];
  expect(() => to.store(buffer, float, literal(buffer.type, 1))).toThrow("an index is a u32");
  expect(() => to.when(float, nothing)).toThrow("a condition is a bool");
  expect(() => to.loop("i", float, count(1), 1, nothing)).toThrow("an index is a u32");
  expect(() => to.loop("i", count(0), float, 1, nothing)).toThrow("an index is a u32");
});

test("a store into what is read only", () => {
  const [input] = program.buffers as [Program["buffers"][number]];
  expect(faultsWith((one) => (one.kind === "store" ? { ...one, buffer: input } : one))).toContain("is read only");
});

test("a barrier under a condition, and in a loop that ends when its lane is done", () => {
  const barrier: Statement = { kind: "barrier", span: undefined };
  const inside = (kind: "if" | "loop") =>
    faultsWith((one) => (one.kind === kind ? { ...one, body: [...one.body, barrier] } : one));
  expect(inside("if")).toContain("a barrier that not all lanes reach");
  expect(
    faultsWith((one) => (one.kind === "loop" ? { ...one, from: laneOf(program), body: [barrier] } : one)),
  ).toContain("a barrier that not all lanes reach");
});

test("a shuffle under a condition", () => {
  const found = faultsWith(
    (one) => (one.kind === "store" ? { ...one, value: shuffle(one.value, 1) } : one),
    compileText("fn f(x: f32[n, 64]) -> f32[n] { return sum(x, axes = [-1]) }", targetByName("gpu-subgroup-32"))
      .program,
  );
  expect(found).toContain("a shuffle that not all lanes reach");
});

function laneOf(of: Program): Expression {
  let found: Expression | undefined;
  withStatements(of, (one) => {
    if (one.kind === "bind" && one.axis === "lane") found = read(one.variable);
    return one;
  });
  return found as Expression;
}
