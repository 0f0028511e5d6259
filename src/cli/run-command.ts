/** `tirc run`. */

import { type Comparison, compareOutput, referenceOf } from "../compare/compare.ts";
import { brokenContracts, centeredInput } from "../compare/contracts.ts";
import { checkSizes, chooseDims, type InputSource, makeInput } from "../compare/inputs.ts";
import { constantsAfter, hostTensorsOf, planInputs, type Tensors } from "../compare/kernel-inputs.ts";
import { explainNotFinite } from "../compare/not-finite.ts";
import { refuseOpaque } from "../compare/refuse-opaque.ts";
import * as cliErrors from "../diagnostics/areas/command.ts";
import * as compareMessages from "../diagnostics/areas/comparison.ts";
import { type Diagnostic, fail, TircError } from "../diagnostics/diagnostic.ts";
import { listing } from "../diagnostics/wording.ts";
import { compile, optimize } from "../driver/compile.ts";
import { writeNpy } from "../formats/npy.ts";
import { type Constants, interpret } from "../ir/interpret.ts";
import { dimensionNames, type Fn, isLeaf, type Module, type Value } from "../ir/ir.ts";
import { printIndex } from "../ir/tensor.ts";
import { isNarrow } from "../ir/types.ts";
import { planManifest } from "../plan/manifest.ts";
import { isOneKernel, type Plan, productsOf } from "../plan/plan.ts";
import { type HostTensor, tensorOf, tensorsOf, toNumbers } from "../runtime/host-tensor.ts";
import { type Arguments, checkStream, type Word } from "./arguments.ts";
import { filesOfConstants, readConstants } from "./constants.ts";
import { dumpInstruments, dumpOutputs } from "./kernel-files.ts";
import { lossyEffect } from "./lossy-effect.ts";
import { Outputs, writtenBy } from "./outputs.ts";
import { type Program, partitionOf, readProgram, reportRemarks, sayDefaults, together } from "./program-options.ts";
import { readOutputs, readSeed, readSources } from "./run-options.ts";
import { type RunReport, reportJson, reportLines } from "./run-report.ts";
import type { Session } from "./session.ts";

export async function runCommand(args: Arguments, session: Session): Promise<number> {
  const { io } = session;
  checkStream([...args.operands, ...valuesOf(args.values("--in"))], "stdin");
  if (args.has("--adapter") && args.value("--device")?.text === "cpu") {
    const why = "the interpreter uses no adapter";
    fail(cliErrors.conflict(args.spanOf("--adapter"), "--adapter", "--device cpu", why));
  }
  const program = await readProgram(args, session);
  const fn = theFunction(program, args);
  const [sources, outputs, seed] = together(
    () => readSources(args, fn, io),
    () => readOutputs(args, fn),
    () => readSeed(args),
  );
  const written = [...writtenBy(args, "--out"), ...dumpOutputs(args, [])];
  const source = args.operand.text;
  const files = new Outputs(args, session, written, filesOfConstants(program.module, source, io));
  const chosen = chooseDims(fn, sources, program.dims);
  const { extents } = chosen;
  checkSizes(fn, extents, args.has("--compare") || args.value("--device")?.text === "cpu");
  const inputs = Object.fromEntries(
    fn.params.map((param) => {
      const name = param.name as string;
      const source: InputSource = sources.get(name) ?? { kind: "fill", fill: "randn" };
      const made = makeInput(fn, param, source, extents, seed);
      return [name, source.kind === "fill" && source.fill === "randn" ? centeredInput(param, made) : made];
    }),
  );
  sayDefaults(chosen, session);
  const random = fn.params.flatMap(({ name = "" }) => (sources.has(name) ? [] : [name]));
  if (random.length > 0) session.say(randomLine(random));

  const constants = readConstants(program.module, source, io);
  const broken = args.has("--compare") ? brokenContracts(fn, inputs, program.module.consts, constants) : [];
  if (broken.length > 0) fail(...broken);
  const instruments = [...program.options.instruments, ...dumpInstruments(args, files)];
  const options = { ...program.options, instruments };
  const ran = await runOn({ ...program, options }, { inputs, dims: extents, constants }, args, session);
  for (const [name, word] of outputs) files.write(word.text, writeNpy(ran.outputs[name] as HostTensor));
  const halves = (ran.module.fns[0] as Fn).ops.filter(
    (op) => !isLeaf(op) && op.results.some(({ element }) => isNarrow(element)),
  ).length;
  const roundings = program.arithmetic.rounding === "strict" ? Math.max(1, halves) : 1;
  const references = args.has("--compare") ? referenceOf(fn, tensorsOf(inputs), constants) : {};
  const comparisons = new Map(
    Object.entries(references).map(([name, reference]) => {
      return [name, compareOutput(ran.outputs[name] as HostTensor, reference, roundings)];
    }),
  );
  if (ran.remarks.some(({ code }) => code === "R0103")) {
    const after = ran.module.fns[0] as Fn;
    const exact = interpret(fn, tensorsOf(inputs), constants);
    const lossy = interpret(after, tensorsOf(inputs), constantsAfter(ran.module, constants));
    for (const line of lossyEffect(exact, lossy)) session.say(line);
  }
  const report: RunReport = { function: fn.name, ...ran, comparisons };
  const writesToStdout = [...outputs.values()].some((word) => word.text === "-");
  if (args.has("--json")) session.output(reportJson(report));
  else if (writesToStdout) session.tell(reportLines(report));
  else session.print(reportLines(report));
  const fill = (param: Value, source: InputSource) => tensorOf(makeInput(fn, param, source, extents, seed));
  session.report(explainNotFinite(fn, references, { inputs: tensorsOf(inputs), constants, sources, fill }));
  const wrong = wrongOutputs(ran.outputs, comparisons);
  session.report(wrong);
  return wrong.length > 0 ? 1 : 0;
}

function theFunction({ module: { fns } }: Program, args: Arguments): Fn {
  const names = fns.map(({ name }) => name);
  if (fns.length > 1) fail(cliErrors.severalFunctions(args.operand.span, names));
  return fns[0] as Fn;
}

function randomLine([first = "", ...more]: readonly string[]): string {
  const [are, they, them] = more.length > 0 ? ["are", "they are", "them"] : ["is", "it is", "it"];
  return `${listing([first, ...more])} ${are} random, as ${they} not given (set ${them} with --in ${first}=FILE.npy)`;
}

/** The text after `=`. */
function valuesOf(words: readonly Word[]): Word[] {
  return words.map((word) => ({ ...word, text: word.text.slice(word.text.indexOf("=") + 1) }));
}

interface Ran {
  readonly device: string;
  readonly launches: number;
  /** The number of launches that are plain kernels of products. */
  readonly products?: number;
  readonly outputs: Tensors;
  /** After the passes. */
  readonly module: Module;
  readonly remarks: readonly Diagnostic[];
}

interface Given {
  readonly inputs: Tensors;
  readonly constants: Constants;
}

async function runOn(
  program: Program,
  { inputs, constants, dims }: Given & { dims: Readonly<Record<string, number>> },
  args: Arguments,
  session: Session,
): Promise<Ran> {
  const choice = args.value("--device")?.text ?? "auto";
  const { module, options } = program;
  const adapter = args.value("--adapter")?.text;
  const opened = choice === "cpu" ? undefined : await openDevice(choice, adapter, session);
  if (opened === undefined) {
    checkSizes(module.fns[0] as Fn, dims);
    const optimized = optimize(module, options);
    reportRemarks(optimized.remarks, args, session);
    const { module: after } = optimized;
    const results = interpret(after.fns[0] as Fn, tensorsOf(inputs), constantsAfter(after, constants));
    return { device: "cpu (the reference interpreter)", launches: 0, outputs: hostTensorsOf(results), ...optimized };
  }
  try {
    const compiled = compile(module, {
      ...{ ...options, ...program.arithmetic, target: program.target ?? opened.target },
      ...{ ...partitionOf(args), products: "plain" },
    });
    reportRemarks(compiled.remarks, args, session);
    const known = dimensionNames(module.fns[0] as Fn).map((name) => [name, dims[name] as number] as const);
    const extents = Object.fromEntries(known);
    const [kernel] = compiled.kernels as [(typeof compiled.kernels)[0]];
    const [plan] = compiled.plans as [Plan];
    refuseOpaque(plan);
    const all = planInputs(plan, compiled.module, inputs, constants);
    if (isOneKernel(plan)) {
      const { runKernel } = await import("../runtime/prepare.ts");
      return { device: opened.description, ...(await runKernel(opened.device, kernel, all, extents)), ...compiled };
    }
    const { runPlan } = await import("../runtime/prepare-plan.ts");
    const manifest = planManifest(plan);
    const ran = await runPlan(opened.device, { plan: manifest, kernels: compiled.kernels }, all, extents);
    return { device: opened.description, ...ran, products: productsOf(plan).length, ...compiled };
  } finally {
    opened.close();
  }
}

/** `undefined` if there is no device and none is required. */
async function openDevice(choice: string, adapter: string | undefined, session: Session) {
  try {
    const node = await import("../runtime/node.ts");
    return await node.openDevice({ adapter });
  } catch (caught) {
    if (!(caught instanceof TircError) || choice === "gpu" || adapter !== undefined) throw caught;
    for (const { message } of caught.diagnostics) session.say(`running on the reference interpreter: ${message}`);
    return undefined;
  }
}

function wrongOutputs(outputs: Tensors, comparisons: ReadonlyMap<string, Comparison>): Diagnostic[] {
  return [...comparisons].flatMap(([name, { wrong, worst, want, tolerance }]) => {
    if (wrong === 0) return [];
    const got = outputs[name] as HostTensor;
    const at = worst ?? 0;
    const values = {
      at: printIndex(at, got.shape),
      got: String(toNumbers(got)[at]),
      want: String(want[at]),
      count: wrong,
      total: got.data.length,
    };
    return [compareMessages.differs(name, values, tolerance === 0 ? "nothing" : String(tolerance))];
  });
}
