/**
 * Which loads caches serve. Memory is read for a place once: by one workgroup where only its rows have it. A workgroup that
 * reads its rows in several loops, one after the other, finds them in a cache in all but one.
 */

import type { Buffer } from "./buffer.ts";
import { bytesOfLoad } from "./cost.ts";
import { type Expression, partsOf, type Variable } from "./expression.ts";
import type { Statement } from "./statement.ts";

/** Of one buffer: bytes that are loaded, and those of them from places that nothing before has loaded. */
interface Loaded {
  all: number;
  fresh: number;
}

/** @param lanesOf how often a statement is run by a lane. */
export function cachedBytes(body: readonly Statement[], lanesOf: (statement: Statement) => number): number {
  const isOwn = ofOneWorkgroup(body);
  const cached = [...loadedIn(body, lanesOf, isOwn).values()].map(({ all, fresh }) => all - fresh);
  return cached.reduce((sum, bytes) => sum + bytes, 0);
}

/**
 * By buffer. Of loops that follow each other the one that loads most loads what is fresh. What stands before them are samples
 * of the same rows, what stands behind one is what that leaves.
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

/** Variables whose values differ from one workgroup to the next. */
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
