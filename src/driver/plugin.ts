/**
 * Plugins, which extend the compiler: `--plugin FILE` loads one, and `compile` accepts them as an option. After
 * MLIR's pass and dialect plugins: additions are in the same registries as the compiler's own parts.
 */

import { builtins } from "../../passes/index.ts";
import type { PluginPlace } from "../diagnostics/areas/plugins.ts";
import * as pluginErrors from "../diagnostics/areas/plugins.ts";
import { isRecord } from "../diagnostics/arguments.ts";
import { type Diagnostic, fail, TircError } from "../diagnostics/diagnostic.ts";
import type { Page } from "../diagnostics/page.ts";
import { type OwnOp, registerOps } from "../ir/ops/own.ts";
import type { Pass, PassRegistry } from "../pass/define-pass.ts";
import type { Instrument } from "../pass-manager/instrument.ts";
import { builtinTargets, checkTarget, type TargetProfile } from "../target/target.ts";

/** The parts of a plugin, all of which are optional. */
export interface Plugin {
  /** The name in messages; by default the file that it was loaded from. */
  readonly name?: string;
  /** Passes that pipelines may name. */
  readonly passes?: readonly Pass[];
  /** Instruments of every pipeline that runs. */
  readonly instruments?: readonly Instrument[];
  /** Targets that can be selected by name. */
  readonly targets?: readonly TargetProfile[];
  /** Ops that programs may call, by name. */
  readonly ops?: Readonly<Record<string, OwnOp>>;
  /** Pages for the diagnostics of its passes, by code, for `tirc explain`. */
  readonly pages?: Readonly<Record<string, Page>>;
}

/** Returns the plugin unchanged. It checks the types of its parts. */
export function definePlugin(plugin: Plugin): Plugin {
  return plugin;
}

function described(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (isRecord(value)) return "an object";
  return typeof value === "function" ? "a function" : (JSON.stringify(value) ?? "missing");
}

type Rule = readonly [expected: string, holds: (value: unknown) => boolean];
/** A part that is not valid. */
type Fault = readonly [path: string, expected: string, got: unknown];

const text: Rule = ["a string", (value) => typeof value === "string"];
const anObject: Rule = ["an object", isRecord];
const passFields: Readonly<Record<string, Rule>> = {
  name: ["a name", (value) => typeof value === "string" && /^[A-Za-z][\w.+-]*$/.test(value)],
  summary: text,
  options: anObject,
  run: ["a function", (value) => typeof value === "function"],
};
const pageFields = Object.fromEntries(["title", "explanation", "wrong", "fix"].map((key) => [key, text]));

/** The first invalid part of an item. */
function faultOf(path: string, item: unknown, [expected, holds]: Rule, fields: Readonly<Record<string, Rule>> = {}) {
  if (!holds(item)) return [path, expected, item] as const;
  const wrong = Object.entries(fields).find(([key, [, fieldHolds]]) => !fieldHolds((item as object)[key as never]));
  return wrong && ([`${path}.${wrong[0]}`, wrong[1][0], (item as object)[wrong[0] as never]] as const);
}

const listOf =
  (expected: string, item: Rule, fields?: Readonly<Record<string, Rule>>) => (key: string, value: unknown) =>
    faultOf(key, value, [expected, Array.isArray]) ??
    (value as unknown[]).map((one, i) => faultOf(`${key}[${i}]`, one, item, fields)).find((fault) => fault);
const recordOf = (expected: string, fields?: Readonly<Record<string, Rule>>) => (key: string, value: unknown) =>
  faultOf(key, value, [expected, isRecord]) ??
  Object.entries(value as object)
    .map(([name, one]) => faultOf(`${key}.${name}`, one, anObject, fields))
    .find((fault) => fault);

/** The check of each part. */
const parts: Readonly<Record<keyof Plugin, (key: string, value: unknown) => Fault | undefined>> = {
  name: (key, value) => faultOf(key, value, text),
  passes: listOf("a list of passes", ["a pass, as `definePass` makes it", isRecord], passFields),
  instruments: listOf("a list of instruments", ["an instrument", isRecord]),
  targets: listOf("a list of target profiles", ["a target profile", isRecord]),
  ops: recordOf("an object with a row for each op"),
  pages: recordOf("an object with a page for each code", pageFields),
};

/** A plugin whose ops are in the op table until `uninstall` is called. */
export interface Installed {
  readonly plugin: Plugin;
  readonly uninstall: () => void;
}

/**
 * Checks a plugin, and adds its ops to the op table.
 * @param before plugins that are installed already, whose names it must not reuse.
 * @param codes of the compiler's own pages, which it must not reuse.
 * @throws TircError with all E0761 and E0762 and, for targets, E0592 and E0593.
 */
export function installPlugin(
  value: unknown,
  place: PluginPlace,
  before: readonly Plugin[],
  codes: readonly string[],
): Installed {
  if (!isRecord(value)) fail(pluginErrors.wrongPart(place, "default", "a plugin", described(value)));
  const found: Diagnostic[] = [];
  const known = Object.keys(parts);
  for (const [key, part] of Object.entries(value)) {
    const rule = known.includes(key) ? parts[key as keyof Plugin] : undefined;
    if (rule === undefined) found.push(pluginErrors.unknownPart(place, key, known));
    const fault = part === undefined ? undefined : rule?.(key, part);
    if (fault) found.push(pluginErrors.wrongPart(place, fault[0], fault[1], described(fault[2])));
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
  const pipelines = [...Object.keys(builtins.pipelines), "fixpoint"];
  names(named(plugin.passes ?? []), [...named(registryOf(before).passes), ...pipelines], "pass");
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
/** The passes that pipelines may name: those of plugins, and builtin ones. */
export const registryOf = (plugins: readonly Plugin[]): PassRegistry => ({
  ...builtins,
  passes: [...passesOf(plugins), ...builtins.passes],
});
export const targetsOf = (plugins: readonly Plugin[]): TargetProfile[] =>
  plugins.flatMap(({ targets = [] }) => targets);
export const instrumentsOf = (plugins: readonly Plugin[]): Instrument[] =>
  plugins.flatMap(({ instruments = [] }) => instruments);
