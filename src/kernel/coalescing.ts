/**
 * Coalescing: how the addresses of a load or store are spread over memory. Lanes in lockstep issue their addresses together, and
 * the cache serves them line by line. If neighbouring lanes access neighbouring elements, they touch a few lines; if their
 * addresses are far apart, they touch one line per lane (coalesced and uncoalesced accesses: Hong and Kim 2009, section 3.3). An
 * address that several lanes load at the same time is read once.
 */

import type { Evaluate } from "./arithmetic.ts";
import { bytesOf, bytesOfLoad } from "./cost.ts";
import { type Expression, type ExpressionOf, withParts } from "./expression.ts";
import type { Statement } from "./statement.ts";

/** The size of a line in bytes, in the first-level caches of NVIDIA's and AMD's (RDNA) cards. */
const lineBytes = 128;

/** A load or store of a buffer. The index is in units of `bytes`. */
export interface Access {
  readonly index: Expression;
  readonly bytes: number;
  readonly load?: ExpressionOf<"load">;
}

/** The loads and stores of a statement, excluding those of the statements in its body. */
export function accessesOf(statement: Statement): readonly Access[] {
  const computed = statement.kind === "if" ? statement.condition : "value" in statement ? statement.value : undefined;
  const found = (computed ? withParts(computed) : []).flatMap((part): Access[] =>
    part.kind === "load" && part.buffer.storage !== "uniform"
      ? [{ index: part.index, bytes: bytesOfLoad(part), load: part }]
      : [],
  );
  if (statement.kind !== "store") return found;
  const { buffer, index, value } = statement;
  return [...found, { index, bytes: value.type.width * bytesOf(buffer) }];
}

/** The memory that the active lanes of a workgroup touch in one execution. */
export interface Touched {
  /** Cache lines, counted separately for each group of lanes in lockstep. */
  readonly lines: number;
  /** Bytes, each counted once. */
  readonly bytes: number;
}

/** @param index evaluates the index in a lane; undefined if it depends on elements of a tensor: each lane then touches a line of its own. */
export function touchedBy(
  { bytes }: Access,
  index: Evaluate<number> | undefined,
  lanes: readonly number[],
  inStep: number,
): Touched {
  if (index === undefined) return { lines: lanes.length, bytes: lanes.length * bytes };
  const starts = new Set<number>();
  let lines = 0;
  let group = -1;
  let touched = new Set<number>();
  for (const lane of lanes) {
    const start = (index(lane) as number) * bytes;
    starts.add(start);
    if (Math.floor(lane / inStep) !== group) {
      group = Math.floor(lane / inStep);
      lines += touched.size;
      touched = new Set();
    }
    for (let line = Math.floor(start / lineBytes); line * lineBytes < start + bytes; line++) touched.add(line);
  }
  return { lines: lines + touched.size, bytes: starts.size * bytes };
}
