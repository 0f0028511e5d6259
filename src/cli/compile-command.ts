/** `tirc compile`. */

import { generate } from "../../codegen/generate.ts";
import { minifyKernel } from "../../codegen/minify.ts";
import { printProgram } from "../../codegen/print.ts";
import { generateProduct } from "../../codegen/product.ts";
import { leastDemanding } from "../../codegen/variants.ts";
import * as cliErrors from "../diagnostics/areas/command.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { type CompileOptions, compileVariants, optimize } from "../driver/compile.ts";
import { targetsOf } from "../driver/plugin.ts";
import type { Module } from "../ir/ir.ts";
import { print } from "../ir/print.ts";
import { type Launch, launchesOf, opaqueOp, opaqueStepsOf, type Plan, withKernels } from "../plan/plan.ts";
import { printPlan } from "../plan/print.ts";
import type { Kernel } from "../target/manifest.ts";
import { moduleTargets, profileOf, type TargetProfile } from "../target/target.ts";
import type { Arguments } from "./arguments.ts";
import type { ModuleLanguage } from "./emit-modules.ts";
import { checkExplain, explainSchedules } from "./explain-schedule.ts";
import { shownPath } from "./files.ts";
import {
  checkFolder,
  checkOutput,
  dumpInstruments,
  dumpOutputs,
  kernelOutputs,
  writeDump,
  writeKernels,
} from "./kernel-files.ts";
import { Outputs, writtenBy } from "./outputs.ts";
import { deviceTarget, type Program, partitionOf, readProgram, reportRemarks } from "./program-options.ts";
import type { Session } from "./session.ts";
import { checkSourceMap, writeSourceMaps } from "./source-maps.ts";

// A short compilation spends most of its time on reading modules: what few need is imported where it is needed.
const constants = () => import("./constants.ts");
const weightFiles = () => import("./weights.ts");

const isModule = (emit: string): emit is ModuleLanguage => ["ts", "typegpu", "rust"].includes(emit);

/** A command line that has been checked: what is compiled, and to what. */
interface Job {
  readonly args: Arguments;
  readonly session: Session;
  readonly program: Program;
  /** The options of the passes. */
  readonly options: CompileOptions;
  readonly emit: string;
  /** The destination; `-` is stdout. */
  readonly path: string;
  /** The file of new constants. */
  readonly weights: string | undefined;
  /** Files are written once all of them are complete. */
  readonly outputs: Outputs;
  /** Reports what has been timed until now. */
  time(what: string): void;
}

export async function compileCommand(args: Arguments, session: Session): Promise<number> {
  const job = await jobOf(args, await readProgram(args, session), session);
  await (job.emit === "tir" ? writeProgram(job) : compileKernels(job));
  return 0;
}

async function jobOf(args: Arguments, program: Program, session: Session): Promise<Job> {
  const { io } = session;
  const { module, dims } = program;
  const emit = args.value("--emit")?.text ?? "wgsl";
  const output = args.value("--output");
  const started = performance.now();
  const weights = readWeightsPath(args);
  checkEmit(args, emit);
  checkSourceMap(args, program, io);
  checkExplain(args);
  const isOneFile = emit === "tir" || emit === "plan" || isModule(emit);
  if (!isOneFile) checkOutput(output, program, /\.(wgsl|kernel|json)$/, io);
  const names = module.fns.map(({ name }) => name);
  const written = [
    ...(isOneFile ? writtenBy(args, "--output") : kernelOutputs(args, "--output", names, emit, io)),
    ...kernelOutputs(args, "--source-map", names, "wgsl.map", io),
    ...writtenBy(args, "--weights-out"),
    ...dumpOutputs(args, names),
  ];
  const read = module.consts.length === 0 ? [] : (await constants()).filesOfConstants(module, args.operand.text, io);
  const outputs = new Outputs(args, session, written, read);
  const instruments = [...program.options.instruments, ...dumpInstruments(args, outputs)];
  const verify = args.has("--prove") ? "exact" : program.options.verify;
  return {
    ...{ args, session, program, emit, path: output?.text ?? "-", weights, outputs },
    options: { ...program.options, instruments, dims, verify },
    time(what) {
      if (args.has("--timing")) reportTime(program.parseTime, performance.now() - started, what, session);
    },
  };
}

/** Writes the program after all passes. */
async function writeProgram({ args, session, program, options, path, weights, outputs, time }: Job): Promise<void> {
  const source = args.operand.text;
  const { module: result, remarks } = optimize(program.module, options);
  reportRemarks(remarks, args, session);
  time("passes");
  const { moved, writeWeights } = await weightFiles();
  const placed = moved(result, source, path);
  const final =
    weights === undefined
      ? placed
      : writeWeights(placed, await tensorsOf(result, args, session), { weights, output: path }, outputs, session);
  outputs.write(path, print(final));
}

const tensorsOf = async (module: Module, { operand }: Arguments, { io }: Session) =>
  (await constants()).readConstants(module, operand.text, io);

/** The targets to compile for: several for a module that selects a kernel at run time. */
async function targetsFor({
  emit,
  program: { isAuto, isAll, target },
}: Job): Promise<readonly (string | TargetProfile)[]> {
  if (isAuto) return [await deviceTarget()];
  return isAll || (emit === "ts" && target === undefined) ? moduleTargets : [target ?? "portable"];
}

async function compileKernels(job: Job): Promise<void> {
  const { args, session, program, options, path, weights, outputs, time } = job;
  const { arithmetic } = program;
  const given = await targetsFor(job);
  const targets = given.map((target) => profileOf(target, targetsOf(program.options.plugins)));
  const isMapped = args.value("--source-map") !== undefined;
  const how = { ...partitionOf(args), ...(isMapped && { singleKernel: true }) };
  const compiled = compileVariants(program.module, { ...options, ...arithmetic, ...how, targets });
  reportRemarks(compiled.remarks, args, session);
  time("passes and code generation");
  if (args.has("--explain-schedule")) {
    explainSchedules(compiled.plans, targets, arithmetic, args, session);
    return;
  }
  if (args.has("--prove")) {
    // No other command needs it.
    const { proveKernels } = await import("./prove-kernels.ts");
    proveKernels(compiled, targets, arithmetic, session);
    time("proofs");
  }
  const forms = args.has("--minify") ? compiled.kernels.map((list) => list.map(minifyKernel)) : compiled.kernels;
  const kernels = forms.map(leastDemanding);
  writeDump(args, kernels, outputs);
  if (weights !== undefined) {
    const { writeWeights } = await weightFiles();
    const tensors = await tensorsOf(compiled.module, args, session);
    writeWeights(compiled.module, tensors, { weights, output: path }, outputs, session);
  }
  if (job.emit === "plan") outputs.write(path, compiled.plans.map(printPlan).join("\n"));
  else if (isModule(job.emit)) {
    const { moduleText } = await import("./emit-modules.ts");
    outputs.write(path, moduleText(job.emit, compiled.plans, forms, shownPath(args.operand.text, "stdin")));
  } else writeForms(job, compiled.plans, kernels, targets[0] as TargetProfile);
}

/** Writes kernels as WGSL, as JSON, or as programs of the kernel IR. */
function writeForms(
  { args, session, program, emit, path, outputs }: Job,
  plans: readonly Plan[],
  kernels: readonly Kernel[],
  target: TargetProfile,
): void {
  const { io } = session;
  const map = args.value("--source-map");
  const launches = plans.flatMap(launchesOf);
  const programOf = ({ name }: Kernel) => {
    const { fn, tile, product } = launches.find((launch) => launch.fn.name === name) as Launch;
    const programs =
      product === undefined
        ? generate(fn, target, program.arithmetic, tile).programs
        : [generateProduct(fn, target, product).program];
    return programs.map(printProgram).join("\n");
  };
  if (emit !== "json") {
    sayOpaque(plans, session);
    checkFolder(args.value("--output"), plans.length, kernels.length, io);
  }
  writeKernels(withKernels(plans, kernels), path, emit, outputs, io, emit === "kernel" ? programOf : undefined);
  const place = { program: args.operand.text, output: path, emit };
  if (map !== undefined) writeSourceMaps(kernels, { ...place, map: map.text }, outputs, io);
}

/** Says which ops are left to the caller. */
function sayOpaque(plans: readonly Plan[], session: Session): void {
  for (const plan of plans) {
    const names = new Set(opaqueStepsOf(plan).map((step) => opaqueOp(step).name));
    if (names.size === 0) continue;
    const how = "--emit plan shows their steps, --products=plain adds kernels";
    session.say(`${plan.fn.name}: no kernel computes its ${[...names].join(", ")} (${how})`);
  }
}

/** Options without effect on some outputs, and why. */
const withoutEffect: readonly (readonly [option: string, emit: readonly string[], why: string])[] = [
  ["--source-map", ["tir", "kernel", "plan", "ts", "typegpu", "rust"], "its output is not WGSL"],
  ["--minify", ["tir", "kernel", "plan"], "its output is not WGSL"],
  ["--prove", ["tir"], "it proves kernels, and none is compiled"],
];

/** Throws E0709. */
function checkEmit(args: Arguments, emit: string): void {
  const found = withoutEffect.find(([option, outputs]) => args.has(option) && outputs.includes(emit));
  if (found !== undefined) fail(cliErrors.conflict(args.spanOf(found[0]), found[0], `--emit ${emit}`, found[2]));
}

function readWeightsPath(args: Arguments): string | undefined {
  const word = args.value("--weights-out");
  if (word?.text === "-")
    fail(cliErrors.wrongValue(word.span, "--weights-out", "-", "the name of a file", ["weights.safetensors"]));
  return word?.text;
}

function reportTime(parse: number, rest: number, what: string, session: Session): void {
  const line = (milliseconds: number, text: string) => `${milliseconds.toFixed(2).padStart(10)} ms  ${text}`;
  session.tell([line(parse, "reading and parsing"), line(rest, what)]);
}
