/** Rewrites of a kernel's program that leave its statements in their order. */

import { type Expression, partsOf, rebuild } from "../../src/kernel/expression.ts";
import type { Program, Statement, Target } from "../../src/kernel/statement.ts";

/**
 * The program with each of its expressions, their parts first, as `change` has them. Functions of the kernel stay as they
 * are. What does not change is the same object.
 */
export function withExpressions(program: Program, change: (expression: Expression) => Expression): Program {
  const made = new Map<Expression, Expression>();
  const of = (expression: Expression): Expression => {
    const known = made.get(expression);
    if (known !== undefined) return known;
    const parts = partsOf(expression);
    const changed = parts.map(of);
    const isSame = changed.every((part, i) => part === parts[i]);
    const result = change(isSame ? expression : rebuild(expression, changed));
    made.set(expression, result);
    return result;
  };
  const all = (list: readonly Statement[]) => list.map(statement);
  const statement = (one: Statement): Statement => {
    switch (one.kind) {
      case "define":
        return { ...one, value: of(one.value) };
      case "assign":
        return { ...one, target: of(one.target) as Target, value: of(one.value) };
      case "store":
        return {
          ...one,
          ...{ index: of(one.index), value: of(one.value) },
          ...(one.parts && { parts: one.parts.map(of) }),
        };
      case "if":
        return { ...one, condition: of(one.condition), body: all(one.body) };
      case "scope":
      case "bind":
        return { ...one, body: all(one.body) };
      case "loop": {
        const { progress } = one;
        const goes = progress === "halving" ? progress : { ...progress, until: of(progress.until) };
        return { ...one, from: of(one.from), progress: goes, body: all(one.body) };
      }
      case "array":
      case "barrier":
        return one;
      default:
        return one satisfies never;
    }
  };
  return { ...program, body: all(program.body) };
}
