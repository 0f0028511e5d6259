/** `tirc compile`. */

import { generate } from "../../codegen/generate.ts";
import { minifyKernel } from "../../codegen/minify.ts";
import { printProgram } from "../../codegen/print.ts";
import { generateProduct } from "../../codegen/product.ts";
import { leastDemanding } from "../../codegen/variants.ts";
import * as cliErrors from "../diagnostics/areas/command.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { compileVariants, optimize } from "../driver/compile.ts";
import { targetsOf } from "../driver/plugin.ts";
import type { Module } from "../ir/ir.ts";
import { print } from "../ir/print.ts";
import { type Launch, launchesOf, opaqueOp, opaqueStepsOf, type Plan } from "../plan/plan.ts";
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
import { deviceTarget, partitionOf, readProgram, reportRemarks } from "./program-options.ts";
import type { Session } from "./session.ts";
import { checkSourceMap, writeSourceMaps } from "./source-maps.ts";

// A short compilation spends most of its time on reading modules: what few need is imported where it is needed.
const constants = () => import("./constants.ts");
const weightFiles = () => import("./weights.ts");

const isModule = (emit: string): emit is ModuleLanguage => ["ts", "typegpu", "rust"].includes(emit);

/** Output is written once all of it is complete. */
export async function compileCommand(args: Arguments, session: Session): Promise<number> {
  const { io } = session;
  const program = await readProgram(args, session);
  const { module, dims } = program;
  const { plugins } = program.options;
  const emit = args.value("--emit")?.text ?? "wgsl";
  const output = args.value("--output");
  const path = output?.text ?? "-";
  const started = performance.now();
  const time = (what: string) => {
    if (args.has("--timing")) reportTime(program.parseTime, performance.now() - started, what, session);
  };
  const source = args.operand.text;
  const weights = readWeightsPath(args);
  const map = args.value("--source-map");
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
  const read = module.consts.length === 0 ? [] : (await constants()).filesOfConstants(module, source, io);
  const outputs = new Outputs(args, session, written, read);
  const tensorsOf = async (module: Module) => (await constants()).readConstants(module, source, io);
  const isProved = args.has("--prove");
  const instruments = [...program.options.instruments, ...dumpInstruments(args, outputs)];
  const options = { ...program.options, instruments, dims, ...(isProved && { verify: "exact" as const }) };
  if (emit === "tir") {
    const { module: result, remarks } = optimize(module, options);
    reportRemarks(remarks, args, session);
    time("passes");
    const { moved, writeWeights } = await weightFiles();
    const placed = moved(result, source, path);
    const final =
      weights === undefined
        ? placed
        : writeWeights(placed, await tensorsOf(result), { weights, output: path }, outputs, session);
    outputs.write(path, print(final));
    return 0;
  }
  const { isAuto, isAll, target: given } = program;
  const target = isAuto ? await deviceTarget() : (given ?? "portable");
  const targets = isAll || (emit === "ts" && given === undefined && !isAuto) ? moduleTargets : [target];
  const profile = (one: string | TargetProfile) => profileOf(one, targetsOf(plugins));
  const compiled = compileVariants(module, {
    ...options,
    ...program.arithmetic,
    targets,
    ...partitionOf(args),
    ...(map !== undefined && { singleKernel: true }),
  });
  const { remarks, module: result } = compiled;
  const forms = args.has("--minify") ? compiled.kernels.map((list) => list.map(minifyKernel)) : compiled.kernels;
  const kernels = forms.map(leastDemanding);
  reportRemarks(remarks, args, session);
  time("passes and code generation");
  if (args.has("--explain-schedule")) {
    explainSchedules(compiled.plans, targets.map(profile), program.arithmetic, args, session);
    return 0;
  }
  if (isProved) {
    // No other command needs it.
    const { proveKernels } = await import("./prove-kernels.ts");
    proveKernels(compiled, targets, program, session);
    time("proofs");
  }
  writeDump(args, kernels, outputs);
  if (weights !== undefined) {
    const { writeWeights } = await weightFiles();
    writeWeights(result, await tensorsOf(result), { weights, output: path }, outputs, session);
  }
  if (emit === "plan") {
    outputs.write(path, compiled.plans.map(printPlan).join("\n"));
    return 0;
  }
  const launches = compiled.plans.map(launchesOf);
  const ofPlan = <T>(list: readonly T[], i: number) => {
    const before = launches.slice(0, i).flat().length;
    return list.slice(before, before + (launches[i]?.length ?? 0));
  };
  if (isModule(emit)) {
    const { moduleText } = await import("./emit-modules.ts");
    outputs.write(path, moduleText(emit, compiled.plans, forms, shownPath(source, "stdin")));
    return 0;
  }
  const functions = compiled.plans.map((plan, i) => ({ plan, kernels: ofPlan(kernels, i) }));
  const programOf = ({ name }: Kernel) => {
    const { fn, tile, product } = launches.flat().find((launch) => launch.fn.name === name) as Launch;
    const made =
      product === undefined
        ? generate(fn, profile(target), program.arithmetic, tile).programs
        : [generateProduct(fn, profile(target), product).program];
    return made.map(printProgram).join("\n");
  };
  if (emit !== "json") sayOpaque(compiled.plans, session);
  if (emit !== "json") checkFolder(output, functions.length, kernels.length, io);
  writeKernels(functions, path, emit, outputs, io, emit === "kernel" ? programOf : undefined);
  if (map !== undefined) writeSourceMaps(kernels, { map: map.text, program: source, output: path, emit }, outputs, io);
  return 0;
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
  if (word?.text === "-") fail(cliErrors.wrongValue(word.span, "--weights-out", "-", "the name of a file"));
  return word?.text;
}

function reportTime(parse: number, rest: number, what: string, session: Session): void {
  const line = (milliseconds: number, text: string) => `${milliseconds.toFixed(2).padStart(10)} ms  ${text}`;
  session.tell([line(parse, "reading and parsing"), line(rest, what)]);
}
