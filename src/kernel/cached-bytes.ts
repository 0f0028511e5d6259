/**
 * Which loads are served by caches. Every address is read from memory once: by one workgroup, if only its rows contain it. A
 * workgroup that reads its rows in several consecutive loops finds them in a cache in all loops but one.
 */

import type { Buffer } from "./buffer.ts";
import { bytesOfLoad } from "./cost.ts";
import { type Expression, partsOf, type Variable } from "./expression.ts";
import type { Statement } from "./statement.ts";

/** For a buffer: the bytes that are loaded, and those of them that come from memory. */
interface Loaded {
  all: number;
  fresh: number;
}

/** The bytes that caches serve. @param lanesOf the number of executions of a statement, over all lanes. */
export function cachedBytes(body: readonly Statement[], lanesOf: (statement: Statement) => number): number {
  const isOwn = ofOneWorkgroup(body);
  const cached = [...loadedIn(body, lanesOf, isOwn).values()].map(({ all, fresh }) => all - fresh);
  return cached.reduce((sum, bytes) => sum + bytes, 0);
}

/**
 * Bytes by buffer. Of consecutive loops, the one that loads most reads from memory. Loads before the loops are samples of the
 * same rows, and loads after a loop are its remainder.
 */
function loadedIn(
  statements: readonly Statement[],
  lanesOf: (statement: Statement) => number,
  isOwn: ReadonlySet<Variable>,
): Map<Buffer, Loaded> {
  const loaded = new Map<Buffer, Loaded & { loop: number }>();
  const of = (buffer: Buffer) => {
    const found = loaded.get(buffer) ?? { all: 0, fresh: 0, loop: 0 };
    loaded.set(buffer, found);
    return found;
  };
  const visit = (list: readonly Statement[]) => {
    for (const statement of list) {
      if (statement.kind === "loop") {
        for (const [buffer, { all, fresh }] of loadedIn(statement.body, lanesOf, isOwn)) {
          const before = of(buffer);
          if (before.loop === 0) before.fresh = 0;
          before.all += all;
          before.fresh += Math.max(0, fresh - before.loop);
          before.loop = Math.max(before.loop, fresh);
        }
        continue;
      }
      for (const { buffer, bytes, isShared } of loadsOf(statement, isOwn)) {
        const found = of(buffer);
        found.all += bytes * lanesOf(statement);
        if (!isShared) found.fresh += bytes * lanesOf(statement);
      }
      if ("body" in statement) visit(statement.body);
    }
  };
  visit(statements);
  return loaded;
}

function loadsOf(statement: Statement, isOwn: ReadonlySet<Variable>) {
  const loads: { readonly buffer: Buffer; readonly bytes: number; readonly isShared: boolean }[] = [];
  const visit = (expression: Expression) => {
    if (expression.kind === "load") {
      const isShared = !dependsOn(expression.index, isOwn);
      loads.push({ buffer: expression.buffer, bytes: bytesOfLoad(expression), isShared });
    }
    for (const part of partsOf(expression)) visit(part);
  };
  if ("value" in statement) visit(statement.value);
  return loads;
}

/** The variables whose values depend on the workgroup. */
function ofOneWorkgroup(body: readonly Statement[]): ReadonlySet<Variable> {
  const own = new Set<Variable>();
  const visit = (statements: readonly Statement[]) => {
    for (const statement of statements) {
      if (statement.kind === "bind" && statement.axis === "grid") own.add(statement.variable);
      if (statement.kind === "define" && dependsOn(statement.value, own)) own.add(statement.variable);
      if (statement.kind === "assign" && dependsOn(statement.value, own)) own.add(statement.target.variable);
      if (statement.kind === "loop" && dependsOn(statement.from, own)) own.add(statement.variable);
      if ("body" in statement) visit(statement.body);
    }
  };
  visit(body);
  return own;
}

function dependsOn(expression: Expression, variables: ReadonlySet<Variable>): boolean {
  const isRead = (expression.kind === "read" || expression.kind === "item") && variables.has(expression.variable);
  return isRead || partsOf(expression).some((part) => dependsOn(part, variables));
}
