/** Rewrites a function by the plan of move-centering.ts. */

import { type Builder, makeOp, rewrite } from "../src/ir/builder.ts";
import { getOrInsert } from "../src/ir/groups.ts";
import type { Const, Fn, Op, Value } from "../src/ir/ir.ts";
import { nameOf } from "../src/ir/naming.ts";
import { attribute } from "../src/ir/ops/attributes.ts";
import { ops } from "../src/ir/ops/index.ts";
import { sameShape } from "../src/ir/types.ts";
import type { RowsCentered } from "../src/pass/facts.ts";
import { type Moves, zeroClaims } from "./move-centering.ts";
import type { OperandClaim, Way } from "./row-mean.ts";
import { keyOf, type Rows } from "./rows.ts";

interface Rewriting {
  readonly moves: Moves;
  /** The centerings to replace by the planned forms of their operands. */
  readonly replaced: ReadonlySet<Op>;
  /** The constant computed by centering the rows of another. */
  center(constant: string, rows: Rows): Const;
  /** Values that are assumed to be centered, and get no `center`. */
  readonly lossy: boolean;
}

/**
 * The function, the replacements of its old values, the `center` that was created or stayed for one of them, and the
 * values whose rows are centered in their place.
 */
export function rewriteCentering(fn: Fn, rewriting: Rewriting) {
  const { moves, replaced } = rewriting;
  const centered = new CenteredValues(fn, rewriting);
  const centeredRows: RowsCentered[] = [];
  const rewritten = rewrite(fn, (op, builder, original) => {
    if (replaced.has(original)) {
      const rows = { axes: attribute.axes(op.attributes) };
      const value = centered.of(original.operand(0), op.operand(0), rows, builder, op);
      return value === op.result ? undefined : value;
    }
    const found = moves.inPlace(original.result);
    if (found === undefined) return undefined;
    const { axes, block, scales } = found.rows;
    const fact = { kind: "rows centered", value: original.result, axes, scales: scaleNames(scales) } as const;
    centeredRows.push(block === undefined ? fact : { ...fact, block });
    return centered.inPlace(op, found.way, builder, original);
  });
  const centerOf = (value: Value, axes: readonly number[]) => centered.made(value, { axes });
  return { ...rewritten, centerOf, centeredRows };
}

/** P of values, for the projection P of their rows: each is computed once. */
class CenteredValues {
  private readonly rewriting: Rewriting;
  private readonly known = new Map<Value, Map<string, Value>>();
  /** The names of the function's values. */
  private readonly taken: ReadonlySet<string | undefined>;

  constructor(fn: Fn, rewriting: Rewriting) {
    this.rewriting = rewriting;
    this.taken = new Set([...fn.params, ...fn.ops.flatMap((op) => op.results)].map(({ name }) => name));
  }

  /** P of an original value, if it has been computed. */
  made(original: Value, rows: Rows): Value | undefined {
    return this.known.get(original)?.get(keyOf(rows));
  }

  private remember(original: Value, rows: Rows, centered: Value): Value {
    getOrInsert(this.known, original, () => new Map<string, Value>()).set(keyOf(rows), centered);
    return centered;
  }

  /** The name for a new value, unless another value has it. */
  private newName(name: string): string | undefined {
    return this.taken.has(name) ? undefined : name;
  }

  /** P of the value that was `original` and is `now`; `at` is the existing `center` of it, if there is one. */
  of(original: Value, now: Value, rows: Rows, builder: Builder, at?: Op): Value {
    const { moves, lossy, center } = this.rewriting;
    const form = moves.form(original, rows);
    if (form === undefined || form.kind === "centered" || form.kind === "inPlace") return now;
    // x - x is 0, and NaN where x is not finite.
    if (form.kind === "nothing") return builder.emit("sub", [now, now]);
    const known = this.made(original, form.kind === "constant" ? form.rows : form);
    if (known !== undefined) return known;
    if (form.kind === "converted") {
      if (lossy) return now;
      const name = this.newName(`${nameOf(original)}_centered`);
      const op = at ?? builder.op("center", [now], { axes: form.axes }, name);
      return this.remember(original, { axes: form.axes }, op.result);
    }
    const { name, type } = center((original.def as Op).attributes.name as string, form.rows);
    const value = builder.emit("global", [], { name, ...type }, this.newName(name));
    return this.remember(original, form.rows, value);
  }

  /** The op with P of those operands by which P of its result is computed, or one of these operands if that is the result. */
  inPlace(op: Op, way: Way, builder: Builder, original: Op): Value {
    const { moves } = this.rewriting;
    const claims = zeroClaims(way);
    const isZero = ({ operand, rows }: OperandClaim) => moves.form(original.operand(operand), rows)?.kind === "nothing";
    const zero = claims.filter(isZero).map(({ operand }) => operand);
    const other = besideZero(op, zero);
    const operands = [...op.operands];
    for (const { operand, rows } of claims) {
      if (other !== undefined && operand !== other) continue;
      operands[operand] = this.of(original.operand(operand), op.operand(operand), rows, builder);
    }
    if (way.is !== undefined) return operands[way.is] as Value;
    if (other !== undefined) return operands[other] as Value;
    // An extern op keeps the types that were declared for it.
    const types = op.results.map(({ type }) => type);
    const copy = makeOp(op.name, operands, op.attributes, { places: { op: op.span }, kernel: op.kernel, types });
    return builder.add(copy).result;
  }
}

const unscaled: readonly string[] = [];
const scaleNames = (scales: Rows["scales"]) => scales?.map(({ constant }) => constant) ?? unscaled;

/** For a sum with an operand that has become 0: the index of the other operand, if that is the whole result. */
function besideZero(op: Op, zero: readonly number[]): number | undefined {
  const { rightIdentity, commutative } = ops[op.name].facts;
  if (rightIdentity !== 0 || zero.length !== 1) return undefined;
  const other = 1 - (zero[0] as number);
  const fits = sameShape(op.operand(other).shape, op.result.shape);
  return fits && (other === 0 || commutative === true) ? other : undefined;
}
