/** Structural equality of functions: the same ops on the same operands. Names of values and spans do not matter. */

import { checkFn, checkModule } from "./arguments.ts";
import { type Const, constantValue, definedBy, type Fn, isLeaf, type Module, type Op, type Value } from "./ir.ts";
import { printNumber } from "./print.ts";
import { sameType } from "./types.ts";

/** Whether the attributes of both ops have the same values, in any order. */
export function sameAttributes(a: Op, b: Op): boolean {
  return JSON.stringify(Object.entries(a.attributes).sort()) === JSON.stringify(Object.entries(b.attributes).sort());
}

/** Constants are compared by value where they are used, so that their position does not matter. */
export function sameFn(a: Fn, b: Fn): boolean {
  checkFn("sameFn", a);
  checkFn("sameFn", b, "the second argument");
  const counterpart = new Map<Value, Value>();
  const same = (x: Value | undefined, y: Value | undefined): boolean => {
    if (x === undefined || y === undefined) return x === y;
    if (definedBy(x, "global") && definedBy(y, "global")) return sameAttributes(x.def as Op, y.def as Op);
    const number = constantValue(x);
    if (number !== undefined) return Object.is(number, constantValue(y)) && x.element === y.element;
    return counterpart.get(x) === y;
  };
  const pair = (xs: readonly Value[], ys: readonly Value[]) => {
    for (const [i, x] of xs.entries()) counterpart.set(x, ys[i] as Value);
    return xs.length === ys.length && xs.every((x, i) => sameType(x.type, (ys[i] as Value).type));
  };
  const sameOp = (x: Op, y: Op) =>
    x.name === y.name &&
    x.kernel === y.kernel &&
    x.operands.length === y.operands.length &&
    x.operands.every((operand, i) => same(operand, y.operands[i])) &&
    sameAttributes(x, y) &&
    pair(x.results, y.results);
  const [opsA, opsB] = [a, b].map((fn) => fn.ops.filter((op) => !isLeaf(op))) as [Op[], Op[]];
  return (
    a.name === b.name &&
    pair(a.params, b.params) &&
    a.params.every((p, i) => sameDeclared(p, b.params[i] as Value)) &&
    opsA.length === opsB.length &&
    opsA.every((op, i) => sameOp(op, opsB[i] as Op)) &&
    a.results.length === b.results.length &&
    a.results.every((r, i) => r.name === b.results[i]?.name && same(r.value, b.results[i]?.value))
  );
}

const sameDeclared = (a: Value, b: Value) =>
  a.name === b.name && String(a.centered) === String(b.centered) && a.trained === b.trained;

function dataText({ data }: Const): string {
  return data.kind === "values" ? data.values.map(printNumber).join() : JSON.stringify(data);
}

function sameConst(a: Const, b: Const): boolean {
  const sameContract = String(a.centered) === String(b.centered);
  return a.name === b.name && sameType(a.type, b.type) && sameContract && dataText(a) === dataText(b);
}

/** Whether both have the same constants and functions. */
export function sameModule(a: Module, b: Module): boolean {
  checkModule("sameModule", a);
  checkModule("sameModule", b, "the second argument");
  const sameConsts =
    a.consts.length === b.consts.length && a.consts.every((c, i) => sameConst(c, b.consts[i] as Const));
  return sameConsts && a.fns.length === b.fns.length && a.fns.every((fn, i) => sameFn(fn, b.fns[i] as Fn));
}
