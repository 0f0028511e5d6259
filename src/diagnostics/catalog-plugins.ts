/** The pages of plugins: E0760 to E0762. */

import { program } from "./example.ts";
import type { Page } from "./page.ts";

export const pluginPages = {
  E0760: {
    title: "a plugin that cannot be loaded",
    explanation: `\`--plugin FILE\` imports a JavaScript module. Its default export is the plugin, or a function that is given the library
and returns it.`,
    wrong: "tirc compile bert.tir --plugin passes.mjs    # where passes.mjs throws, or is not there",
    fix: program(
      "export default ({ definePass, rewriteFn }) => ({",
      '  passes: [definePass({ name: "no-gelu", summary: "...", options: {}, run: (fn) => rewriteFn(fn, rule) })],',
      "})",
    ),
  },
  E0761: {
    title: "a part of a plugin is not what it must be",
    explanation: `A plugin has any of \`passes\`, \`instruments\`, \`targets\`, \`ops\` and \`pages\`. Passes are made by \`definePass\`; a target
is a whole profile; an op is a row of the op table without what has a default.`,
    wrong: 'export default { passes: { name: "no-gelu" } }',
    fix: 'export default { passes: [definePass({ name: "no-gelu", summary: "", options: {}, run: (fn) => fn })] }',
  },
  E0762: {
    title: "a plugin adds what there is already",
    explanation: `A name stands for one pass, target, op or page, whichever plugins are loaded, so that a pipeline and a program mean one
thing.`,
    wrong: 'export default { passes: [definePass({ name: "cse", summary: "", options: {}, run: (fn) => fn })] }',
    fix: 'export default { passes: [definePass({ name: "my-cse", summary: "", options: {}, run: (fn) => fn })] }',
  },
} as const satisfies Record<string, Page>;
