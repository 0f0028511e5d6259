/** Runs passes over a module, without mutating it, and verifies the result of every pass. */

import * as passMessages from "../diagnostics/areas/pipelines.ts";
import { aString, checkArgument, eitherOf, isRecord, type Kind, listOf } from "../diagnostics/arguments.ts";
import { type Diagnostic, fail, refusedBy, saidBy, TircError } from "../diagnostics/diagnostic.ts";
import { progress } from "../diagnostics/progress.ts";
import { checkModule } from "../ir/arguments.ts";
import { sameModule } from "../ir/equal.ts";
import { type Fn, type Module, makeModule } from "../ir/ir.ts";
import { lazily } from "../ir/lazily.ts";
import { verifyFn, verifySignature } from "../ir/verify.ts";
import { wrongClaims } from "../pass/check-provenance.ts";
import type { Pass, PassContext, PassRegistry } from "../pass/define-pass.ts";
import type { PassOutput } from "../pass/facts.ts";
import { printFacts } from "../pass/print-facts.ts";
import { ExactCheck, type Verification, verification } from "./exact-check.ts";
import { History, type PassRun, passRun } from "./history.ts";
import type { Instrument, PassEnd, PassStart } from "./instrument.ts";
import { parsePipeline, printPipeline, printStep, type Step, stepOf, withoutPasses } from "./pipeline.ts";
import { addTo, Report } from "./report.ts";

/** A pass with options: `{ pass: eliminateCentering, options: { mode: "lossy" } }`. */
export interface PassWithOptions {
  readonly pass: Pass;
  readonly options?: Readonly<Record<string, string | number | boolean>>;
}

/** Options of a pass manager. */
export interface PassManagerOptions {
  readonly instruments?: readonly Instrument[];
  /** Names of passes to skip. */
  readonly disabled?: readonly string[];
  /** The builtin passes and pipelines that pipeline text may name; none by default. */
  readonly builtins?: PassRegistry;
  /** Further passes that pipeline text may name. */
  readonly registry?: readonly Pass[];
  /**
   * What to check after every pass: `true` (the default), that the IR is well formed, and for passes that are not
   * builtin that the function is the same; `"exact"`, both for all passes; `false`, nothing.
   */
  readonly verify?: Verification;
}

/** The time of a pass. */
export interface PassTiming {
  readonly pass: string;
  readonly milliseconds: number;
}

/** The result of a pipeline, and what the passes reported. */
export interface PassResult {
  readonly module: Module;
  /** The names of the passes that changed something, in order. */
  readonly changed: readonly string[];
  readonly remarks: readonly Diagnostic[];
  /** The facts of each pass, and the provenance of values. */
  readonly history: History;
  readonly timings: readonly PassTiming[];
  /** Counts by pass and statistic. */
  readonly statistics: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Assumptions of passes without which their functions would not be the same. */
  readonly assumed: readonly PassAssumption[];
}

/** An assumption of a pass. */
export interface PassAssumption {
  readonly pass: string;
  readonly because: string;
}

/** Thrown if a pass is at fault, not the program: it threw, or its result is not well formed. */
export class PassFailure extends Error {
  readonly pass: string;
  readonly diagnostic: Diagnostic;

  constructor(pass: string, diagnostic: Diagnostic, cause?: unknown) {
    super([`[${diagnostic.code}] ${diagnostic.message}`, ...diagnostic.notes].join("\n"), { cause });
    this.name = "PassFailure";
    this.pass = pass;
    this.diagnostic = diagnostic;
  }
}

/** A pipeline as text, or a list of such texts, passes, and passes with options. */
export type PassList = string | readonly (string | Pass | PassWithOptions)[];

const aPass: Kind = { what: "a pass", holds: (value) => isRecord(value) && typeof value.run === "function" };
const aPassWithOptions: Kind = {
  what: "a pass with options",
  holds: (value) => isRecord(value) && aPass.holds(value.pass),
};

export const passList: Kind = eitherOf(
  { ...aString, what: "a pipeline" },
  listOf("pipelines and passes", eitherOf({ ...aString, what: "a pipeline" }, aPass, aPassWithOptions)),
);

const noPasses: PassRegistry = { passes: [], pipelines: {} };

/** Runs a pipeline over modules. `String(manager)` is the pipeline as text. */
export class PassManager {
  readonly steps: readonly Step[];
  private readonly options: PassManagerOptions;

  /**
   * @param passes a pipeline as text, or a list of such texts, passes, and passes with options.
   * @throws TircError E0301 to E0304 if a text is wrong.
   */
  constructor(passes: PassList, options: PassManagerOptions = {}) {
    checkArgument("the pipeline", "PassManager", passes, passList);
    const list = typeof passes === "string" ? [passes] : passes;
    const own = list.flatMap((item) => (typeof item === "string" ? [] : "pass" in item ? [item.pass] : [item]));
    const { builtins = noPasses, registry: others = [], disabled = [] } = options;
    // A given pass takes precedence over a builtin one of the same name.
    const registry = { ...builtins, passes: [...own, ...others, ...builtins.passes] };
    for (const name of disabled) {
      const names = registry.passes.map((pass) => pass.name);
      if (!names.includes(name)) fail(passMessages.unknownPass(undefined, name, names));
    }
    this.options = options;
    const steps = list.flatMap((item) => {
      if (typeof item === "string") return parsePipeline(item, registry);
      return "pass" in item ? [stepOf(item.pass, item.options)] : [stepOf(item)];
    });
    this.steps = withoutPasses(steps, disabled);
  }

  /** The pipeline as text, without disabled passes. */
  toString(): string {
    return printPipeline(this.steps);
  }

  /**
   * @throws TircError if a pass rejects the program, or E04xx if `module` itself is not well formed.
   * @throws PassFailure E0305, E0306 or E0309 if a pass is at fault.
   */
  run(module: Module): PassResult {
    checkModule("PassManager.run", module);
    const { instruments = [], verify = verification.byDefault } = this.options;
    if (verify !== false) {
      const found = module.fns.flatMap(verifyFn);
      if (found.length > 0) throw new TircError(found);
    }
    const run = new Run(module, this.options);
    for (const instrument of instruments) instrument.begin?.(module, this.toString());
    run.steps(this.steps);
    for (const instrument of instruments) instrument.end?.(run.module);
    return run.result();
  }
}

/** A run of a pipeline: the current module, and everything that passes have reported. */
class Run {
  module: Module;
  /** In a long program the remarks take more memory than the facts, so they are printed when they are read. */
  private remarks: (() => readonly Diagnostic[])[] = [];
  private readonly runs: PassRun[] = [];
  private readonly changed: string[] = [];
  private readonly timings: PassTiming[] = [];
  private readonly statistics: Record<string, Record<string, number>> = {};
  private readonly assumed: PassAssumption[] = [];
  private readonly options: PassManagerOptions;
  private readonly verify: Verification;
  private readonly exact = new ExactCheck();
  private index = 0;

  constructor(module: Module, options: PassManagerOptions) {
    this.module = module;
    this.options = options;
    this.verify = options.verify ?? verification.byDefault;
  }

  result(): PassResult {
    const { module, changed, runs, timings, statistics, assumed } = this;
    const all = this.remarks;
    const remarks = lazily(() => all.flatMap((said) => said()));
    return {
      ...{ module, changed, history: new History(runs), timings, statistics, assumed },
      get remarks() {
        return remarks();
      },
    };
  }

  /** @param after the pipeline after these steps. */
  steps(steps: readonly Step[], after: readonly Step[] = []): void {
    for (const [i, step] of steps.entries()) {
      const rest = [...steps.slice(i + 1), ...after];
      if (step.kind === "fixpoint") this.fixpoint(step, rest);
      else this.pass(step, rest);
    }
  }

  /** Only remarks of the last round are kept, as those of earlier rounds are about a previous program. */
  private fixpoint(step: Step & { kind: "fixpoint" }, after: readonly Step[]): void {
    const before = this.remarks;
    for (let round = 1; round <= step.limit; round++) {
      const start = this.module;
      this.remarks = [...before];
      this.steps(step.steps, [step, ...after]);
      if (this.module === start || sameModule(this.module, start)) return;
    }
    const noFixpoint = passMessages.noFixpoint(printPipeline(step.steps), step.limit);
    this.remarks.push(() => [noFixpoint]);
  }

  private pass(step: Step & { kind: "pass" }, after: readonly Step[]): void {
    const { instruments = [] } = this.options;
    const { pass, options } = step;
    const event: PassStart = { pass, text: printStep(step), index: this.index++, module: this.module };
    for (const instrument of instruments) instrument.beforePass?.(event);
    progress(() => pass.name);
    const report = new Report(pass.name, this.module, options);
    let checked: ReturnType<Run["checked"]>;
    try {
      checked = this.checked(pass, report);
    } catch (error) {
      const rest = printPipeline([step, ...after]);
      for (const instrument of instruments) instrument.failed?.({ ...event, error, rest });
      throw error;
    }
    const end = this.accept(event, report, ...checked);
    for (const instrument of instruments) instrument.afterPass?.(end);
  }

  /** The outputs of a pass, one for each function, and how many milliseconds it took. */
  private checked(pass: Pass, report: Report): readonly [readonly PassOutput[], number] {
    const checks = this.verify !== false;
    const start = performance.now();
    const outputs = this.module.fns.map((fn) => runOn(fn, pass, report.context, checks));
    const milliseconds = performance.now() - start;
    this.compare(pass, outputs, report);
    if (checks) checkClaims(pass, this.module.fns, outputs);
    return [outputs, milliseconds];
  }

  /** Takes over what a pass made and said. */
  private accept(event: PassStart, report: Report, outputs: readonly PassOutput[], milliseconds: number): PassEnd {
    const { pass, text, module: given } = event;
    const { statistics } = report;
    const fns = [...outputs.map(({ fn }) => fn), ...outputs.flatMap(({ beside = [] }) => beside)];
    const changed = fns.some((fn, i) => fn !== given.fns[i]);
    const result = changed ? makeModule(fns, report.consts) : given;
    this.module = result;
    const run = passRun({ text, given, made: result }, outputs);
    const { facts, provenance } = run;
    this.runs.push(run);
    const remarks = lazily(() => [...printFacts(facts).map((one) => saidBy(pass.name, one)), ...report.remarks]);
    this.remarks.push(remarks);
    this.timings.push({ pass: text, milliseconds });
    if (changed) this.changed.push(pass.name);
    this.statistics[pass.name] ??= {};
    const counts = this.statistics[pass.name] as Record<string, number>;
    for (const [name, amount] of Object.entries(statistics)) addTo(counts, name, amount);
    return {
      ...{ ...event, result, changed, milliseconds, statistics, facts, provenance },
      get remarks() {
        return remarks();
      },
    };
  }

  /** @throws PassFailure E0309 if the pass changed what the function computes. */
  private compare(pass: Pass, made: readonly PassOutput[], report: Report): void {
    const isOwn = this.options.builtins?.passes.includes(pass) !== true;
    if (this.verify !== "exact" && !(this.verify && isOwn)) return;
    const { error, warnings, assumed } = this.exact.check(pass.name, this.module, made, report);
    if (error !== undefined) throw new PassFailure(pass.name, error);
    this.remarks.push(() => warnings);
    for (const { because } of assumed) this.assumed.push({ pass: pass.name, because });
  }
}

function runOn(fn: Fn, pass: Pass, context: PassContext<unknown>, verify: boolean): PassOutput {
  let output: PassOutput;
  try {
    const returned = pass.run(fn, context);
    output = returned !== undefined && "fn" in returned ? returned : { fn: returned };
    if (!Array.isArray(output.fn?.ops)) throw new TypeError("it returned no function");
  } catch (caught) {
    if (caught instanceof TircError)
      throw new TircError(caught.diagnostics.map((found) => refusedBy(pass.name, found)));
    const message = caught instanceof Error ? caught.message : String(caught);
    throw new PassFailure(pass.name, passMessages.passThrew(pass.name, fn.name, fn.span, message), caught);
  }
  if (!verify) return output;
  const { fn: result, beside = [] } = output;
  const own = result === fn ? [] : [...verifyFn(result), ...verifySignature(fn, result)];
  const found = [...own, ...beside.flatMap(verifyFn)];
  if (found.length > 0) throw new PassFailure(pass.name, passMessages.brokeIr(pass.name, fn.name, found));
  return output;
}

/** @throws PassFailure E0308 if claims of the pass about values are inconsistent. */
function checkClaims(pass: Pass, given: readonly Fn[], outputs: readonly PassOutput[]): void {
  for (const [i, fn] of given.entries()) {
    const wrong = wrongClaims(fn, outputs[i] as PassOutput);
    if (wrong.length > 0) throw new PassFailure(pass.name, passMessages.wrongClaims(pass.name, fn, wrong));
  }
}
