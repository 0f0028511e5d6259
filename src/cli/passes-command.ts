/** `tirc passes`. */

import { builtinPasses } from "../../passes/index.ts";
import type { OptionDef, Pass } from "../pass/define-pass.ts";
import { namedPipelines } from "../pass-manager/pipeline.ts";
import type { Arguments } from "./arguments.ts";
import type { Session } from "./session.ts";

export async function passesCommand(args: Arguments, { io }: Session): Promise<number> {
  io.stdout(args.has("--json") ? `${JSON.stringify(asData(), null, 2)}\n` : asText());
  return 0;
}

function asData() {
  const passes = builtinPasses.map(({ name, summary, example, options }) => ({ name, summary, example, options }));
  return { passes, pipelines: namedPipelines };
}

function asText(): string {
  const pipelines = Object.entries(namedPipelines).map(([name, list]) => `${name}: ${list.join(",")}\n`);
  return `${builtinPasses.map(passText).join("\n")}\n${pipelines.join("")}`;
}

function passText({ name, summary, example, options }: Pass): string {
  const lines = [summary, ...(example === undefined ? [] : ["", ...example.split("\n").map((line) => `  ${line}`)])];
  const described = Object.entries(options).map(([option, def]) => `${option}=${valuesOf(def)}  ${def.summary}`);
  const all = [...lines, ...(described.length > 0 ? ["", ...described] : [])];
  return `${name}\n${all.map((line) => `    ${line}`.trimEnd()).join("\n")}\n`;
}

function valuesOf(def: OptionDef): string {
  const values = def.type === "choice" ? def.choices.join("|") : def.type === "boolean" ? "true|false" : "N";
  return `${values} (default ${def.default})`;
}
