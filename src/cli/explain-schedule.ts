/** `tirc compile --explain-schedule`: the schedules considered for each kernel, and why one was chosen. */

import { type Explained, estimatedElements, explainSchedule } from "../../codegen/candidates.ts";
import * as cliErrors from "../diagnostics/areas/command.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { launchesOf, type Plan } from "../plan/plan.ts";
import { columns } from "../report/columns.ts";
import type { Choice } from "../target/choice.ts";
import type { KernelOptions } from "../target/options.ts";
import { occupancyOf, usualRates } from "../target/rates.ts";
import type { TargetProfile } from "../target/target.ts";
import type { Arguments } from "./arguments.ts";
import type { Session } from "./session.ts";

/** What else would be written or done with the kernels. */
const others = ["--emit", "--output", "--source-map", "--minify", "--weights-out", "--prove"];

/** Throws E0709 if something else is requested as well. */
export function checkExplain(args: Arguments): void {
  if (!args.has("--explain-schedule")) return;
  const other = others.find((name) => args.has(name) || args.value(name) !== undefined);
  if (other === undefined) return;
  const why = "schedules are explained instead of writing kernels";
  fail(cliErrors.conflict(args.spanOf(other), "--explain-schedule", other, why));
}

/** Prints the schedules of the kernels of all functions, for each target. */
export function explainSchedules(
  plans: readonly Plan[],
  targets: readonly TargetProfile[],
  options: KernelOptions,
  args: Arguments,
  session: Session,
): void {
  // Products have a single schedule.
  const launches = plans.flatMap(launchesOf).filter(({ product }) => product === undefined);
  const explained = targets.flatMap((target) =>
    launches.map(({ fn, tile }) => ({ target, ...explainSchedule(fn, target, options, tile) })),
  );
  const lines = explained.flatMap((one, i) => (i === 0 ? asLines(one) : ["", ...asLines(one)]));
  session.result(args.has("--json"), explained.map(asData), lines);
}

type Of = Explained & { readonly target: TargetProfile };

const nameOf: Readonly<Record<keyof Choice, string>> = {
  lanes: "lanes",
  workgroup: "workgroup",
  rowsPerLane: "rows",
  width: "width",
  keep: "keep",
};
const parts = Object.keys(nameOf) as (keyof Choice)[];

/** The number of candidates printed in text. */
const mostPrinted = 12;

function because({ by, target }: Of): string {
  if (by === "measurement") return "measured, by the profile";
  if (by === "rules") return "by the rules for the target, which has no measured rates";
  return `the least estimate, by the rates of ${target.rates ? "the profile" : `a common ${deviceOf[target.kind]}`}`;
}

const deviceOf = { cpu: "processor", gpu: "graphics card" } as const;

function asLines(of: Of): string[] {
  const { target, fn, kernel, columns: length, chosen, usual, candidates } = of;
  const shown = candidates.filter((one, i) => i < mostPrinted || one === chosen || one === usual);
  const rows = shown.map((one) => {
    const { estimate, nanoseconds, choice } = one;
    const mark = [...(one === chosen ? ["chosen"] : []), ...(one === usual && one !== chosen ? ["usual"] : [])];
    return [
      ...parts.map((part) => String(choice[part])),
      ...[microseconds(nanoseconds), millions(estimate.bytesLoaded + estimate.bytesStored - estimate.bytesCached)],
      ...[millions(estimate.operations), millions(estimate.transcendentals)],
      ...[String(estimate.barriers), String(estimate.workgroups), String(estimate.registers)],
      `${Math.round(100 * occupancyOf(estimate, target.kind))} %`,
      mark.join(", "),
    ];
  });
  const heads = ["us", "MB", "Mop", "Mtrans", "barriers", "workgroups", "registers", "occupancy", ""];
  const row = length === undefined ? "rows of any length" : length === 1 ? "no rows" : `rows of ${length}`;
  return [
    `${fn}, ${row}, for ${target.name} (${kernel}): ${because(of)}`,
    `  estimated for ${estimatedElements} elements; the ${shown.length} shown of ${candidates.length} schedules, fastest first`,
    ...columns([[...parts.map((part) => nameOf[part]), ...heads], ...rows]).map((line) => `  ${line}`),
  ];
}

const microseconds = (nanoseconds: number) => (nanoseconds / 1000).toPrecision(4);
const millions = (count: number) => (count / 1e6).toPrecision(3);

function asData({ target, chosen, usual, candidates, ...one }: Of) {
  return {
    ...{ ...one, target: target.name, rates: target.rates ?? usualRates[target.kind], elements: estimatedElements },
    ...{ chosen: chosen.choice, usual: usual.choice },
    candidates: candidates.map(({ estimate, ...rest }) => {
      return { ...rest, estimate: { ...estimate, occupancy: occupancyOf(estimate, target.kind) } };
    }),
  };
}
