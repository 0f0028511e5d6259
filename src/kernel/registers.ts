/** Register pressure: the most 32-bit values that are live in a lane at once. */

import { type Expression, type Variable, withParts } from "./expression.ts";
import { expressionsOf, type Program, type Statement, type StatementOf } from "./statement.ts";

/** The live range of a variable: from its definition to its last read. */
interface Range {
  first: number;
  last: number;
  readonly size: number;
}

/**
 * The maximum of live values, with live ranges as in linear scan (Poletto and Sarkar 1999): a variable is live from its
 * definition to its last read, and throughout a loop that reads it if it is defined before the loop. A driver may need fewer
 * by reordering instructions, or more for loads in flight.
 */
export function registersOf({ body }: Program): number {
  const ranges = new Map<Variable, Range>();
  let at = 0;
  /** Where the enclosing loops began. */
  const loops: number[] = [];
  const read = (expression: Expression) => {
    for (const part of withParts(expression)) if (part.kind === "read" || part.kind === "item") touch(part.variable);
  };
  /** For each enclosing loop, by its beginning: the ranges that are live until its end. */
  const lasting = new Map<number, Range[]>();
  const touch = (variable: Variable) => {
    const range = ranges.get(variable);
    if (range === undefined) return;
    range.last = at;
    const around = loops.find((start) => start > range.first);
    if (around !== undefined) lasting.get(around)?.push(range);
  };
  const define = (variable: Variable) => {
    const size = variable.type.width * (variable.length ?? 1);
    ranges.set(variable, { first: at, last: at, size });
  };
  const visit = (statements: readonly Statement[]) => {
    for (const statement of statements) {
      at++;
      if (statement.kind === "loop") {
        visitLoop(statement);
        continue;
      }
      for (const expression of expressionsOf(statement)) read(expression);
      if ("variable" in statement) define(statement.variable);
      if ("body" in statement) visit(statement.body);
    }
  };
  const visitLoop = (loop: StatementOf<"loop">) => {
    const [from, until] = expressionsOf(loop) as [Expression, Expression?];
    read(from);
    define(loop.variable);
    const start = ++at;
    loops.push(start);
    lasting.set(start, []);
    if (until !== undefined) read(until);
    visit(loop.body);
    touch(loop.variable);
    at++;
    for (const range of lasting.get(start) ?? []) range.last = at;
    loops.pop();
  };
  visit(body);
  const changes = [...ranges.values()].flatMap(({ first, last, size }) => [
    [first, size] as const,
    [last, -size] as const,
  ]);
  // A variable defined by the statement that reads another for the last time may reuse its registers.
  changes.sort(([a, x], [b, y]) => a - b || x - y);
  let live = 0;
  let most = 0;
  for (const [, change] of changes) {
    live += change;
    most = Math.max(most, live);
  }
  return most;
}
