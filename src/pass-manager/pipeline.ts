/**
 * Pipelines: passes in order, as data and as text.
 *
 *   canonicalize,eliminate-centering{mode=lossy},fixpoint(cse,dce)
 *
 * - step: a pass with its options, or a group that is run until it changes nothing.
 * - registry: the passes that text can name.
 * - named pipeline: a name that stands for steps (`default`); printing shows the steps.
 */

import { type Diagnostic, fail, TircError } from "../diagnostics/diagnostic.ts";
import { pipelineErrors } from "../diagnostics/errors-passes.ts";
import type { OptionValue, Pass } from "../pass/define-pass.ts";
import { checkOption, defaultsOf } from "./options.ts";
import { type NamedPipelines, parsePipeline } from "./parse-pipeline.ts";

export interface PassStep {
  readonly kind: "pass";
  readonly pass: Pass;
  /** A value for every option of the pass. */
  readonly options: Readonly<Record<string, OptionValue>>;
}

export interface FixpointStep {
  readonly kind: "fixpoint";
  readonly steps: readonly Step[];
  /** Rounds at most. */
  readonly limit: number;
}

export type Step = PassStep | FixpointStep;

/** What a pipeline can be made of in code. Text may hold several steps. */
export type PipelineItem =
  | string
  | Pass
  | { readonly pass: Pass | string; readonly options?: Readonly<Record<string, OptionValue>> }
  | { readonly fixpoint: readonly PipelineItem[]; readonly limit?: number };

export const defaultFixpointLimit = 10;

export interface PipelineContext {
  readonly registry: readonly Pass[];
  readonly named: NamedPipelines;
}

/**
 * The steps of a pipeline given as text or as a list.
 * @throws TircError with every E0301 to E0306, E0309 to E0311 in it.
 */
export function buildPipeline(items: string | readonly PipelineItem[], { registry, named }: PipelineContext): Step[] {
  const list = typeof items === "string" ? [items] : items;
  const all = withPassesOf(list, registry);
  const found: Diagnostic[] = [];
  const build = (item: PipelineItem): Step[] => {
    if (typeof item === "string") return collect(() => parsePipeline(item, { registry: all, named }), found);
    if ("fixpoint" in item) {
      const limit = item.limit ?? defaultFixpointLimit;
      found.push(...checkOption("fixpoint", { limit: fixpointLimit }, { name: "limit", value: limit }).problems);
      return [{ kind: "fixpoint", steps: item.fixpoint.flatMap(build), limit }];
    }
    const { pass, options = {} } = "run" in item ? { pass: item } : item;
    const known = typeof pass === "string" ? all.find(({ name }) => name === pass) : pass;
    if (known === undefined) {
      found.push(pipelineErrors.unknownPass(undefined, String(pass), namesOf(all)));
      return [];
    }
    const checked = Object.entries(options).map(([name, value]) =>
      checkOption(known.name, known.options, { name, value }),
    );
    found.push(...checked.flatMap(({ problems }) => problems));
    return [{ kind: "pass", pass: known, options: { ...defaultsOf(known), ...options } }];
  };
  const steps = list.flatMap(build);
  if (found.length > 0) fail(...found);
  return steps;
}

export const fixpointLimit = {
  type: "integer",
  default: defaultFixpointLimit,
  summary: "rounds at most",
} as const;

function collect(call: () => Step[], found: Diagnostic[]): Step[] {
  try {
    return call();
  } catch (caught) {
    if (!(caught instanceof TircError)) throw caught;
    found.push(...caught.diagnostics);
    return [];
  }
}

const namesOf = (passes: readonly Pass[]) => passes.map(({ name }) => name);

/** The registry and the passes that the items bring, each under a name of its own. */
function withPassesOf(items: readonly PipelineItem[], registry: readonly Pass[]): Pass[] {
  const passes = new Set(registry);
  const visit = (item: PipelineItem): void => {
    if (typeof item === "string") return;
    if (typeof item !== "object" || item === null) fail(pipelineErrors.notAPass(String(item)));
    if ("fixpoint" in item && Array.isArray(item.fixpoint)) {
      for (const inner of item.fixpoint) visit(inner);
      return;
    }
    const pass = "pass" in item ? item.pass : item;
    if (typeof pass === "string") return;
    if (typeof (pass as Partial<Pass> | undefined)?.run !== "function" || typeof (pass as Pass).name !== "string") {
      fail(pipelineErrors.notAPass(JSON.stringify(item)));
    }
    passes.add(pass as Pass);
  };
  for (const item of items) visit(item);
  const taken = new Set<string>();
  for (const { name } of passes) {
    if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name)) fail(pipelineErrors.wrongName(name, "it is not kebab-case"));
    if (name === "fixpoint" || name === "default") fail(pipelineErrors.wrongName(name, "pipelines use that word"));
    if (taken.has(name)) fail(pipelineErrors.twoPasses(name));
    taken.add(name);
  }
  return [...passes];
}

/** The text that `buildPipeline` makes the same steps of. Options at their defaults are left out. */
export function printPipeline(steps: readonly Step[]): string {
  return steps.map(printStep).join(",");
}

export function printStep(step: Step): string {
  if (step.kind === "pass") {
    const { name, options: defs } = step.pass;
    const given = Object.entries(step.options).filter(([option, value]) => value !== defs[option]?.default);
    return name + printOptions(given);
  }
  const limit = step.limit === defaultFixpointLimit ? [] : [["limit", step.limit] as const];
  return `fixpoint${printOptions(limit)}(${printPipeline(step.steps)})`;
}

function printOptions(options: readonly (readonly [string, OptionValue])[]): string {
  return options.length === 0 ? "" : `{${options.map(([name, value]) => `${name}=${value}`).join(",")}}`;
}

/** The steps without the passes of these names, and without groups that are empty then. */
export function withoutPasses(steps: readonly Step[], names: readonly string[]): Step[] {
  return steps.flatMap((step): Step[] => {
    if (step.kind === "pass") return names.includes(step.pass.name) ? [] : [step];
    const inner = withoutPasses(step.steps, names);
    return inner.length === 0 ? [] : [{ ...step, steps: inner }];
  });
}
