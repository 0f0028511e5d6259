/** `tirc tune`. */

import { scheduleOf } from "../../codegen/generate.ts";
import { type Tuned, tune } from "../bench/tune.ts";
import { constantsAfter, hostTensorsOf, type Tensors } from "../compare/kernel-inputs.ts";
import { progress } from "../diagnostics/progress.ts";
import type { Constants } from "../ir/interpret.ts";
import { constantNames } from "../ir/ir.ts";
import type { Tensor } from "../ir/tensor.ts";
import { planExtents } from "../launch/plan-manifest.ts";
import { interpretPlan } from "../plan/interpret.ts";
import type { Launch, Plan } from "../plan/plan.ts";
import { tensorsOf } from "../runtime/host-tensor.ts";
import type { Choice } from "../target/choice.ts";
import { fitRates, type Measured, rankCorrelation } from "../target/fit-rates.ts";
import { timeOf, usualRates } from "../target/rates.ts";
import type { TargetProfile } from "../target/target.ts";
import type { Arguments } from "./arguments.ts";
import { compileToMeasure, measuring } from "./measuring.ts";
import type { Session } from "./session.ts";

export const tuneCommand = (args: Arguments, session: Session): Promise<number> =>
  measuring(args, session, { output: "--output", isSweep: false }, async (on) => {
    const { program, opened, rounds, outputs } = on;
    let target: TargetProfile = program.target ?? opened.target;
    const measured: Measured[] = [];
    for (const fn of program.module.fns) {
      // Row lengths are numbers, as they are where the profile will be used.
      const { plan, compiled, inputs: given } = compileToMeasure(on, fn, target, program.dims, true);
      const all = constantsAfter(compiled.module, on.constants);
      for (const { launch, inputs, results } of ranLaunches(plan, given, all)) {
        // A profile identifies schedules by the length of rows.
        if (scheduleOf(launch.fn, target, program.arithmetic, launch.tile).length === undefined) {
          session.say(
            `${launch.fn.name}: not timed, as its row length is the number of tiles, for which a profile cannot have schedules`,
          );
          continue;
        }
        const tuned = await tune(opened.device, launch.fn, {
          ...{ ...program.arithmetic, target, inputs },
          launch: { tile: launch.tile, extents: planExtents(plan.extents, {}), results },
          ...(rounds !== undefined && { rounds }),
          progress: (tried) => progress(() => `${launch.fn.name}: schedule ${tried}`),
        });
        session.say(described(tuned));
        const { schedule } = tuned;
        const others = target.schedules?.filter((one) => one.kernel !== schedule.kernel) ?? [];
        target = { ...target, schedules: [...others, schedule] };
        measured.push(...tuned.measured);
      }
    }
    target = withRates(target, measured, session);
    outputs.write(args.value("--output")?.text ?? "-", `${JSON.stringify(target, null, 2)}\n`);
  });

interface RanLaunch {
  readonly launch: Launch;
  /** By its parameters and constants. */
  readonly inputs: Tensors;
  readonly results: Readonly<Record<string, Tensor>>;
}

/** The kernels of a plan that have schedules, and what they read and write: the plan is interpreted. */
function ranLaunches(plan: Plan, given: Tensors, constants: Constants): RanLaunch[] {
  const ran: RanLaunch[] = [];
  interpretPlan(plan, tensorsOf(given), constants, {}, (launch, params, results) => {
    if (launch.kind !== "launch" || launch.product !== undefined) return;
    const { fn } = launch;
    const globals = constantNames(fn.ops);
    const read = [
      ...fn.params.map((param, i) => [param.name as string, params[i] as Tensor] as const),
      ...globals.map((name) => [name, constants(name)] as const),
    ];
    const written = fn.results.map(({ name }, i) => [name, results[i] as Tensor]);
    ran.push({ launch, inputs: hostTensorsOf(Object.fromEntries(read)), results: Object.fromEntries(written) });
  });
  return ran;
}

/** From this correlation on, estimates are good enough to choose by. */
const leastCorrelation = 0.8;

/** The profile with the rates fitted to the measurements, if its estimates then have the order of the measurements. */
function withRates(target: TargetProfile, measured: readonly Measured[], session: Session): TargetProfile {
  if (measured.length === 0) return target;
  const { kind } = target;
  const rates = fitRates(measured, target.rates ?? usualRates[kind], kind);
  const times = measured.map(({ nanoseconds }) => nanoseconds);
  const correlation = rankCorrelation(
    measured.map(({ estimate }) => timeOf(estimate, rates, kind)),
    times,
  );
  const isGood = correlation >= leastCorrelation;
  const said = `estimates rank the ${measured.length} times with a correlation of ${correlation.toFixed(2)}`;
  session.say(
    `${said}${isGood ? "; the profile has their rates" : `: below ${leastCorrelation}, the profile has no rates`}`,
  );
  if (isGood) return { ...target, rates };
  const { rates: _, ...without } = target;
  return without;
}

function described({ schedule: { fn, columns, choice }, usual, milliseconds, tried, refused }: Tuned): string {
  const time = (value: number) => `${value.toPrecision(3)} ms`;
  const rows = columns === 1 ? "" : `, rows of ${columns}`;
  const left = refused.length === 0 ? "" : `; ${refused.length} did not run, or gave wrong numbers`;
  const result =
    choice === usual
      ? `the usual schedule is as good as any (${time(milliseconds.usual)})`
      : `${time(milliseconds.chosen)} instead of ${time(milliseconds.usual)}: ${differences(choice, usual)}`;
  return `${fn}${rows}: ${tried} kernels timed${left}; ${result}`;
}

const names: Readonly<Record<keyof Choice, string>> = {
  lanes: "lanes per row",
  workgroup: "lanes per workgroup",
  rowsPerLane: "rows per lane",
  width: "elements at a time",
  keep: "elements kept",
};

function differences(choice: Choice, usual: Choice): string {
  const parts = (Object.keys(names) as (keyof Choice)[]).filter((part) => choice[part] !== usual[part]);
  return parts.map((part) => `${choice[part]} ${names[part]} (not ${usual[part]})`).join(", ");
}
