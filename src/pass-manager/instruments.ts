/** The builtin instruments. Each writes text to a destination of the caller. */

import type { Module } from "../ir/ir.ts";
import { print } from "../ir/print.ts";
import type { Instrument } from "./instrument.ts";
import { lineDiff } from "./line-diff.ts";
import { withHeader } from "./pipeline.ts";

/** Writes the text of an instrument; to stderr by default. */
export type Write = (text: string) => void;

const toConsole: Write = (text) => console.error(text.replace(/\n$/, ""));

/** Prints the time of each pass, and its share of the total. */
export function timing(write: Write = toConsole): Instrument {
  const rows: { text: string; milliseconds: number }[] = [];
  return {
    begin: () => void rows.splice(0),
    afterPass: ({ text, milliseconds }) => void rows.push({ text, milliseconds }),
    end() {
      const total = rows.reduce((sum, row) => sum + row.milliseconds, 0);
      const line = (milliseconds: number, text: string) => {
        const part = total === 0 ? 0 : (100 * milliseconds) / total;
        return `${milliseconds.toFixed(2).padStart(10)} ms ${part.toFixed(1).padStart(6)} %  ${text}\n`;
      };
      write([...rows.map((row) => line(row.milliseconds, row.text)), line(total, "total")].join(""));
    },
  };
}

/** When and where to print the IR. */
export interface PrintIrOptions {
  /** Names of passes before which to print the IR. */
  readonly before?: readonly string[];
  /** Names of passes after which to print the IR; `all` passes, or those that made a `change`. */
  readonly after?: readonly string[] | "all" | "change";
  /** What to print after a pass: the whole module, or changed lines with a few around them (as LLVM's `-print-changed=diff`). */
  readonly form?: "whole" | "diff";
  readonly write?: Write;
}

/** Prints the IR before and after passes, with a header line. */
export function printIr({
  before = [],
  after = [],
  form = "whole",
  write = toConsole,
}: PrintIrOptions = {}): Instrument {
  const show = (when: string, text: string, module: Module) => write(`// IR ${when} ${text}\n${print(module)}\n`);
  const isWanted = (name: string, changed: boolean) =>
    typeof after === "string" ? after === "all" || changed : after.includes(name);
  return {
    beforePass({ pass, text, module }) {
      if (before.includes(pass.name)) show("before", text, module);
    },
    afterPass({ pass, text, module, result, changed }) {
      if (!isWanted(pass.name, changed)) return;
      if (form === "whole") show("after", text, result);
      else write(`// IR after ${text}: what changed\n${changedLines(print(module), print(result))}\n`);
    },
  };
}

const linesAround = 3;
const signs = { same: " ", added: "+", removed: "-" } as const;

/** Changed lines with a sign, and the lines around them; `...` for others. */
function changedLines(before: string, after: string): string {
  const lines = lineDiff(before.trimEnd(), after.trimEnd());
  const near = lines.map((_, i) =>
    lines.slice(Math.max(0, i - linesAround), i + linesAround + 1).some(({ kind }) => kind !== "same"),
  );
  const shown = lines.flatMap(({ kind, text }, i) => {
    if (near[i]) return [`${signs[kind]} ${text}`.trimEnd()];
    return i === 0 || near[i - 1] ? ["..."] : [];
  });
  return `${shown.join("\n")}\n`;
}

/** Writes the IR after every pass to a file: `000_input.tir`, `001_canonicalize.tir`, ... */
export function dump(write: (fileName: string, text: string) => void): Instrument {
  const numbered = (index: number, name: string) => `${String(index).padStart(3, "0")}_${name}.tir`;
  return {
    begin: (module) => write(numbered(0, "input"), print(module)),
    afterPass: ({ pass, index, result }) => write(numbered(index + 1, pass.name), print(result)),
  };
}

/** Prints the statistics of passes. */
export function statistics(write: Write = toConsole): Instrument {
  const counts = new Map<string, number>();
  return {
    begin: () => counts.clear(),
    afterPass({ pass, statistics: found }) {
      for (const [name, amount] of Object.entries(found)) {
        const key = `${pass.name}: ${name}`;
        counts.set(key, (counts.get(key) ?? 0) + amount);
      }
    },
    end() {
      for (const [name, amount] of counts) write(`${String(amount).padStart(10)}  ${name}\n`);
    },
  };
}

/**
 * When a pass fails, writes the program that it failed on and the remaining pipeline, as a file that can be run again.
 * @param plugins paths of the plugins that provide passes of the pipeline, for the note in the file.
 */
export function reproducer(write: Write, plugins: readonly string[] = []): Instrument {
  return {
    failed({ text, module, rest, error }) {
      const message = error instanceof Error ? error.message : String(error);
      const options = plugins.map((path) => ` --plugin ${path}`).join("");
      const own = plugins.length > 0 ? "" : "; a pass of one's own comes with its plugin, `--plugin FILE`";
      const again = `\`tirc compile${options}\` on this file runs it again${own}.`;
      const note = `The pass \`${text}\` failed here. ${again}\n${message}`;
      write(withHeader(rest, note, print(module)));
    },
  };
}
