/** Everything the page shows of a program, as plain data that a worker can send to the page. */

import { lineColumn } from "../../src/diagnostics/source.ts";
import { compileFunction, optimize } from "../../src/driver/compile.ts";
import { type NormRecord, normRecords } from "../../src/driver/norm-records.ts";
import type { Module } from "../../src/ir/ir.ts";
import { print } from "../../src/ir/print.ts";
import { parse } from "../../src/parse/parse.ts";
import type { Instrument } from "../../src/pass-manager/instrument.ts";
import { lineDiff } from "../../src/pass-manager/line-diff.ts";
import { isOneKernel } from "../../src/plan/plan.ts";
import { printPlan } from "../../src/plan/print.ts";
import type { Kernel } from "../../src/target/manifest.ts";
import { profileOf, type TargetProfile } from "../../src/target/target.ts";
import { startingDims } from "../run/dims.ts";
import { fileName, type Message, messageOf, messagesOf, type Place, placeOf } from "./messages.ts";
import { pipeline } from "./pipeline.ts";

export interface AnalyzeRequest {
  readonly text: string;
  /** The name of a built-in target, or a profile. */
  readonly target: string | TargetProfile;
}

/** The IR after a pass. `text` also contains the lines that the pass removed. */
export interface PassView {
  readonly name: string;
  readonly text: string;
  /** 1-based lines of `text`. */
  readonly added: readonly number[];
  readonly removed: readonly number[];
}

export interface NormView extends Omit<NormRecord, "span" | "centers"> {
  readonly place: Place;
}

export interface FunctionView {
  readonly name: string;
  /** The initial extents of a run. */
  readonly dims: Readonly<Record<string, number>>;
  /** In launch order; empty if the function is refused for this target, and then `problems` says why. */
  readonly kernels: readonly KernelView[];
  /** The launches in order, with what each computes, if there are several kernels. */
  readonly plan: string | undefined;
}

export interface KernelView {
  readonly kernel: Kernel;
  /** For each line of the kernel, the program lines it was generated from. */
  readonly sources: readonly (readonly number[])[];
}

export interface Analysis {
  /** Errors and warnings. */
  readonly problems: readonly Message[];
  /** `undefined` if the text is not a valid program. */
  readonly program: ProgramView | undefined;
}

export interface ProgramView {
  /** The program as parsed, then one entry per pass. */
  readonly passes: readonly PassView[];
  readonly remarks: readonly Message[];
  readonly norms: readonly NormView[];
  readonly functions: readonly FunctionView[];
}

/** Never throws: every error becomes one of the problems. */
export function analyze({ text, target }: AnalyzeRequest): Analysis {
  const problems: Message[] = [];
  const attempt = <T>(step: () => T): T | undefined => {
    try {
      return step();
    } catch (caught) {
      problems.push(...messagesOf(caught));
      return undefined;
    }
  };
  const module = attempt(() => parse(text, { file: fileName }));
  const program = module && attempt(() => programView(module, target, attempt));
  return { problems, program };
}

type Attempt = <T>(step: () => T) => T | undefined;

function programView(module: Module, target: AnalyzeRequest["target"], attempt: Attempt): ProgramView | undefined {
  const steps: { name: string; module: Module }[] = [{ name: "input", module }];
  const record: Instrument = {
    afterPass(event) {
      steps.push({ name: event.pass.name, module: event.result });
    },
  };
  const optimized = attempt(() => optimize(module, { passes: pipeline, instruments: [record] }));
  if (optimized === undefined) return undefined;
  const profile = attempt(() => profileOf(target));
  return {
    passes: passViews(steps),
    remarks: optimized.remarks.map(messageOf),
    norms: normRecords(optimized.history).map(({ span, centers: _, ...rest }) => ({ ...rest, place: placeOf(span) })),
    functions: optimized.module.fns.map((fn) => {
      const names = optimized.module.fns.map(({ name }) => name);
      const compiled = profile && attempt(() => compileFunction(fn, names, [profile], { products: "plain" }));
      const kernels = (compiled?.kernels.flat() ?? []).map((kernel) => ({ kernel, sources: sourceLines(kernel) }));
      const plan = compiled && !isOneKernel(compiled.plan) ? printPlan(compiled.plan).trimEnd() : undefined;
      return { name: fn.name, dims: attempt(() => startingDims(fn)) ?? {}, kernels, plan };
    }),
  };
}

/** For each line of the kernel, the program lines it was generated from; empty if it serves several ops. */
function sourceLines({ sourceMap: map }: Kernel): number[][] {
  if (map === undefined) return [];
  return map.lines.map((range) => {
    if (range === null) return [];
    const first = lineColumn(map.source, range[0]).line;
    const last = lineColumn(map.source, Math.max(range[0], range[1] - 1)).line;
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

function passViews(steps: readonly { name: string; module: Module }[]): PassView[] {
  let text = "";
  return steps.map(({ name, module }, i) => {
    // A pass that changes nothing returns the same module.
    if (module === steps[i - 1]?.module) return { name, text, added: [], removed: [] };
    const before = text;
    text = print(module).trimEnd();
    if (i === 0) return { name, text, added: [], removed: [] };
    const lines = lineDiff(before, text);
    const numbers = (kind: string) => lines.flatMap((line, at) => (line.kind === kind ? [at + 1] : []));
    const both = lines.map((line) => line.text).join("\n");
    return { name, text: both, added: numbers("added"), removed: numbers("removed") };
  });
}
