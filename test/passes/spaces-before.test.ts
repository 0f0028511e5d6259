/** Spaces of histories that grow with the program are those of each history alone. */

import { expect, test } from "vitest";
import { SpacesBefore } from "../../passes/spaces-before.ts";
import { leavesOf } from "../../src/ir/atoms.ts";
import { Builder } from "../../src/ir/builder.ts";
import { type Fn, makeFn, type Op, type Value } from "../../src/ir/ir.ts";
import { IterationSpace } from "../../src/ir/iteration.ts";
import { randomNumbers } from "../../src/ir/random.ts";
import { nowhere, parameter } from "../support/ir.ts";

/** A function that reduces, moves and combines squares of the same shape, each made of values that were made before. */
function squares(below: (limit: number) => number, count: number) {
  const params = [parameter("x", "f32", "rows", 8, 8), parameter("y", "f32", "rows", 8, 8)];
  const builder = new Builder(nowhere);
  const values: Value[] = [...params];
  const keepdims = true;
  const pick = () => values[Math.max(0, values.length - 1 - below(below(8) === 0 ? values.length : 6))] as Value;
  const makes: (() => Value)[] = [
    () => builder.emit("tanh", [pick()]),
    () => builder.emit("add", [pick(), pick()]),
    () => builder.emit("add", [pick(), pick()]),
    () => builder.emit("add", [pick(), builder.emit("sum", [pick()], { axes: [-2, -1], keepdims })]),
    () => builder.emit("mul", [pick(), builder.emit("max", [pick()], { axes: [-1], keepdims })]),
    () => builder.emit("mul", [pick(), builder.emit("sum", [pick()], { axes: [-3, -1], keepdims })]),
    () => builder.emit("transpose", [pick()], { perm: [0, 2, 1] }),
    () => builder.emit("softmax", [pick()], { axes: [below(6) === 0 ? -2 : -1] }),
  ];
  for (let i = 0; i < count; i++) values.push((makes[below(makes.length)] as () => Value)());
  const result = { name: "z", value: values.at(-1) as Value };
  return makeFn({ name: "f", params, ops: builder.ops, results: [result], span: nowhere });
}

/** The axes of the operand that are columns. */
const columnsOf = (op: Op) => (space: IterationSpace) => {
  const columns = new Set(space.columns);
  if (columns.size === 0) return "none";
  return space
    .dimsOf(op.operand(0))
    .map((atoms) => leavesOf(atoms).map((atom) => `${atom.extent} ${columns.has(atom)}`));
};

/** The space of the history of one op, from nothing. */
function spaceAlone(fn: Fn, op: Op): IterationSpace | undefined {
  const history = new Set(op.operand(0).def === undefined ? [] : [op.operand(0).def as Op]);
  for (const { name, operands } of history) {
    if (!["tanh", "add", "mul", "transpose"].includes(name)) continue;
    for (const operand of operands) if (operand?.def !== undefined) history.add(operand.def);
  }
  const space = new IterationSpace();
  const fits = fn.ops.every((before) => !history.has(before) || space.add(before) === undefined);
  return fits ? space : undefined;
}

test("of random functions", () => {
  const next = randomNumbers(17);
  const below = (limit: number) => Math.floor(next() * limit);
  const kinds = new Map<string, number>();
  for (let run = 0; run < 300; run++) {
    const fn = squares(below, 24);
    const together = new SpacesBefore(fn);
    for (const op of fn.ops.filter(({ name }) => name === "sum")) {
      const space = spaceAlone(fn, op);
      const alone = space && columnsOf(op)(space);
      expect(together.read(op, columnsOf(op))).toEqual(alone);
      const kind = String(alone === undefined || alone === "none" ? alone : "columns");
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    }
  }
  // No kind of outcome is rare.
  for (const kind of ["undefined", "none", "columns"]) expect(kinds.get(kind), kind).toBeGreaterThan(40);
});
