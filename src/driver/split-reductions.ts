/** Decides which reductions of a function are split among several workgroups. */

import { factorSums } from "../../codegen/factor-sums.ts";
import { type LongReductions, longReduction, lowerLongNorms } from "../../codegen/lower-norms.ts";
import * as kernelMessages from "../diagnostics/areas/kernels.ts";
import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import type { Fn, Op } from "../ir/ir.ts";
import { type OutlineOptions, splitOne } from "../plan/outline.ts";
import type { Plan } from "../plan/plan.ts";
import { hasLongRows, inParts } from "../plan/rows-in-parts.ts";
import type { KernelOptions, SplitReductions } from "../target/options.ts";
import type { TargetProfile } from "../target/target.ts";

/** The length from which on one workgroup for each row or column leaves most of a GPU idle. */
const longLength = 2 ** 16;
/** The minimum length of a row that is split with `all`. */
const shortestRow = 2 ** 14;

/**
 * The options for splitting a function that is one kernel. With strict rounding nothing is split, here or in plans: sums have the
 * same order as in a kernel for each op.
 * @param which as in `CompileOptions`.
 */
export function splitOptions(
  which: SplitReductions,
  profiles: readonly TargetProfile[],
  { rounding }: KernelOptions,
): Required<OutlineOptions> {
  if (rounding === "strict") return { split: false, longColumn: Infinity, isUnknownLong: false, longRow: Infinity };
  if (which === "all") return { split: true, longColumn: 0, isUnknownLong: true, longRow: shortestRow };
  const isLong = which === "long" && profiles.some(({ kind }) => kind === "gpu");
  return { split: isLong, longColumn: longLength, isUnknownLong: false, longRow: isLong ? longLength : Infinity };
}

/** The plan of a function that is one kernel, with its reductions split; undefined if none of them is. */
export function splitFunction(
  fn: Fn,
  names: readonly string[],
  how: Required<OutlineOptions>,
  options: KernelOptions,
): Plan | undefined {
  if (!how.split || longReduction(fn, how) === undefined) return undefined;
  const plan = splitOne(inLongParts(fn, how, options), names, how);
  return plan && { ...plan, fn };
}

/** For a function that is one kernel: a long reduction that several workgroups could share on a GPU, if there is one. */
export function unsplit(
  fn: Fn,
  names: readonly string[],
  profiles: readonly TargetProfile[],
  options: KernelOptions,
): readonly Diagnostic[] {
  const how = splitOptions("long", profiles, options);
  if (splitFunction(fn, names, how, options) === undefined) return [];
  const { name, span } = longReduction(fn, how) as Op;
  return [kernelMessages.oneWorkgroup(span, name, longLength)];
}

/** The function with its long reductions in the form in which they are split; the function itself if it has none. */
export function inLongParts(fn: Fn, how: LongReductions, options: KernelOptions): Fn {
  const lowered = lowerLongNorms(fn, options, how);
  return hasLongRows(lowered, how.longRow) ? inParts(factorSums(lowered), how.longRow) : lowered;
}
