/**
 * Where the centering of a value went, by the plan of move-centering.ts: the constants and values that are centered instead.
 * In a stream that is computed in place, each value has those of the previous values and a few more, so the lists are computed
 * only as far as they are read.
 */

import type { Op, Value } from "../src/ir/ir.ts";
import { type Moves, zeroClaims } from "./move-centering.ts";
import { type Rows, sameRows } from "./rows.ts";

/** A value whose `center` is computed. */
interface Centered {
  readonly value: Value;
  readonly axes: readonly number[];
}

interface Part {
  readonly value: Value;
  readonly rows: Rows;
}

interface Trace {
  readonly constants: readonly Value[];
  readonly centered: readonly Centered[];
  /** Whether the list was cut off. */
  readonly isCut: boolean;
}

/** Which kinds of values are centered instead. */
interface Kinds {
  readonly constants: boolean;
  readonly centered: boolean;
}

export class Traces {
  private readonly moves: Moves;
  private readonly kinds = new Map<Value, Kinds>();

  constructor(moves: Moves) {
    this.moves = moves;
  }

  /** Whether constants, and whether values are centered instead. */
  kindsOf(value: Value, rows: Rows): Kinds {
    const open = [value];
    for (let at = open.at(-1); at !== undefined; at = open.at(-1)) {
      const parts = this.kinds.has(at) ? [] : this.parts(at);
      const missing = parts.filter((part) => this.known(part) === undefined);
      if (missing.length > 0) {
        for (const part of missing) open.push(part.value);
        continue;
      }
      if (!this.kinds.has(at)) {
        const all = parts.map((part) => this.known(part) as Kinds);
        this.kinds.set(
          at,
          kindsFor(
            all.some(({ constants }) => constants),
            all.some(({ centered }) => centered),
          ),
        );
      }
      open.pop();
    }
    return this.known({ value, rows }) as Kinds;
  }

  /** What is centered instead. @param most the number of values to visit. */
  of(value: Value, rows: Rows, most = Infinity): Trace {
    const constants = new Set<Value>();
    const centered = new Map<Value, Centered[]>();
    const seen = new Set<Value>();
    const open: Part[] = [{ value, rows }];
    let isCut = false;
    for (let at = open.pop(), looked = 0; at !== undefined && !isCut; at = open.pop(), looked++) {
      isCut = looked >= most;
      const form = this.moves.form(at.value, at.rows);
      if (form?.kind === "constant") constants.add(at.value);
      if (form?.kind === "converted") {
        const of = centered.get(at.value) ?? [];
        const isKnown = of.some((other) => sameRows(other, form));
        if (!isKnown) centered.set(at.value, [...of, { value: at.value, axes: form.axes }]);
      }
      if (form?.kind !== "inPlace" || seen.has(at.value)) continue;
      seen.add(at.value);
      for (const part of this.parts(at.value)) open.push(part);
    }
    return { constants: [...constants], centered: [...centered.values()].flat(), isCut };
  }

  private parts(value: Value): Part[] {
    const way = this.moves.inPlace(value)?.way;
    if (way === undefined) return [];
    return zeroClaims(way).map(({ operand, rows }) => ({ value: (value.def as Op).operand(operand), rows }));
  }

  private known({ value, rows }: Part): Kinds | undefined {
    const kind = this.moves.form(value, rows)?.kind;
    if (kind === "inPlace") return this.kinds.get(value);
    return kindsFor(kind === "constant", kind === "converted");
  }
}

/** The four possible combinations. */
const shared = [0, 1, 2, 3].map((bits): Kinds => ({ constants: (bits & 1) === 1, centered: (bits & 2) === 2 }));
const kindsFor = (constants: boolean, centered: boolean) => shared[Number(constants) + 2 * Number(centered)] as Kinds;
