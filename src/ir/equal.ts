/** Structural equality of functions: the same ops on the same operands. Names of values and places do not count. */

import { constantValue, type Fn, type Module, type Op, type Value } from "./ir.ts";
import { sameType } from "./types.ts";

function sameAttributes(a: Op, b: Op): boolean {
  return JSON.stringify(Object.entries(a.attributes).sort()) === JSON.stringify(Object.entries(b.attributes).sort());
}

/** Constants are compared by value where they are used, so it does not matter where they stand. */
export function sameFn(a: Fn, b: Fn): boolean {
  const counterpart = new Map<Value, Value>();
  const same = (x: Value | undefined, y: Value | undefined): boolean => {
    if (x === undefined || y === undefined) return x === y;
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
  const [opsA, opsB] = [a, b].map((fn) => fn.ops.filter((op) => op.name !== "constant")) as [Op[], Op[]];
  return (
    a.name === b.name &&
    pair(a.params, b.params) &&
    a.params.every((p, i) => p.name === b.params[i]?.name) &&
    opsA.length === opsB.length &&
    opsA.every((op, i) => sameOp(op, opsB[i] as Op)) &&
    a.results.length === b.results.length &&
    a.results.every((r, i) => r.name === b.results[i]?.name && same(r.value, b.results[i]?.value))
  );
}

export function sameModule(a: Module, b: Module): boolean {
  return a.fns.length === b.fns.length && a.fns.every((fn, i) => sameFn(fn, b.fns[i] as Fn));
}
