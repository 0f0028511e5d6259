/** Upper bounds of indices, by interval analysis. The lower bound of an unsigned index is 0. */

import type { Expression, ExpressionOf, Variable } from "./expression.ts";
import { type Statement, withBodies } from "./statement.ts";

/** The largest value of an index over all lanes, workgroups and iterations; Infinity if it is not known. */
export type BoundOf = (index: Expression) => number;

/**
 * @param extents the extents of symbolic dimensions.
 * @param workgroupSize in invocations.
 */
export function indexBounds(
  body: readonly Statement[],
  extents: Readonly<Record<string, number>>,
  workgroupSize: number,
): BoundOf {
  const ofVariables = new Map<Variable, number>();
  const boundOf = (expression: Expression): number => {
    switch (expression.kind) {
      case "literal":
        return expression.value;
      case "dimension":
        return extents[expression.name] ?? Infinity;
      case "local":
        return workgroupSize - 1;
      case "read":
        return ofVariables.get(expression.variable) ?? Infinity;
      case "binary":
        return ofBinary(expression, boundOf);
      case "call":
        return expression.name === "min" ? Math.min(...expression.args.map(boundOf)) : Infinity;
      case "select":
        return Math.max(boundOf(expression.no), boundOf(expression.yes));
      default:
        return Infinity;
    }
  };
  for (const statement of withBodies(body)) {
    if (statement.kind === "define" && !statement.variable.isMutable) {
      ofVariables.set(statement.variable, boundOf(statement.value));
    }
    if (statement.kind === "bind") {
      ofVariables.set(statement.variable, statement.turns === undefined ? Infinity : statement.turns.extent - 1);
    }
    if (statement.kind === "loop") {
      const { variable, from, progress } = statement;
      ofVariables.set(variable, progress === "halving" ? boundOf(from) : boundOf(progress.until) - 1);
    }
  }
  return boundOf;
}

/** A bound of a binary operation. A difference of u32 may wrap around, so it has none. */
function ofBinary({ operator, left, right }: ExpressionOf<"binary">, boundOf: BoundOf): number {
  const [a, b] = [boundOf(left), boundOf(right)];
  switch (operator) {
    case "+":
      return a + b;
    case "*":
      return a === 0 || b === 0 ? 0 : a * b;
    case "/":
      return right.kind === "literal" ? Math.floor(a / right.value) : a;
    case "%":
      return Math.min(a, b - 1);
    default:
      return Infinity;
  }
}
