/** `tirc passes`. */

import { builtins } from "../../passes/index.ts";
import { passesOf } from "../driver/plugin.ts";
import type { OptionDef, Pass } from "../pass/define-pass.ts";
import type { Arguments } from "./arguments.ts";
import { loadPlugins } from "./plugins.ts";
import { linesOf, type Session } from "./session.ts";

export async function passesCommand(args: Arguments, session: Session): Promise<number> {
  const all = [...builtins.passes, ...passesOf(await loadPlugins(args, session))];
  session.result(args.has("--json"), asData(all), linesOf(asText(all)));
  return 0;
}

function asData(all: readonly Pass[]) {
  const passes = all.map(({ name, summary, example, options }) => ({ name, summary, example, options }));
  return { passes, pipelines: builtins.pipelines };
}

function asText(all: readonly Pass[]): string {
  const pipelines = Object.entries(builtins.pipelines).map(([name, list]) => `${name}: ${list.join(",")}\n`);
  return `${all.map(passText).join("\n")}\n${pipelines.join("")}`;
}

function passText({ name, summary, example, options }: Pass): string {
  const lines = [summary, ...(example === undefined ? [] : ["", ...example.split("\n").map((line) => `  ${line}`)])];
  const described = Object.entries(options).map(([option, def]) => `${option}=${valuesOf(def)}  ${def.summary}`);
  const all = [...lines, ...(described.length > 0 ? ["", ...described] : [])];
  return `${name}\n${all.map((line) => `    ${line}`.trimEnd()).join("\n")}\n`;
}

function valuesOf(def: OptionDef): string {
  const words = { boolean: "true|false", integer: "N", numbers: "N+N+...", names: "all|none|NAME+NAME+..." } as const;
  const values = def.type === "choice" ? def.choices.join("|") : words[def.type];
  return `${values} (default ${def.default})`;
}
