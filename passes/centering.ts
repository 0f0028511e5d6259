/**
 * Proves from the IR that the rows of a value have mean zero.
 *
 * A verdict is a proof with the proofs that it depends on, or the condition that failed first. The rules for ops are those
 * of row-mean.ts; in addition there are `x - mean(x)` in primitive ops, the contracts of parameters and constants,
 * and the contents of constants. Claims that wait for others are on an explicit stack, so that long chains do not
 * overflow JavaScript's.
 */

import type { Miss } from "../src/diagnostics/areas/rewrites.ts";
import type { Assumption } from "../src/ir/field/compare.ts";
import { ShortLists } from "../src/ir/groups.ts";
import { type Const, constantValue, type Op, type Value } from "../src/ir/ir.ts";
import { parameterOf, quoted } from "../src/ir/naming.ts";
import { ops } from "../src/ir/ops/index.ts";
import { rowMeans } from "../src/ir/row-means.ts";
import type { Proof } from "../src/pass/proof.ts";
import { meetsItsRow, Products, readOf, sameNumbers } from "./match.ts";
import { type OperandClaim, type Way, waysOf } from "./row-mean.ts";
import { isPlain, ownRows, type Rows, sameRows } from "./rows.ts";
import { meanMiss, statisticOf } from "./statistics.ts";

interface Proved extends Proof {
  readonly proved: true;
  readonly from: readonly Proved[];
  /** The assumption of this step. */
  readonly assumes?: Assumption | undefined;
}

export type Verdict = Proved | { readonly proved: false; readonly miss: Miss };

interface Claim {
  readonly kind: OperandClaim["kind"];
  readonly value: Value;
  readonly rows: Rows;
}

/** Asks for the verdict on another claim; `undefined` while it is not known yet. */
type Ask = (kind: Claim["kind"], value: Value, rows: Rows) => Verdict | undefined;

const proved = (
  because: string,
  { span: at }: Value,
  from: readonly Proved[] = [],
  assumes?: Assumption | undefined,
): Proved => {
  return { proved: true, because, at, from, ...(assumes && { assumes }) };
};
const unproved = (because: string, help: string, at: Value): Verdict => {
  return { proved: false, miss: { because, help, at: at.span } };
};
const addLater = "add values that are constant along the row after the centering";

/** Row means of a constant that is written out count as zero below this fraction of the row's largest element. */
const roundingOfData = 1e-15;

/** The verdict on all claims together: the first that fails, or else their joint proof. */
function all(
  verdicts: readonly (Verdict | undefined)[],
  because: () => string,
  value: Value,
  assumes?: Assumption | undefined,
): Verdict | undefined {
  const known = verdicts.filter((verdict) => verdict !== undefined);
  const failed = known.find((verdict) => !verdict.proved);
  if (failed !== undefined) return failed;
  return known.length < verdicts.length ? undefined : proved(because(), value, known as Proved[], assumes);
}

/** The verdict on any of the claims: the first that holds, or else the last failure. */
function either(verdicts: readonly (Verdict | undefined)[]): Verdict | undefined {
  return verdicts.find((verdict) => verdict?.proved) ?? (verdicts.includes(undefined) ? undefined : verdicts[0]);
}

const isWithin = (axes: readonly number[], others: readonly number[]) => axes.every((axis) => others.includes(axis));

interface Decided {
  readonly kind: Claim["kind"];
  readonly rows: Rows;
  readonly verdict: Verdict;
}

export class Centering {
  private readonly verdicts = new ShortLists<Value, Decided>();
  private readonly products = new Products();
  private readonly consts: ReadonlyMap<string, Const>;

  /** @param consts the constants of the function's module. */
  constructor(consts: readonly Const[]) {
    this.consts = new Map(consts.map((constant) => [constant.name, constant]));
  }

  /** Whether every such row of `value` has mean zero; the rows are not scaled. */
  meanIsZero(value: Value, rows: Rows): Verdict {
    return this.decide({ kind: "zero", value, rows });
  }

  /** Whether `value` is constant along each such row. */
  isConstantAlong(value: Value, rows: Rows): Verdict {
    return this.decide({ kind: "constant", value, rows });
  }

  private known({ kind, value, rows }: Claim): Verdict | undefined {
    return this.verdicts.of(value).find((one) => one.kind === kind && sameRows(one.rows, rows))?.verdict;
  }

  private decide(claim: Claim): Verdict {
    const waiting: Claim[] = [claim];
    for (let at = waiting.at(-1); at !== undefined; at = waiting.at(-1)) {
      const missing: Claim[] = [];
      const ask: Ask = (kind, value, rows) => {
        const asked = { kind, value, rows };
        const verdict = this.known(asked);
        if (verdict === undefined) missing.push(asked);
        return verdict;
      };
      const verdict = this.known(at) ?? (at.kind === "zero" ? this.zero(at, ask) : constantAlong(at, ask));
      if (verdict === undefined) {
        waiting.push(...missing);
        continue;
      }
      this.verdicts.append(at.value, { kind: at.kind, rows: at.rows, verdict });
      waiting.pop();
    }
    return this.known(claim) as Verdict;
  }

  private zero({ value, rows }: Claim, ask: Ask): Verdict | undefined {
    const { axes } = rows;
    const name = quoted(value);
    if (constantValue(value) === 0) return proved(`${name} is 0`, value);
    const own = ownRows(value, rows);
    if (own.axes.length < axes.length) {
      if (own.axes.length > 0) return ask("zero", value, own);
      return unproved(`${name} does not vary along the row, and is not 0`, addLater, value);
    }
    const op = value.def;
    // A mean over more axes is a mean of means.
    const isPromised = (centered: readonly number[]) =>
      isPlain(rows) && centered.length > 0 && isWithin(centered, axes);
    if (op === undefined) {
      if (isPromised(value.centered)) return declared(value, value.centered);
      const help =
        "a row mean of zero is proved for `x - mean(x)`, `center`, norms without gamma and beta, parameters declared `@centered(-1)`, and ops that preserve it";
      return unproved(`${name} is ${parameterOf(value)}, and nothing is known about its rows`, help, value);
    }
    if (op.name === "global") {
      const constant = this.consts.get(op.attributes.name as string);
      if (constant !== undefined && isPromised(constant.centered)) return declared(value, constant.centered);
      return ofData(constant, rows, value);
    }
    const minusMean = isPlain(rows) ? this.minusMean(op, axes) : undefined;
    if (minusMean !== undefined) return minusMean;
    const ways = waysOf(op, rows);
    if ("because" in ways) return { proved: false, miss: ways };
    const verdicts = ways.map((way) => {
      const asked = way.claims.map((claim) => ask(claim.kind, op.operand(claim.operand), claim.rows));
      return all(asked, way.because, value, assumptionOf(value, way));
    });
    const verdict = either(verdicts);
    if (axes.length === 1 || !isPlain(rows) || verdict?.proved) return verdict;
    // A mean over more axes is a mean of means.
    const fewer = axes.map((left) => ask("zero", value, { axes: axes.filter((axis) => axis !== left) }));
    return either([verdict, ...fewer]);
  }

  /** `x - mean(x)` in primitive ops. */
  private minusMean(op: Op, axes: readonly number[]): Verdict | undefined {
    if (op.name !== "sub") return undefined;
    const x = op.operand(0);
    const stat = statisticOf(readOf(op.operand(1)), this.products);
    if (stat === undefined || !sameNumbers(stat.of, x) || meanMiss(stat) !== undefined) return undefined;
    const sameRows = meetsItsRow(stat.lay, x.shape, stat.axes) && isWithin(stat.axes, axes);
    return sameRows ? proved(`${quoted(op.result)} is ${quoted(x)} minus its row mean`, op.result) : undefined;
  }
}

/** That a value equals its operand, if the rule assumes so. */
export function assumptionOf(value: Value, { assumes }: Way): Assumption | undefined {
  return assumes === undefined ? undefined : { value, is: (value.def as Op).operand(0), because: assumes };
}

/** The assumptions of proofs; shared steps are visited once. */
export function assumptionsOf(proofs: readonly Proved[]): Assumption[] {
  const seen = new Set(proofs);
  for (const step of seen) for (const before of step.from) seen.add(before);
  return [...seen].flatMap(({ assumes }) => assumes ?? []);
}

const declared = (value: Value, centered: readonly number[]) =>
  proved(`${quoted(value)} is declared @centered(${centered.join(", ")})`, value);

/** The contents of a constant: numbers that are written out, or the `center` of another constant. */
function ofData(constant: Const | undefined, rows: Rows, value: Value): Verdict {
  const name = quoted(value);
  const data = constant?.data;
  const isCentered = data?.kind === "computed" && data.op === "center" && isPlain(rows);
  if (isCentered && isWithin(data.attributes.axes as number[], rows.axes)) {
    return proved(`${name} is \`${data.operands[0]}\` minus its row mean`, value);
  }
  const help = "declare it `@centered(-1)` if its rows have mean zero, or let its centering move into it";
  if (data?.kind !== "values") {
    const isOfModel = value.span.source.labels !== undefined;
    const because = isOfModel
      ? `the rows of the weight ${name} may have any mean`
      : `nothing is known about the rows of ${name}`;
    return unproved(because, help, value);
  }
  const numbers = { element: value.element, shape: value.shape as number[], data: Float64Array.from(data.values) };
  const { means, sizes } = rowMeans(numbers, rows);
  const isZero = means.every((mean, row) => Math.abs(mean) <= roundingOfData * (sizes[row] as number));
  if (isZero) return proved(`${name} is written out, and its rows have mean zero`, value);
  return unproved(`the rows of ${name} do not have mean zero`, help, value);
}

/** Whether the value is constant along the axes. */
function constantAlong({ value, rows }: Claim, ask: Ask): Verdict | undefined {
  const name = quoted(value);
  const own = ownRows(value, rows);
  if (own.axes.length === 0) return proved(`${name} has no extent along the row`, value);
  const op = value.def;
  const varies = () => {
    const help = "only a factor with extent 1 along the row leaves its mean at zero";
    return unproved(`${name} varies along the row`, help, value);
  };
  if (op === undefined) return varies();
  const def = ops[op.name];
  if (def.kind === "shape" && def.move === "repeat")
    return all([ask("constant", op.operand(0), own)], () => `${name} repeats one number along the row`, value);
  if (def.kind !== "elementwise") return varies();
  const operands = op.operands.map((operand) => ask("constant", operand as Value, own));
  return all(operands, () => `${name} is computed from values that are constant along the row`, value);
}
