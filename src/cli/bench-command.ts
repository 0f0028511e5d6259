/** `tirc bench`. */

import { benchPoint, type Point } from "../bench/bench.ts";
import { recordDispatches } from "../bench/recorder.ts";
import { randomInputsOf } from "../compare/contracts.ts";
import { checkSizes, chooseDims } from "../compare/inputs.ts";
import { hostTensorsOf, planInputs } from "../compare/kernel-inputs.ts";
import { refuseOpaque } from "../compare/refuse-opaque.ts";
import { progress } from "../diagnostics/progress.ts";
import { compile, optimize } from "../driver/compile.ts";
import type { Constants } from "../ir/interpret.ts";
import type { Fn, Module } from "../ir/ir.ts";
import { planManifest } from "../plan/manifest.ts";
import type { Plan } from "../plan/plan.ts";
import { type OpenedDevice, openDevice } from "../runtime/node.ts";
import type { Arguments } from "./arguments.ts";
import { benchChart, benchTable, type FunctionBench } from "./bench-report.ts";
import { filesOfConstants, readConstants } from "./constants.ts";
import { Outputs, writtenBy } from "./outputs.ts";
import { openPeers, peerNames } from "./peers/index.ts";
import { type Program, readProgram, reportRemarks } from "./program-options.ts";
import { readRounds } from "./run-options.ts";
import type { Session } from "./session.ts";

const usualRounds = 15;

export async function benchCommand(args: Arguments, session: Session): Promise<number> {
  const { io } = session;
  const program = await readProgram(args, session, true);
  const rounds = readRounds(args) ?? usualRounds;
  const source = args.operand.text;
  const outputs = new Outputs(args, session, writtenBy(args, "--svg"), filesOfConstants(program.module, source, io));
  const constants = readConstants(program.module, source, io);
  const opened = await openDevice({ adapter: args.value("--adapter")?.text });
  // Node exits while a library waits for something outside of the event loop.
  const awake = setInterval(() => {}, 100);
  try {
    session.say(`on ${opened.description}`);
    const bench = await Bench.open(opened, program, { rounds, constants, args, session });
    const results: FunctionBench[] = [];
    for (const fn of program.module.fns) results.push({ fn: fn.name, points: await bench.sweep(fn) });
    const clock = opened.device.features.has("timestamp-query") ? "timestamps" : "submission";
    const { description: device } = opened;
    const data = { device, clock, rounds, functions: results };
    session.result(args.has("--json"), data, results.flatMap(benchTable));
    const chart = args.value("--svg")?.text;
    if (chart !== undefined) outputs.write(chart, benchChart(device, results));
    return 0;
  } finally {
    clearInterval(awake);
    opened.close();
  }
}

interface Given {
  readonly rounds: number;
  readonly constants: Constants;
  readonly args: Arguments;
  readonly session: Session;
}

class Bench {
  private readonly opened: OpenedDevice;
  private readonly program: Program;
  private readonly given: Given;
  private readonly peers: Awaited<ReturnType<typeof openPeers>>["peers"];
  private readonly recorder: ReturnType<typeof recordDispatches>;

  private constructor(
    opened: OpenedDevice,
    program: Program,
    given: Given,
    recorder: ReturnType<typeof recordDispatches>,
    peers: Awaited<ReturnType<typeof openPeers>>["peers"],
  ) {
    this.opened = opened;
    this.program = program;
    this.given = given;
    this.recorder = recorder;
    this.peers = peers;
  }

  static async open(opened: OpenedDevice, program: Program, given: Given): Promise<Bench> {
    const { args, session } = given;
    const asked = args.values("--peer").map(({ text }) => text);
    const names = asked.length === 0 || asked.includes("all") ? peerNames : asked;
    const recorder = recordDispatches(opened.device);
    const { peers, missing } = await openPeers(names, opened, session.io.cwd);
    for (const [name, why] of Object.entries(missing)) {
      if (asked.length > 0) session.say(`${name} is not compared with: ${why}`);
    }
    return new Bench(opened, program, given, recorder, peers);
  }

  /** All combinations of the extents of a function's dimensions. */
  async sweep(fn: Fn): Promise<Point[]> {
    const { sweep } = this.program;
    const own = Object.entries(sweep).filter(([name]) => fn.params.some(({ shape }) => shape.includes(name)));
    const all = own.reduce<Record<string, number>[]>(
      (points, [name, extents]) => points.flatMap((point) => extents.map((extent) => ({ ...point, [name]: extent }))),
      [{}],
    );
    const points: Point[] = [];
    for (const [i, dims] of all.entries()) {
      progress(() => `${fn.name}: ${i + 1} of ${all.length}`);
      points.push(await this.point(fn, dims));
    }
    return points;
  }

  private async point(fn: Fn, dims: Readonly<Record<string, number>>): Promise<Point> {
    const { opened, program, recorder, peers } = this;
    const { constants, rounds, args, session } = this.given;
    const { extents, defaults } = chooseDims(fn, new Map(), dims);
    checkSizes(fn, extents);
    for (const name of defaults) session.say(`${name} = ${extents[name]}, as --dim does not give it`);
    const module: Module = { ...program.module, fns: [fn] };
    const target = program.target ?? opened.target;
    // Named dimensions keep their names, so these are the kernels that a program would run at all of the points.
    const compiled = compile(module, { ...program.options, ...program.arithmetic, target, products: "plain" });
    reportRemarks(compiled.remarks, args, session);
    const made = randomInputsOf(fn, extents);
    const [plan] = compiled.plans as [Plan];
    refuseOpaque(plan);
    // Norms that the program writes in primitive ops are single ops in other libraries.
    const raised = optimize(module, { passes: "raise-norms,canonicalize,dce", dims: extents });
    const written = raised.module.fns[0] as Fn;
    const globals = written.ops
      .filter(({ name }) => name === "global")
      .map(({ attributes }) => attributes.name as string);
    const read = hostTensorsOf(Object.fromEntries(globals.map((name) => [name, constants(name)])));
    return benchPoint(opened.device, {
      ...{ plan: planManifest(plan), kernels: compiled.kernels, fn: written, peers, recorder, rounds },
      inputs: planInputs(plan, compiled.module, made, constants),
      given: { ...made, ...read },
      dims: extents,
    });
  }
}
