/** `--help`, from the tables of the commands. */

import { wrapText } from "../report/columns.ts";
import type { CommandSpec } from "./arguments.ts";
import { commandSpecs } from "./commands.ts";

const width = 100;

/** Two columns; long text wraps within its column. */
function table(rows: readonly (readonly [string, string])[]): string[] {
  const indent = Math.min(30, Math.max(...rows.map(([first]) => first.length)) + 4);
  return rows.flatMap(([first, text]) => {
    const lines = wrapText(text, width - indent);
    const head = `  ${first}`;
    const fits = head.length + 2 <= indent;
    const rest = (fits ? lines.slice(1) : lines).map((line) => " ".repeat(indent) + line);
    return [fits ? head.padEnd(indent) + lines[0] : head, ...rest];
  });
}

export function commandHelp({ name, summary, operand, options, notes = [] }: CommandSpec): string {
  const operands = operand === undefined ? "" : ` ${operand.name}${operand.many === true ? "..." : ""}`;
  return [
    `tirc ${name}: ${summary}`,
    "",
    `Usage: tirc ${name}${operands} [OPTION...]`,
    "",
    ...table(options.map(({ form, summary }) => [form, summary])),
    ...(notes.length > 0 ? ["", ...notes.flatMap((note) => wrapText(note, width))] : []),
    "",
  ].join("\n");
}

export function mainHelp(): string {
  return [
    "tirc: compile small tensor programs to WGSL compute kernels",
    "",
    "Usage: tirc COMMAND [OPTION...]",
    "",
    ...table(commandSpecs.map(({ name, operand, summary }) => [`tirc ${name} ${operand?.name ?? ""}`.trim(), summary])),
    "",
    ...table([
      ["tirc COMMAND --help", "every option of a command"],
      ["tirc --version", "the version"],
    ]),
    "",
    "Exit codes: 0 success; 1 wrong program or failed comparison; 2 wrong usage; 70 a bug in tirc.",
    "",
  ].join("\n");
}
