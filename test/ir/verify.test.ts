import { expect, test } from "vitest";
import { copyOp, makeOp } from "../../src/ir/builder.ts";
import { type Fn, makeFn, Op, type Value } from "../../src/ir/ir.ts";
import { verifyFn, verifySignature } from "../../src/ir/verify.ts";
import { functionOf, nowhere, parameter } from "../support/ir.ts";

const x = parameter("x", "f32", "rows", 4);
const sound = functionOf([x], (b) => {
  const h = b.emit("exp", [x], {}, "h");
  return { y: b.emit("sum", [h], { axes: [-1] }, "total"), h };
});
const [exp, sum] = sound.ops as [Op, Op];

const problems = (fn: Partial<Fn>) =>
  verifyFn(makeFn({ ...sound, ...fn })).map(({ code, message }) => `${code}: ${message}`);

/** `op` as a careless pass might make it. */
function forged(op: Op, changes: Partial<ConstructorParameters<typeof Op>[0]>): Op {
  const { name, operands, attributes, span, kernel, results } = op;
  const resultTypes = results.map(({ type }) => type);
  const resultNames = results.map((result) => result.name);
  return new Op({ name, operands, attributes, span, kernel, resultTypes, resultNames, ...changes });
}

/** The function with its last op exchanged. */
function ending(op: Op): Partial<Fn> {
  return { ops: [exp, op], results: [{ name: "y", value: op.results[0] as Value }] };
}

test("a sound function has no problem", () => {
  expect(problems({})).toEqual([]);
});

test("E0401: a use before the definition, and of another function's value", () => {
  expect(problems({ ops: [sum, exp] })).toEqual([
    "E0401: `sum` reads `h` before it is defined, or from another function",
  ]);
  expect(problems({ params: [] })).toEqual(["E0401: `exp` reads `x` before it is defined, or from another function"]);
});

test("E0402: a result from nowhere", () => {
  expect(problems({ ops: [exp] })).toEqual(["E0402: the result `y` is a value that the function does not define"]);
});

test("E0403: an op twice", () => {
  expect(problems({ ops: [exp, exp, sum] })).toEqual(["E0403: `h` is defined twice"]);
});

test("E0404: a result type that does not follow", () => {
  const wrong = forged(sum, { resultTypes: [{ element: "f32", shape: ["rows", 1] }] });
  expect(problems(ending(wrong))).toEqual([
    "E0404: the result of `sum` is f32[rows, 1], but its operands imply f32[rows]",
  ]);
});

test("E0405: attributes that the table would have written otherwise", () => {
  const positive = forged(sum, { attributes: { axes: [1], keepdims: false } });
  expect(problems(ending(positive))).toEqual(["E0405: the attributes of `sum` are not in the form of the op table"]);
  const short = forged(sum, { attributes: { axes: [-1] } });
  expect(problems(ending(short))).toEqual(["E0405: the attributes of `sum` are not in the form of the op table"]);
});

test("an op that inference refuses is refused in its words", () => {
  const wrong = forged(sum, { attributes: { axes: [-3], keepdims: false } });
  expect(problems(ending(wrong))).toEqual(["E0212: `sum` names axis -3, which [rows, 4] does not have"]);
});

test("E0406: a kernel group with a gap", () => {
  const again = makeOp("neg", [sum.result], {}, { places: { op: nowhere } });
  const grouped = (...groups: (number | undefined)[]) => {
    const first = copyOp(exp, { kernel: groups[0] });
    const second = copyOp(sum, { operands: [first.result], kernel: groups[1] });
    const third = copyOp(again, { operands: [second.result], kernel: groups[2] });
    return problems({ ops: [first, second, third], results: [{ name: "y", value: third.result }] });
  };
  expect(grouped(0, 0, undefined)).toEqual([]);
  expect(grouped(0, 1, 2)).toEqual([]);
  expect(grouped(0, undefined, 0)).toEqual(["E0406: the ops of kernel group 0 are not contiguous"]);
  expect(grouped(0, 1, 0)).toEqual(["E0406: the ops of kernel group 0 are not contiguous"]);
});

test("E0407, E0409: results with one name, and none", () => {
  const y = { name: "y", value: sum.result };
  expect(problems({ results: [y, y] })).toEqual(["E0407: two results are called `y`"]);
  expect(problems({ results: [] })).toEqual(["E0409: the function returns nothing"]);
});

test("E0408: a pass leaves parameters and results as they are", () => {
  const renamed = makeFn({ ...sound, results: sound.results.map(({ value }, i) => ({ name: `r${i}`, value })) });
  const codes = (before: Fn, after: Fn) =>
    verifySignature(before, after).map(({ code, message }) => `${code}: ${message}`);
  expect(codes(sound, sound)).toEqual([]);
  expect(codes(sound, renamed)).toEqual([
    "E0408: the signature changed: `results` was y: f32[rows], h: f32[rows, 4] and is r0: f32[rows], r1: f32[rows, 4]",
  ]);
  const wider = makeFn({ ...sound, params: [x, parameter("z", "f32")] });
  expect(codes(sound, wider)[0]).toMatch(
    /^E0408: .*`parameters` was x: f32\[rows, 4\] and is x: f32\[rows, 4\], z: f32$/,
  );
});

test("every problem is reported", () => {
  expect(problems({ ops: [sum], results: [] }).map((text) => text.slice(0, 5))).toEqual(["E0401", "E0409"]);
});
