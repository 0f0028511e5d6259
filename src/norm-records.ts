/** What became of the norms of a module: a record each, joined by identity with what the passes hand over. */

import type { Span } from "./diagnostics/diagnostic.ts";
import { remarks } from "./diagnostics/remarks.ts";
import type { Module, Op, Value } from "./ir/ir.ts";
import type { OpName } from "./ir/ops/index.ts";
import type { CenterOutcome, CenterResolved, Fact, Provenance } from "./pass/facts.ts";
import type { Instrument } from "./pass-manager/instrument.ts";

/**
 * Of a LayerNorm what `eliminate-centering` made of its centering: see `CenterOutcome`. Of others:
 * - none: an RMSNorm, which centers nothing.
 * - left: stays as it is: a GroupNorm, whose rows are no axes, or what a model's own ops cannot say.
 * - unknown: a pass replaced it, or its centering, and did not say by what.
 */
export type CenteringOutcome = CenterOutcome | "none" | "left" | "unknown";

/** What became of one norm and its parts. */
export interface NormRecord {
  readonly fn: string;
  /** Of what was normalized; the name of the norm's result where it has one. */
  readonly name: string | undefined;
  readonly span: Span;
  readonly norm: "layernorm" | "rmsnorm" | "groupnorm" | "standardize";
  readonly centering: CenteringOutcome;
  /** The steps of the proof, or the condition that failed. */
  readonly because: readonly string[];
  /** Of `because`: constants that are centered once and for all, and values that are centered instead. */
  readonly constants: readonly string[];
  readonly movedTo: readonly string[];
  /** Whether its centering is kept for other norms as well. */
  readonly beginsStream: boolean;
  readonly gamma: boolean;
  readonly beta: boolean;
  readonly eps: number;
  /** The `center`s of the module made that are left of it, in it or where it moved to; several norms may share one. */
  readonly centers: () => readonly Op[];
}

const normNames: readonly OpName[] = ["layernorm", "rmsnorm", "groupnorm"] as const satisfies NormRecord["norm"][];

export function isNorm(op: Op): boolean {
  return (normNames as readonly OpName[]).includes(op.name);
}

/** `(x - mean(x)) / (std(x) + eps)`, which is no op: the last of its ops, and the centering in it. */
export interface Standardized {
  readonly op: Op;
  readonly center: Op;
  readonly eps: number;
}

/** What stands for a norm now, and what is known of its centering. */
interface Followed {
  now: Value;
  center: Value | undefined;
  resolved: CenterResolved | undefined;
  centers: () => readonly Value[];
  /** The pass after which nothing is known of it any more. */
  lostIn: string | undefined;
}

/** Follows the norms of a module through the passes that run over it. To be told of every pass, in order. */
export class NormRecords implements Instrument {
  private readonly module: Module;
  private readonly followed = new Map<Op, Followed>();
  private readonly standardized: ReadonlyMap<Op, Standardized>;
  private made: Module;

  /**
   * @param module that the first pass is given.
   * @param standardized what is followed beside its norms.
   */
  constructor(module: Module, standardized: readonly Standardized[] = []) {
    this.module = module;
    this.made = module;
    this.standardized = new Map(standardized.map((one) => [one.op, one]));
    for (const op of module.fns.flatMap((fn) => fn.ops)) {
      if (!this.isFollowed(op)) continue;
      this.followed.set(op, {
        now: op.result,
        center: this.standardized.get(op)?.center.result,
        resolved: undefined,
        centers: () => [],
        lostIn: undefined,
      });
    }
  }

  /** Whether there is a record of the op. */
  isFollowed(op: Op): boolean {
    return isNorm(op) || this.standardized.has(op);
  }

  afterPass({ text, facts, provenance, result }: PassedOn): void {
    this.made = result;
    const centerOf = new Map<Value, Value>();
    const resolvedAs = new Map<Value, CenterResolved>();
    for (const fact of facts) {
      if (fact.kind === "norm rewritten") centerOf.set(fact.norm, fact.center);
      else resolvedAs.set(fact.center, fact);
    }
    const ops = new Set(result.fns.flatMap((fn) => fn.ops));
    const params = new Set(result.fns.flatMap((fn) => fn.params));
    const moved = (value: Value) => provenance.get(value) ?? value;
    const isThere = (value: Value) => (value.def === undefined ? params.has(value) : ops.has(value.def));
    for (const norm of this.followed.values()) {
      const { now, center, resolved, centers } = norm;
      if (resolved !== undefined && provenance.size > 0) norm.centers = () => centers().map(moved);
      const found = center && resolvedAs.get(center);
      if (found !== undefined && resolved === undefined) {
        norm.resolved = found;
        norm.centers = found.centers;
      }
      norm.center = centerOf.get(now) ?? (center && moved(center));
      norm.now = moved(now);
      // What is resolved is known, whatever becomes of it.
      if (norm.resolved === undefined && !isThere(norm.center ?? norm.now)) norm.lostIn ??= text;
    }
  }

  /** A record for each norm, in the order in which they stand in the module given. */
  get(): NormRecord[] {
    const left = new Set(this.made.fns.flatMap((fn) => fn.ops));
    return this.module.fns.flatMap((fn) =>
      fn.ops
        .filter((op) => this.isFollowed(op))
        .map((op) => {
          const record = recordOf(fn.name, op, this.followed.get(op) as Followed, left);
          const eps = this.standardized.get(op)?.eps;
          return eps === undefined ? record : { ...record, norm: "standardize", gamma: false, beta: false, eps };
        }),
    );
  }
}

/** What a pass hands over. */
interface PassedOn {
  /** The pass. */
  readonly text: string;
  readonly facts: readonly Fact[];
  readonly provenance: Provenance;
  readonly result: Module;
}

type What = Pick<NormRecord, "centering" | "because" | "constants" | "movedTo" | "beginsStream">;

const nowhere = { constants: [], movedTo: [], beginsStream: false };

function whatBecameOf(op: Op, { resolved, lostIn }: Followed): What {
  if (op.name === "rmsnorm") return { centering: "none", because: [], ...nowhere };
  if (op.name === "groupnorm") return { centering: "left", because: remarks.groupNormStays(op.span).notes, ...nowhere };
  if (resolved !== undefined) {
    const { outcome, because, constants, movedTo, beginsStream } = resolved;
    return { centering: outcome, because, constants, movedTo, beginsStream };
  }
  if (lostIn === undefined) return { centering: "kept", because: ["mode=off"], ...nowhere };
  return { centering: "unknown", because: [`\`${lostIn}\` replaced it, and did not say by what`], ...nowhere };
}

function recordOf(fn: string, op: Op, followed: Followed, left: ReadonlySet<Op>): NormRecord {
  const { center, resolved, centers } = followed;
  const unresolved = center === undefined ? [] : [center];
  const defs = () => (resolved === undefined ? unresolved : centers()).flatMap(({ def }) => def ?? []);
  return {
    fn,
    name: op.result.name,
    span: op.span,
    norm: op.name as NormRecord["norm"],
    ...whatBecameOf(op, followed),
    gamma: op.operands[1] !== undefined,
    beta: op.operands[2] !== undefined,
    eps: op.attributes.eps as number,
    centers: () => defs().filter((def) => left.has(def)),
  };
}
