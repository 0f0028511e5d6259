/** Plugins and what they add: E0760 to E0762. */

import { error, type Span } from "../diagnostic.ts";
import type { Entry } from "../page.ts";
import { didYouMeanOr } from "../suggest.ts";
import { code } from "../wording.ts";

/** A plugin, and the place where it is named, if any. */
export interface PluginPlace {
  readonly name: string;
  readonly span?: Span | undefined;
}

export const E0760: Entry = {
  title: "a plugin that cannot be loaded",
  explanation: `\`--plugin FILE\` imports a JavaScript module. Its default export is the plugin, or a function that
takes the library and returns the plugin.`,
  wrong: "tirc compile bert.tir --plugin passes.mjs    # where passes.mjs throws, or is not there",
  fix: `export default ({ definePass, rewriteFn }) => ({
  passes: [definePass({ name: "no-gelu", summary: "...", options: {}, run: (fn) => rewriteFn(fn, rule) })],
})`,
};

export function cannotLoad({ name, span }: PluginPlace, reason: string) {
  return error("E0760", `the plugin ${code(name)} cannot be loaded: ${reason}`, {
    span,
    help: [
      "a plugin is a JavaScript module: `export default { passes: [...] }`",
      `\`node ${name}\` shows where it fails`,
    ],
  });
}

export function noFile({ name, span }: PluginPlace, reason: string) {
  return error("E0760", `the plugin ${code(name)} cannot be loaded: ${reason}`, {
    span,
    help: ["name the plugin's file; its path is relative to the folder in which the command runs"],
  });
}

export const E0761: Entry = {
  title: "an invalid part of a plugin",
  explanation: `A plugin can have \`passes\`, \`instruments\`, \`targets\`, \`ops\` and \`pages\`. Passes are created
by \`definePass\`; a target is a complete profile; an op is a row of the op table, in which columns with defaults may
be left out.`,
  wrong: 'export default { passes: { name: "no-gelu" } }',
  fix: 'export default { passes: [definePass({ name: "no-gelu", summary: "", options: {}, run: (fn) => fn })] }',
};

export function wrongPart({ name, span }: PluginPlace, part: string, expected: string, got: string) {
  return error("E0761", `${code(part)} of the plugin ${code(name)} must be ${expected}, but is ${got}`, {
    span,
    help: ["the types of `definePlugin` and `definePass` show in an editor what each part must be"],
  });
}

export function unknownPart({ name, span }: PluginPlace, part: string, known: readonly string[]) {
  return error("E0761", `the plugin ${code(name)} has a part ${code(part)}, which is not a part of a plugin`, {
    span,
    notes: [`a plugin can have ${known.map(code).join(", ")}`],
    help: didYouMeanOr("leave it out", part, known),
  });
}

export const E0762: Entry = {
  title: "a plugin that redefines something",
  explanation: `A name refers to one pass, target, op or page, whichever plugins are loaded, so that pipelines and
programs are unambiguous.`,
  wrong: 'export default { passes: [definePass({ name: "cse", summary: "", options: {}, run: (fn) => fn })] }',
  fix: 'export default { passes: [definePass({ name: "my-cse", summary: "", options: {}, run: (fn) => fn })] }',
};

export function taken({ name, span }: PluginPlace, what: string, taken: string) {
  return error("E0762", `the plugin ${code(name)} adds the ${what} ${code(taken)}, which already exists`, {
    span,
    help: ["give it another name"],
  });
}
