/** The options common to `compile` and `run`: the pipeline, the target, the instruments, and the program itself. */

import type { ChosenDims } from "../compare/inputs.ts";
import * as cliErrors from "../diagnostics/areas/command.ts";
import * as passMessages from "../diagnostics/areas/pipelines.ts";
import { type Diagnostic, fail, TircError } from "../diagnostics/diagnostic.ts";
import { pipelineOf } from "../driver/check.ts";
import type { CompileOptions } from "../driver/compile.ts";
import { type Plugin, registryOf, targetsOf } from "../driver/plugin.ts";
import { dimensionNames, type Fn, type Module, makeModule } from "../ir/ir.ts";
import { parse } from "../parse/parse.ts";
import type { Pass, PassRegistry } from "../pass/define-pass.ts";
import { type Verification, verification } from "../pass-manager/exact-check.ts";
import type { Instrument } from "../pass-manager/instrument.ts";
import { printIr, reproducer, statistics, timing } from "../pass-manager/instruments.ts";
import { hasPass, parsePipeline, printPipeline, withoutPasses, withPassOptions } from "../pass-manager/pipeline.ts";
import type { Accuracy, KernelOptions, ReductionOption, Rounding, ScheduleOption } from "../target/options.ts";
import { parseTarget, type TargetProfile, targetByName } from "../target/target.ts";
import { type Arguments, assignment, partOf, type Word } from "./arguments.ts";
import { readText, shownPath } from "./files.ts";
import { loadPlugins } from "./plugins.ts";
import { linesOf, type Session } from "./session.ts";

export interface Program {
  /** Of the pass manager: the passes as a text that is checked. The instruments are all but the dump, which writes files. */
  readonly options: Required<Pick<CompileOptions, "plugins" | "passes" | "disabled" | "verify" | "instruments">>;
  /** All functions, or only the one that `--fn` names. */
  readonly module: Module;
  /** `undefined` if none is given, and for `auto`. */
  readonly target: TargetProfile | undefined;
  /** `--target auto`: the current device. */
  readonly isAuto: boolean;
  /** `--target all`: those of a module that must run anywhere. */
  readonly isAll: boolean;
  readonly dims: Readonly<Record<string, number>>;
  /** All extents given for a dimension. */
  readonly sweep: Readonly<Record<string, readonly number[]>>;
  readonly arithmetic: KernelOptions;
  /** Milliseconds taken by reading and parsing. */
  readonly parseTime: number;
}

/** What all of them return; throws all of their errors together. */
export function together<R extends readonly unknown[]>(...reads: { readonly [I in keyof R]: () => R[I] }): R {
  const found: Diagnostic[] = [];
  const values = reads.map((read) => {
    try {
      return read();
    } catch (caught) {
      if (!(caught instanceof TircError)) throw caught;
      found.push(...caught.diagnostics);
      return undefined;
    }
  });
  return found.length > 0 ? fail(...found) : (values as unknown as R);
}

/**
 * @param isSweep whether a dimension may have several extents.
 * @throws TircError with everything that is wrong with these options, or else with the program.
 */
export async function readProgram(args: Arguments, session: Session, isSweep = false): Promise<Program> {
  const plugins = await loadPlugins(args, session);
  const registry = registryOf(plugins);
  const [, , , given, choice, dims] = together(
    () => checkConflicts(args),
    () => checkPassNames(args, registry.passes),
    () => checkFilter(args, registry.passes),
    () => readPipeline(args, registry),
    () => readTargets(args, session, plugins),
    () => readSweep(args, isSweep),
  );
  const path = args.operand;
  const name = shownPath(path.text, "stdin");
  const started = performance.now();
  const text = readText(path.text, session.io);
  const disabled = args.values("--disable-pass").map((word) => word.text);
  const passes = withCentering(given ?? pipelineOf({ name, text }, plugins), disabled, args, registry);
  session.program = { text, pipeline: printPipeline(withoutPasses(parsePipeline(passes, registry), disabled)) };
  const module = choose(parse(text, { file: name }), args.value("--fn"));
  const parseTime = performance.now() - started;
  checkDimNames([...dims.map(({ name }) => name), ...args.values("--specialize")], module.fns);
  return {
    ...{ module, parseTime, ...choice },
    options: {
      ...{ plugins, passes, disabled, instruments: makeInstruments(args, session) },
      verify: readVerification(args.value("--verify-each")),
    },
    dims: Object.fromEntries(dims.map((dim) => [dim.name.text, dim.extents[0] as number])),
    sweep: Object.fromEntries(dims.map((dim) => [dim.name.text, dim.extents])),
    arithmetic: {
      accuracy: args.value("--accuracy")?.text as Accuracy | undefined,
      reduction: args.value("--reduction")?.text as ReductionOption | undefined,
      rounding: args.value("--rounding")?.text as Rounding | undefined,
      schedule: args.value("--schedule")?.text as ScheduleOption | undefined,
      specialize: args.values("--specialize").map(({ text }) => text),
    },
  };
}

/** `--single-kernel`, `--products` and `--split-reductions`. */
export function partitionOf(args: Arguments): Pick<CompileOptions, "singleKernel" | "products" | "splitReductions"> {
  const products = args.value("--products")?.text as CompileOptions["products"];
  const splitReductions = args.value("--split-reductions")?.text as CompileOptions["splitReductions"];
  const singleKernel = args.has("--single-kernel");
  return { singleKernel, ...(products && { products }), ...(splitReductions && { splitReductions }) };
}

function readVerification(word: Word | undefined): Verification {
  if (word === undefined) return verification.byDefault;
  return word.text === "exact" ? "exact" : word.text === "ir";
}

/** Pairs of options one of which would have no effect. */
const conflicts: readonly (readonly [string, string, string])[] = [
  ["-O", "--passes", "both select the passes"],
  ["--print-ir-after-all", "--print-ir-after-change", "one prints everything that the other prints"],
  ["--print-ir-after-all", "--print-ir-after", "one prints everything that the other prints"],
  ["--print-ir-after-change", "--print-ir-after", "both say after which passes to print"],
];

function checkConflicts(args: Arguments): void {
  const found = conflicts.filter(([a, b]) => args.has(a) && args.has(b));
  if (found.length > 0) fail(...found.map(([a, b, why]) => cliErrors.conflict(args.spanOf(a), a, b, why)));
}

function checkPassNames(args: Arguments, passes: readonly Pass[]): void {
  const known = passes.map((pass) => pass.name);
  const words = ["--print-ir-before", "--print-ir-after", "--disable-pass"].flatMap((name) => args.values(name));
  const unknown = words.filter((word) => !known.includes(word.text));
  if (unknown.length > 0) fail(...unknown.map((word) => passMessages.unknownPass(word.span, word.text, known)));
}

function readPipeline(args: Arguments, registry: PassRegistry): string | undefined {
  const level = args.value("-O");
  const word = args.value("--passes");
  if (word !== undefined) parsePipeline(word.text, registry, "--passes");
  return level === undefined ? word?.text : `O${level.text}`;
}

const centering = "eliminate-centering";

/** The pipeline with the options that `--mode` and `--weights-out` imply for centerings. */
function withCentering(passes: string, disabled: readonly string[], args: Arguments, registry: PassRegistry): string {
  const mode = args.value("--mode");
  const weights = args.value("--weights-out");
  if (mode === undefined && weights === undefined) return passes;
  const steps = parsePipeline(passes, registry);
  if (!hasPass(withoutPasses(steps, disabled), centering)) {
    const names = ["--mode", "--weights-out"].filter((name) => args.has(name));
    fail(...names.map((name) => cliErrors.withoutEffect(args.spanOf(name), name, centering)));
  }
  const options = { ...(mode && { mode: mode.text }), ...(weights && { fold: true }) };
  return printPipeline(withPassOptions(steps, centering, options));
}

/** The value of `--target`. */
interface TargetChoice {
  readonly target: TargetProfile | undefined;
  readonly isAuto: boolean;
  readonly isAll: boolean;
}

/**
 * A built-in target or one of a plugin, or the profile in a file whose name ends in `.json`; `auto` and `all`. Throws
 * E059x, and E0705 if several are given where there is one kernel.
 */
function readTargets(args: Arguments, { io }: Session, plugins: readonly Plugin[]): TargetChoice {
  const word = args.value("--target");
  const name = word?.text ?? "";
  const isModule = args.command.name === "compile" && args.value("--emit")?.text === "ts";
  if (word !== undefined && name === "all" && !isModule) fail(cliErrors.severalTargets(word.span, args.command.name));
  const none = { target: undefined, isAuto: name === "auto", isAll: name === "all" };
  if (word === undefined || none.isAuto || none.isAll) return none;
  const isFile = name.endsWith(".json");
  const named = () => targetByName(name, targetsOf(plugins));
  return { ...none, target: isFile ? parseTarget({ name, text: readText(name, io) }) : named() };
}

/** The target of a command without a program; `undefined` if none is given. Opens a device for `auto`. */
export async function readTarget(
  args: Arguments,
  session: Session,
  plugins: readonly Plugin[] = [],
): Promise<TargetProfile | undefined> {
  const { target, isAuto } = readTargets(args, session, plugins);
  return isAuto ? deviceTarget() : target;
}

/** The target for running on this machine. Throws E0620 to E0624 if there is no adapter. */
export async function deviceTarget(): Promise<TargetProfile> {
  const { openDevice } = await import("../runtime/node.ts");
  const { target, close } = await openDevice();
  close();
  return target;
}

const choose = (module: Module, name: Word | undefined): Module =>
  name === undefined ? module : makeModule(functionsNamed(module.fns, name), module.consts);

/** The functions of a name that an option gives; all without one. Throws E0307. */
export function functionsNamed(fns: readonly Fn[], name: Word | undefined): readonly Fn[] {
  if (name === undefined) return fns;
  const found = fns.filter((fn) => fn.name === name.text);
  const names = [...new Set(fns.map((fn) => fn.name))];
  return found.length > 0 ? found : fail(passMessages.unknownFunction(name.text, names, name.span));
}

interface GivenDim {
  readonly name: Word;
  readonly extent: number;
}

/** The extent of each `--dim`. Throws E0705, E0706, E0710. */
export function readDims(args: Arguments): GivenDim[] {
  return readSweep(args, false).map(({ name, extents }) => ({ name, extent: extents[0] as number }));
}

/** A dimension and the extents to use one after the other. */
interface GivenExtents {
  readonly name: Word;
  readonly extents: readonly number[];
}

/** The extents of `--dim`: with `isList` there may be several, `rows=1,64,4096`. Throws E0705, E0706, E0710. */
function readSweep(args: Arguments, isList = true): GivenExtents[] {
  const first = new Map<string, Word>();
  const form = isList ? "NAME=EXTENT,EXTENT" : "NAME=EXTENT";
  const reads = args.values("--dim").map((word) => (): GivenExtents => {
    const { name, value } = assignment(word, "--dim", form);
    const before = first.get(name.text);
    if (before !== undefined) fail(cliErrors.optionTwice(name.span, `--dim ${name.text}`, before.span));
    first.set(name.text, name);
    const extents = (isList ? value.text.split(",") : [value.text]).map((text) => {
      const extent = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
      return extent < 2 ** 32 ? extent : fail(cliErrors.notAnExtent(value.span, name.text, text));
    });
    return { name, extents };
  });
  return together(...reads);
}

/** Throws E0711 for names of dimensions that no function has. */
export function checkDimNames(dims: readonly Word[], fns: readonly Fn[]): void {
  const known = [...new Set(fns.flatMap((fn) => dimensionNames(fn)))];
  const unknown = dims.filter(({ text }) => !known.includes(text));
  if (unknown.length > 0) fail(...unknown.map(({ span, text }) => cliErrors.unknownDimension(span, text, known)));
}

function makeInstruments(args: Arguments, session: Session): Instrument[] {
  const write = (text: string) => session.tell(linesOf(text));
  const names = (option: string) => args.values(option).map((word) => word.text);
  const keep = (text: string) => {
    session.reproducer = text;
  };
  const instruments = [reproducer(keep, session.plugins)];
  const before = names("--print-ir-before");
  const form = args.value("--print-ir-after-change")?.text === "diff" ? "diff" : "whole";
  const some = args.has("--print-ir-after-change") ? "change" : names("--print-ir-after");
  const after = args.has("--print-ir-after-all") ? "all" : some;
  if (before.length > 0 || after.length > 0) instruments.push(printIr({ before, after, form, write }));
  if (args.has("--timing")) instruments.push(timing(write));
  if (args.has("--stats")) instruments.push(statistics(write));
  return instruments;
}

/** `cse,R0102`: the words by which remarks are filtered. */
function filterWords(args: Arguments): Word[] {
  const value = args.value("--remarks");
  return value === undefined
    ? []
    : [...value.text.matchAll(/[^,]+/g)].map((found) => partOf(value, found.index, found[0].length));
}

/** The codes of plugins are not known here, but no name of a pass looks like a code. */
const isCode = (text: string) => /^[A-Z]+\d+$/i.test(text);

/** Throws E0705 for words of `--remarks` that are neither a pass nor a code. */
export function checkFilter(args: Arguments, passes: readonly Pass[]): void {
  const known = passes.map(({ name }) => name);
  const expected = "names of passes and codes of remarks";
  const wrong = filterWords(args).filter(({ text }) => !isCode(text) && !known.includes(text));
  if (wrong.length > 0)
    fail(...wrong.map(({ span, text }) => cliErrors.wrongValue(span, "--remarks", text, expected, known)));
}

/** Says which extents were chosen because nothing gives them. */
export function sayDefaults({ extents, defaults }: ChosenDims, session: Session): void {
  for (const name of defaults)
    session.say(`${name} = ${extents[name]}, as it is not given (set it with --dim ${name}=N)`);
}

/** Prints the passes' diagnostics: warnings always, and remarks on request, filtered by passes and codes. */
export function reportRemarks(remarks: readonly Diagnostic[], args: Arguments, session: Session): void {
  const words = filterWords(args).map(({ text }) => text);
  const codes = words.filter(isCode).map((code) => code.toUpperCase());
  const passes = words.filter((word) => !isCode(word));
  const isAsked = ({ code, pass = "" }: Diagnostic) =>
    args.has("--remarks") &&
    (codes.length === 0 || codes.includes(code)) &&
    (passes.length === 0 || passes.includes(pass));
  session.report(remarks.filter((one) => one.severity !== "remark" || isAsked(one)));
}
