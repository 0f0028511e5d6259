/** What a command has to do with the world around it: streams, the folder it runs in, and how it says things. */

import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import { jsonText, renderJson } from "../diagnostics/json.ts";
import { renderPretty } from "../diagnostics/pretty.ts";
import { watchProgress } from "../diagnostics/progress.ts";
import { renderShort, visibleLine } from "../diagnostics/short.ts";
import { Progress } from "./progress.ts";

export interface Io {
  /** Paths are relative to it. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether stderr shows colors. */
  readonly color: boolean;
  /** Whether somebody looks at stderr as it is written. */
  readonly terminal?: boolean;
  /** All of it. */
  stdin(): Uint8Array;
  /** As it comes. */
  stdinChunks(): AsyncIterable<Uint8Array>;
}

/** With the streams that are written to: by `Session` alone, which sees to it that nothing a file says moves a cursor. */
export interface World extends Io {
  stdout(data: string | Uint8Array): void;
  stderr(text: string): void;
}

/**
 * Whether to write colors. FORCE_COLOR asks for them (`0` and `false` ask for none) and goes before NO_COLOR, as in Node
 * itself; without either a terminal gets them. An empty variable says nothing (no-color.org, force-color.org).
 */
export function wantsColor({ FORCE_COLOR, NO_COLOR, TERM }: Io["env"], isTerminal: boolean): boolean {
  if (FORCE_COLOR) return FORCE_COLOR !== "0" && FORCE_COLOR !== "false";
  return isTerminal && !NO_COLOR && TERM !== "dumb";
}

export type DiagnosticForm = "pretty" | "short" | "json";

export class Session {
  readonly io: Io;
  readonly form: DiagnosticForm;
  /** What is being worked on, should it have to be reproduced. */
  program: { readonly text: string; readonly pipeline: string } | undefined;
  /** Plugins that were loaded, by their paths. */
  plugins: readonly string[] = [];
  /** The IR on which a pass failed, with what was left of the pipeline: less to run than the whole program. */
  reproducer: string | undefined;

  readonly #world: World;
  readonly #ends: (() => void)[] = [];
  /** Whether a line stands on the terminal that is to be written over. */
  #isUnfinished = false;

  constructor(world: World, form: DiagnosticForm) {
    this.io = world;
    this.#world = world;
    this.form = form;
    if (!world.terminal) return;
    const progress = new Progress(this);
    this.atEnd(watchProgress((what) => progress.say(what)));
  }

  /** What to undo when the command is done. */
  atEnd(undo: () => void): void {
    this.#ends.push(undo);
  }

  end(): void {
    this.clear();
    for (const undo of this.#ends.splice(0)) undo();
  }

  report(diagnostics: readonly Diagnostic[]): void {
    const { form, io } = this;
    for (const diagnostic of diagnostics) this.#stderr(`${render(diagnostic, form, io.color)}\n`);
  }

  /** A line for people; editors and scripts that read diagnostics as JSON are spared it. */
  say(line: string): void {
    if (this.form !== "json") this.tell([line]);
  }

  /** Lines on stderr, whoever reads them. */
  tell(lines: readonly string[]): void {
    for (const line of lines) this.#stderr(`${visibleLine(line)}\n`);
  }

  /** A line on a terminal that takes the place of the last one, and goes before anything else is written. */
  overwrite(line: string): void {
    this.#world.stderr(`\r\u001B[K${visibleLine(line)}`);
    this.#isUnfinished = true;
  }

  /** Takes the line away that `overwrite` wrote, if it still stands. */
  clear(): void {
    if (this.#isUnfinished) this.#world.stderr("\r\u001B[K");
    this.#isUnfinished = false;
  }

  #stderr(text: string): void {
    this.clear();
    this.#world.stderr(text);
  }

  #stdout(data: string | Uint8Array): void {
    this.clear();
    this.#world.stdout(data);
  }

  /** Lines on stdout, for people. */
  print(lines: readonly string[]): void {
    this.#stdout(lines.map((line) => `${visibleLine(line)}\n`).join(""));
  }

  /** Data on stdout, as it is: what a program reads. */
  output(data: string | Uint8Array): void {
    this.#stdout(data);
  }
}

/** The lines of a text that ends with a line break. */
export const linesOf = (text: string): string[] => text.replace(/\n$/, "").split("\n");

function render(diagnostic: Diagnostic, form: DiagnosticForm, color: boolean): string {
  switch (form) {
    case "pretty":
      return renderPretty(diagnostic, { color });
    case "short":
      return renderShort(diagnostic);
    case "json":
      return jsonText(renderJson(diagnostic));
    default:
      return form satisfies never;
  }
}
