/**
 * Which loads are served by caches. Every address is read from memory once: by one workgroup, if only its rows contain it. A
 * workgroup that reads its rows in several consecutive loops finds them in a cache in all loops but one. An address that several
 * lanes load at the same time is read once. No more of a buffer is read than the range that its indices can reach.
 */

import { getOrInsert } from "../ir/groups.ts";
import type { Buffer } from "./buffer.ts";
import { bytesOfLoad } from "./cost.ts";
import { type Expression, type ExpressionOf, type Variable, withParts } from "./expression.ts";
import type { BoundOf } from "./index-bound.ts";
import { type Statement, withBodies } from "./statement.ts";

/** The bytes loaded from a buffer. */
interface Loaded {
  all: number;
  /** Those that come from memory. */
  fresh: number;
  /** The size of the range that its indices can reach. */
  reach: number;
}

type Load = ExpressionOf<"load">;

/** What was counted in a run. */
interface Counts {
  /** The number of executions of a statement, over all lanes. */
  readonly lanesOf: (statement: Statement) => number;
  /** The bytes that a load reads; an address that several lanes of a workgroup load at the same time counts once. */
  readonly bytesOf: (load: Load) => number;
  readonly boundOf: BoundOf;
}

/** The bytes that caches serve. */
export function cachedBytes(body: readonly Statement[], counts: Counts): number {
  const isOwn = ofOneWorkgroup(body);
  const cached = [...loadedIn(body, counts, isOwn).values()].map(
    ({ all, fresh, reach }) => all - Math.min(fresh, reach),
  );
  return cached.reduce((sum, bytes) => sum + bytes, 0);
}

/**
 * Bytes by buffer. Of consecutive loops, the one that loads most reads from memory. Loads before the loops are samples of the
 * same rows, and loads after a loop are its remainder.
 */
function loadedIn(statements: readonly Statement[], counts: Counts, isOwn: ReadonlySet<Variable>): Map<Buffer, Loaded> {
  const loaded = new Map<Buffer, Loaded & { loop: number }>();
  const of = (buffer: Buffer) => {
    return getOrInsert(loaded, buffer, () => ({ all: 0, fresh: 0, reach: 0, loop: 0 }));
  };
  const visit = (list: readonly Statement[]) => {
    for (const statement of list) {
      if (statement.kind === "loop") {
        for (const [buffer, { all, fresh, reach }] of loadedIn(statement.body, counts, isOwn)) {
          const before = of(buffer);
          if (before.loop === 0) before.fresh = 0;
          before.all += all;
          before.reach = Math.max(before.reach, reach);
          before.fresh += Math.max(0, fresh - before.loop);
          before.loop = Math.max(before.loop, fresh);
        }
        continue;
      }
      for (const load of loadsOf(statement)) {
        const found = of(load.buffer);
        found.reach = Math.max(found.reach, (counts.boundOf(load.index) + 1) * bytesOfLoad(load));
        found.all += bytesOfLoad(load) * counts.lanesOf(statement);
        if (dependsOn(load.index, isOwn)) found.fresh += counts.bytesOf(load);
      }
      if ("body" in statement) visit(statement.body);
    }
  };
  visit(statements);
  return loaded;
}

const loadsOf = (statement: Statement): readonly Load[] =>
  "value" in statement ? withParts(statement.value).filter((part) => part.kind === "load") : [];

/** The variables whose values depend on the workgroup. */
function ofOneWorkgroup(body: readonly Statement[]): ReadonlySet<Variable> {
  const own = new Set<Variable>();
  for (const statement of withBodies(body)) {
    if (statement.kind === "bind" && statement.axis === "grid") own.add(statement.variable);
    if (statement.kind === "define" && dependsOn(statement.value, own)) own.add(statement.variable);
    if (statement.kind === "assign" && dependsOn(statement.value, own)) own.add(statement.target.variable);
    if (statement.kind === "loop" && dependsOn(statement.from, own)) own.add(statement.variable);
  }
  return own;
}

const dependsOn = (expression: Expression, variables: ReadonlySet<Variable>): boolean =>
  withParts(expression).some((part) => (part.kind === "read" || part.kind === "item") && variables.has(part.variable));
