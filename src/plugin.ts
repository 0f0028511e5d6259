/**
 * What a user's module adds to the compiler: `--plugin FILE` loads one, and `compile` takes them as an option. After
 * MLIR's pass and dialect plugins: what is added stands in the same registries as what comes with the compiler.
 */

import { builtinTargets, checkTarget, type TargetProfile } from "../codegen/target.ts";
import { builtinPasses } from "../passes/index.ts";
import { type Diagnostic, fail, TircError } from "./diagnostics/diagnostic.ts";
import { type PluginPlace, pluginErrors } from "./diagnostics/errors-plugins.ts";
import type { Page } from "./diagnostics/page.ts";
import { type OwnOp, registerOps } from "./ir/ops/own.ts";
import type { Pass } from "./pass/define-pass.ts";
import type { Instrument } from "./pass-manager/instrument.ts";
import { namedPipelines } from "./pass-manager/pipeline.ts";

/** What a plugin adds; any of it may be missing. */
export interface Plugin {
  /** What messages call it; if missing, the file that it was loaded from. */
  readonly name?: string;
  /** Passes that pipelines may name. */
  readonly passes?: readonly Pass[];
  /** Watch every pipeline that runs. */
  readonly instruments?: readonly Instrument[];
  /** Targets that may be named. */
  readonly targets?: readonly TargetProfile[];
  /** Ops that programs may call, by name. */
  readonly ops?: Readonly<Record<string, OwnOp>>;
  /** Pages of the diagnostics that its passes give, by code, for `tirc explain`. */
  readonly pages?: Readonly<Record<string, Page>>;
}

/** A plugin as it is, with the types of its parts checked. */
export function definePlugin(plugin: Plugin): Plugin {
  return plugin;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function described(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (isObject(value)) return "an object";
  return typeof value === "function" ? "a function" : (JSON.stringify(value) ?? "missing");
}

const isPassName = (name: unknown) => typeof name === "string" && /^[A-Za-z][\w.+-]*$/.test(name);
const isPass = (value: unknown) =>
  isObject(value) &&
  isPassName(value.name) &&
  typeof value.summary === "string" &&
  isObject(value.options) &&
  typeof value.run === "function";
const isPage = (value: unknown) =>
  isObject(value) && ["title", "explanation", "wrong", "fix"].every((key) => typeof value[key] === "string");

/** What each part must be, one item and the whole. */
const parts: Readonly<Record<keyof Plugin, readonly [expected: string, holds: (value: unknown) => boolean]>> = {
  name: ["a string", (value) => typeof value === "string"],
  passes: ["a list of passes, as `definePass` makes them", (value) => Array.isArray(value) && value.every(isPass)],
  instruments: ["a list of instruments", (value) => Array.isArray(value) && value.every(isObject)],
  targets: ["a list of target profiles", (value) => Array.isArray(value) && value.every(isObject)],
  ops: ["an object with a row for each op", (value) => isObject(value) && Object.values(value).every(isObject)],
  pages: ["an object with a page for each code", (value) => isObject(value) && Object.values(value).every(isPage)],
};

/** A plugin whose ops are in the op table, until they are taken out again. */
export interface Installed {
  readonly plugin: Plugin;
  readonly uninstall: () => void;
}

/**
 * Checks a plugin that came from outside, and adds its ops to the op table.
 * @param before plugins that are there already, whose names it must not take again.
 * @param codes those of the compiler's own pages, which only a command that loads plugins has to know.
 * @throws TircError with every E0761, E0762 and, of targets, E0592 and E0593.
 */
export function installPlugin(
  value: unknown,
  place: PluginPlace,
  before: readonly Plugin[],
  codes: readonly string[],
): Installed {
  if (!isObject(value)) fail(pluginErrors.wrongPart(place, "default", "a plugin", described(value)));
  const found: Diagnostic[] = [];
  const known = Object.keys(parts);
  for (const [key, part] of Object.entries(value)) {
    const rule = known.includes(key) ? parts[key as keyof Plugin] : undefined;
    if (rule === undefined) found.push(pluginErrors.unknownPart(place, key, known));
    else if (part !== undefined && !rule[1](part)) {
      found.push(pluginErrors.wrongPart(place, key, rule[0], described(part)));
    }
  }
  if (found.length > 0) fail(...found);
  const plugin = { name: place.name, ...value } as Plugin;
  const names = (own: readonly string[], others: readonly string[], what: string) => {
    const taken = new Set(others);
    for (const name of own) {
      if (taken.has(name)) found.push(pluginErrors.taken(place, what, name));
      taken.add(name);
    }
  };
  const named = (all: readonly { readonly name: string }[]) => all.map(({ name }) => name);
  const pagesOf = ({ pages = {} }: Plugin) => Object.keys(pages);
  const pipelines = [...Object.keys(namedPipelines), "fixpoint"];
  names(named(plugin.passes ?? []), [...named([...builtinPasses, ...passesOf(before)]), ...pipelines], "pass");
  names(named(plugin.targets ?? []), named([...builtinTargets, ...targetsOf(before)]), "target");
  names(pagesOf(plugin), [...codes, ...before.flatMap(pagesOf)], "page");
  const targets = (plugin.targets ?? []).map((target) => collect(() => checkTarget(target, place.name), found));
  const { ops = {} } = plugin;
  const uninstall = found.length === 0 ? collect(() => registerOps(ops, place), found) : undefined;
  if (found.length > 0) fail(...found);
  return { plugin: { ...plugin, targets: targets as TargetProfile[] }, uninstall: uninstall ?? (() => {}) };
}

function collect<T>(check: () => T, found: Diagnostic[]): T | undefined {
  try {
    return check();
  } catch (caught) {
    if (!(caught instanceof TircError)) throw caught;
    found.push(...caught.diagnostics);
    return undefined;
  }
}

export const passesOf = (plugins: readonly Plugin[]): Pass[] => plugins.flatMap(({ passes = [] }) => passes);
export const targetsOf = (plugins: readonly Plugin[]): TargetProfile[] =>
  plugins.flatMap(({ targets = [] }) => targets);
export const instrumentsOf = (plugins: readonly Plugin[]): Instrument[] =>
  plugins.flatMap(({ instruments = [] }) => instruments);
