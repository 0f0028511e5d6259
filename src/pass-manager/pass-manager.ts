/** Runs passes over a module. The input is never changed; after every pass the result is verified. */

import * as passMessages from "../diagnostics/areas/pipelines.ts";
import * as diagnosticOf from "../diagnostics/areas/rewrites.ts";
import { type Diagnostic, fail, refusedBy, saidBy, TircError } from "../diagnostics/diagnostic.ts";
import { progress } from "../diagnostics/progress.ts";
import { sameModule } from "../ir/equal.ts";
import type { Law } from "../ir/field/laws.ts";
import { type Fn, type Module, makeModule } from "../ir/ir.ts";
import { verifyFn, verifySignature } from "../ir/verify.ts";
import { wrongClaims } from "../pass/check-provenance.ts";
import type { Assumed, Pass, PassContext, PassRegistry } from "../pass/define-pass.ts";
import type { PassOutput } from "../pass/facts.ts";
import { printFacts } from "../pass/print-facts.ts";
import { ConstTable } from "./const-table.ts";
import { ExactCheck, type Verification, verification } from "./exact-check.ts";
import { History, type PassRun, passRun } from "./history.ts";
import type { Instrument, PassStart } from "./instrument.ts";
import { parsePipeline, printPipeline, printStep, type Step, stepOf, withoutPasses } from "./pipeline.ts";

/** A pass with options: `{ pass: eliminateCentering, options: { mode: "lossy" } }`. */
export interface PassWithOptions {
  readonly pass: Pass;
  readonly options?: Readonly<Record<string, string | number | boolean>>;
}

/** What a pass manager is told beside the pipeline. */
export interface PassManagerOptions {
  readonly instruments?: readonly Instrument[];
  /** Names of passes that are left out wherever the pipeline has them. */
  readonly disabled?: readonly string[];
  /** The passes and pipelines of a compiler, for pipeline text to name; none unless they are given. */
  readonly builtins?: PassRegistry;
  /** Further passes that pipeline text may name. */
  readonly registry?: readonly Pass[];
  /**
   * What to check after every pass: `true` (unless said otherwise), that the IR is well formed, and for passes that are not
   * built in that the function is the same; `"exact"`, that for all passes; `false`, nothing.
   */
  readonly verify?: Verification;
}

/** How long a pass took. */
export interface PassTiming {
  readonly pass: string;
  readonly milliseconds: number;
}

/** What came out, and what the passes did and said. */
export interface PassResult {
  readonly module: Module;
  /** Names of the passes that changed something, in the order in which they ran. */
  readonly changed: readonly string[];
  readonly remarks: readonly Diagnostic[];
  /** What each pass found out, and what became of each value. */
  readonly history: History;
  readonly timings: readonly PassTiming[];
  /** Counts by pass and statistic. */
  readonly statistics: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** What passes took for granted, as far as their functions would not be the same without. */
  readonly assumed: readonly PassAssumption[];
}

/** What a pass took for granted. */
export interface PassAssumption {
  readonly pass: string;
  readonly because: string;
}

/** Thrown where a pass fails in a way that is no fault of the program: it threw, or what it made is not well formed. */
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

const noPasses: PassRegistry = { passes: [], pipelines: {} };

/** Runs a pipeline over modules. `String(manager)` is the pipeline as text. */
export class PassManager {
  readonly steps: readonly Step[];
  private readonly options: PassManagerOptions;

  /**
   * @param passes a pipeline as text, or a list of such texts, passes, and passes with options.
   * @throws TircError E0301 to E0304 where a text is wrong.
   */
  constructor(passes: string | readonly (string | Pass | PassWithOptions)[], options: PassManagerOptions = {}) {
    const list = typeof passes === "string" ? [passes] : passes;
    const own = list.flatMap((item) => (typeof item === "string" ? [] : "pass" in item ? [item.pass] : [item]));
    const { builtins = noPasses, registry: others = [], disabled = [] } = options;
    // A pass that is given goes before one that is built in and has its name.
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

  /** The pipeline as the text that makes it again, without the passes that are disabled. */
  toString(): string {
    return printPipeline(this.steps);
  }

  /**
   * @throws TircError what a pass refuses the program with, or E04xx where `module` itself is not well formed.
   * @throws PassFailure E0305, E0306 or E0309 where a pass is at fault.
   */
  run(module: Module): PassResult {
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

/** One run: the module as it is now, and what has been said about it. */
class Run {
  module: Module;
  private remarks: Diagnostic[] = [];
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
    const { module, changed, remarks, runs, timings, statistics, assumed } = this;
    return { module, changed, remarks, history: new History(runs), timings, statistics, assumed };
  }

  /** `after` is the pipeline that comes when these steps are done. */
  steps(steps: readonly Step[], after: readonly Step[] = []): void {
    for (const [i, step] of steps.entries()) {
      const rest = [...steps.slice(i + 1), ...after];
      if (step.kind === "fixpoint") this.fixpoint(step, rest);
      else this.pass(step, rest);
    }
  }

  /** Remarks are those of the last round: the others are about a program that is no more. */
  private fixpoint(step: Step & { kind: "fixpoint" }, after: readonly Step[]): void {
    const before = this.remarks;
    for (let round = 1; round <= step.limit; round++) {
      const start = this.module;
      this.remarks = [...before];
      this.steps(step.steps, [step, ...after]);
      if (this.module === start || sameModule(this.module, start)) return;
    }
    this.remarks.push(passMessages.noFixpoint(printPipeline(step.steps), step.limit));
  }

  private pass(step: Step & { kind: "pass" }, after: readonly Step[]): void {
    const { instruments = [] } = this.options;
    const { pass, options } = step;
    const event: PassStart = { pass, text: printStep(step), index: this.index++, module: this.module };
    for (const instrument of instruments) instrument.beforePass?.(event);
    progress(() => pass.name);
    const remarks: Diagnostic[] = [];
    const statistics: Record<string, number> = {};
    const assumptions: Assumed[] = [];
    const laws: Law[] = [];
    const table = new ConstTable(this.module);
    const context: PassContext<unknown> = {
      options,
      functions: this.module.fns.map(({ name }) => name),
      consts: table.all,
      computed: (data, hint) => table.computed(data, hint),
      remark: (diagnostic) => void remarks.push(saidBy(pass.name, diagnostic)),
      assume: (assumption) => {
        assumptions.push(assumption);
        const place = "value" in assumption ? assumption.value.span : undefined;
        remarks.push(saidBy(pass.name, diagnosticOf.assumed(place, pass.name, assumption.because)));
      },
      law: (law) => void laws.push(law),
      count: (statistic, amount = 1) => {
        statistics[statistic] = (statistics[statistic] ?? 0) + amount;
      },
    };
    const start = performance.now();
    let outputs: PassOutput[];
    let milliseconds: number;
    try {
      outputs = this.module.fns.map((fn) => runOn(fn, pass, context, this.verify !== false));
      milliseconds = performance.now() - start;
      this.compare(pass, outputs, table.all, { assumptions, laws });
      if (this.verify !== false) checkClaims(pass, this.module.fns, outputs);
    } catch (error) {
      const rest = printPipeline([step, ...after]);
      for (const instrument of instruments) instrument.failed?.({ ...event, error, rest });
      throw error;
    }
    const given = this.module;
    const fns = [...outputs.map(({ fn }) => fn), ...outputs.flatMap(({ beside = [] }) => beside)];
    const changed = fns.some((fn, i) => fn !== given.fns[i]);
    const result = changed ? makeModule(fns, table.all) : given;
    this.module = result;
    const run = passRun({ text: event.text, given, made: result }, outputs);
    const { facts, provenance } = run;
    this.runs.push(run);
    const said = [...printFacts(facts).map((one) => saidBy(pass.name, one)), ...remarks];
    for (const one of said) this.remarks.push(one);
    this.timings.push({ pass: event.text, milliseconds });
    if (changed) this.changed.push(pass.name);
    this.count(pass.name, statistics);
    for (const instrument of instruments) {
      instrument.afterPass?.({ ...event, result, changed, milliseconds, statistics, remarks: said, facts, provenance });
    }
  }

  /** @throws PassFailure E0309 where the pass made another function. */
  private compare(
    pass: Pass,
    made: readonly PassOutput[],
    consts: Module["consts"],
    said: { readonly assumptions: readonly Assumed[]; readonly laws: readonly Law[] },
  ) {
    const isOwn = this.options.builtins?.passes.includes(pass) !== true;
    if (this.verify !== "exact" && !(this.verify && isOwn)) return;
    const { error, warnings, assumed } = this.exact.check(pass.name, this.module, made, consts, said);
    if (error !== undefined) throw new PassFailure(pass.name, error);
    this.remarks.push(...warnings);
    for (const { because } of assumed) this.assumed.push({ pass: pass.name, because });
  }

  private count(pass: string, statistics: Readonly<Record<string, number>>): void {
    const counts = this.statistics[pass] ?? {};
    this.statistics[pass] = counts;
    for (const [name, amount] of Object.entries(statistics)) counts[name] = (counts[name] ?? 0) + amount;
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

/** @throws PassFailure E0308 where what the pass says of values cannot be so. */
function checkClaims(pass: Pass, given: readonly Fn[], outputs: readonly PassOutput[]): void {
  for (const [i, fn] of given.entries()) {
    const wrong = wrongClaims(fn, outputs[i] as PassOutput);
    if (wrong.length > 0) throw new PassFailure(pass.name, passMessages.wrongClaims(pass.name, fn, wrong));
  }
}
