/** `tirc bench`. */

import { benchPoint, type Point } from "../bench/bench.ts";
import { recordDispatches } from "../bench/recorder.ts";
import { hostTensorsOf, planInputs } from "../compare/kernel-inputs.ts";
import { progress } from "../diagnostics/progress.ts";
import { optimize } from "../driver/compile.ts";
import { constantNames, type Fn } from "../ir/ir.ts";
import { planManifest } from "../plan/manifest.ts";
import type { Arguments } from "./arguments.ts";
import { benchChart, benchTable, type FunctionBench } from "./bench-report.ts";
import { compileToMeasure, type Measuring, measuring } from "./measuring.ts";
import { openPeers, peerNames } from "./peers/index.ts";
import type { Session } from "./session.ts";

const usualRounds = 15;

export const benchCommand = (args: Arguments, session: Session): Promise<number> =>
  measuring(args, session, { output: "--svg", isSweep: true }, async (on) => {
    const { program, opened, outputs, rounds = usualRounds } = on;
    // Node exits while a library waits for something outside of the event loop.
    const awake = setInterval(() => {}, 100);
    try {
      const contest = { ...on, rounds, ...(await openContest(on)) };
      const results: FunctionBench[] = [];
      for (const fn of program.module.fns) results.push({ fn: fn.name, points: await sweep(contest, fn) });
      const clock = opened.device.features.has("timestamp-query") ? "timestamps" : "submission";
      const { description: device } = opened;
      const data = { device, clock, rounds, functions: results };
      session.result(args.has("--json"), data, results.flatMap(benchTable));
      const chart = args.value("--svg")?.text;
      if (chart !== undefined) outputs.write(chart, benchChart(device, results));
    } finally {
      clearInterval(awake);
    }
  });

/** The measurement, and the other libraries on the device. */
type Contest = Measuring & Awaited<ReturnType<typeof openContest>> & { readonly rounds: number };

async function openContest({ args, session, opened }: Measuring) {
  const asked = args.values("--peer").map(({ text }) => text);
  const names = asked.length === 0 || asked.includes("all") ? peerNames : asked;
  const recorder = recordDispatches(opened.device);
  const { peers, missing } = await openPeers(names, opened, session.io.cwd);
  for (const [name, why] of Object.entries(missing)) {
    if (asked.length > 0) session.say(`${name} is not compared with: ${why}`);
  }
  return { recorder, peers };
}

/** Measures all combinations of the extents of a function's dimensions. */
async function sweep(contest: Contest, fn: Fn): Promise<Point[]> {
  const given = Object.entries(contest.program.sweep);
  const own = given.filter(([name]) => fn.params.some(({ shape }) => shape.includes(name)));
  const all = own.reduce<Record<string, number>[]>(
    (points, [name, extents]) => points.flatMap((point) => extents.map((extent) => ({ ...point, [name]: extent }))),
    [{}],
  );
  const points: Point[] = [];
  for (const [i, dims] of all.entries()) {
    progress(() => `${fn.name}: ${i + 1} of ${all.length}`);
    points.push(await measuredAt(contest, fn, dims));
  }
  return points;
}

function measuredAt(contest: Contest, fn: Fn, given: Readonly<Record<string, number>>): Promise<Point> {
  const { opened, program, constants, recorder, peers, rounds } = contest;
  const target = program.target ?? opened.target;
  // Named dimensions keep their names, so these are the kernels that a program would run at all of the points.
  const { module, extents: dims, plan, compiled, inputs } = compileToMeasure(contest, fn, target, given, false);
  // Norms that the program writes in primitive ops are single ops in other libraries.
  const raised = optimize(module, { passes: "raise-norms,canonicalize,dce", dims });
  const written = raised.module.fns[0] as Fn;
  const globals = constantNames(written.ops);
  const read = hostTensorsOf(Object.fromEntries(globals.map((name) => [name, constants(name)])));
  return benchPoint(opened.device, {
    ...{ plan: planManifest(plan), kernels: compiled.kernels, fn: written, peers, recorder, rounds, dims },
    inputs: planInputs(plan, compiled.module, inputs, constants),
    given: { ...inputs, ...read },
  });
}
