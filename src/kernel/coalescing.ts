/**
 * What a memory system makes of a load or a store. Lanes that go in step send their addresses together, and a cache answers by
 * lines, one after the other: few where neighbours read what lies side by side, and one for each lane where they read what
 * lies apart. Hong and Kim (2009, section 3.3) count accesses in this way, as coalesced and uncoalesced ones. What several
 * lanes read of one place is sent once.
 */

import type { Evaluate } from "./arithmetic.ts";
import { bytesOf } from "./cost.ts";
import { type Expression, type ExpressionOf, partsOf } from "./expression.ts";
import type { Statement } from "./statement.ts";

/** Bytes of a line: of NVIDIA's and AMD's (RDNA) first caches. */
const lineBytes = 128;

/** A load or a store of a buffer: the index counts in units of so many bytes. */
export interface Access {
  readonly index: Expression;
  readonly bytes: number;
  readonly load?: ExpressionOf<"load">;
}

/** What a statement loads and stores when it runs, without the statements within it. */
export function accessesOf(statement: Statement): readonly Access[] {
  const found: Access[] = [];
  const visit = (expression: Expression) => {
    if (expression.kind === "load" && expression.buffer.storage !== "uniform") {
      const bytes = expression.type.width * bytesOf(expression.buffer);
      found.push({ index: expression.index, bytes, load: expression });
    }
    for (const part of partsOf(expression)) visit(part);
  };
  if ("value" in statement) visit(statement.value);
  if (statement.kind === "if") visit(statement.condition);
  if (statement.kind === "store") {
    const { buffer, index, value } = statement;
    found.push({ index, bytes: value.type.width * bytesOf(buffer) });
  }
  return found;
}

/** Of all lanes that come to an access at once. */
export interface Touched {
  /** Cache lines, those of each group of lanes in step counted for themselves. */
  readonly lines: number;
  /** Different bytes. */
  readonly bytes: number;
}

/** @param index of a lane; one that depends on a tensor's elements is not known: each lane then has a line of its own. */
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
