/** The environment of a command: streams, the current folder, and how it prints messages. */

import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import { jsonText, renderJson } from "../diagnostics/json.ts";
import { visibleLine } from "../diagnostics/lines.ts";
import { renderPretty } from "../diagnostics/pretty.ts";
import { watchProgress } from "../diagnostics/progress.ts";
import { renderShort } from "../diagnostics/short.ts";
import { Progress } from "./progress.ts";

export interface Io {
  /** Paths are relative to it. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether stderr shows colors. */
  readonly color: boolean;
  /** Whether stderr is a terminal that is read while it is written. */
  readonly terminal?: boolean;
  /** The whole contents. */
  stdin(): Uint8Array;
  /** In chunks. */
  stdinChunks(): AsyncIterable<Uint8Array>;
}

/** Streams are written to by `Session` only, which escapes what files contain so that it cannot control a terminal. */
export interface World extends Io {
  stdout(data: string | Uint8Array): void;
  stderr(text: string): void;
}

/**
 * Whether to write colors. FORCE_COLOR enables them (`0` and `false` disable them) and takes precedence over NO_COLOR, as in
 * Node itself; without either, terminals get them. An empty variable has no effect (no-color.org, force-color.org).
 */
export function wantsColor({ FORCE_COLOR, NO_COLOR, TERM }: Io["env"], isTerminal: boolean): boolean {
  if (FORCE_COLOR) return FORCE_COLOR !== "0" && FORCE_COLOR !== "false";
  return isTerminal && !NO_COLOR && TERM !== "dumb";
}

export type DiagnosticForm = "pretty" | "short" | "json";

export class Session {
  readonly io: Io;
  readonly form: DiagnosticForm;
  /** The program to write as a reproducer after a crash. */
  program: { readonly text: string; readonly pipeline: string } | undefined;
  /** The paths of loaded plugins. */
  plugins: readonly string[] = [];
  /** The IR on which a pass failed, with the rest of the pipeline: smaller than the whole program. */
  reproducer: string | undefined;

  readonly #world: World;
  readonly #ends: (() => void)[] = [];
  /** Whether the terminal shows a line that will be overwritten. */
  #isUnfinished = false;

  constructor(world: World, form: DiagnosticForm) {
    this.io = world;
    this.#world = world;
    this.form = form;
    if (!world.terminal) return;
    const progress = new Progress(this);
    this.atEnd(watchProgress((what) => progress.say(what)));
  }

  /** Actions to undo when the command is done. */
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

  /** A line of text for users; omitted for editors and scripts that read diagnostics as JSON. */
  say(line: string): void {
    if (this.form !== "json") this.tell([line]);
  }

  /** Lines on stderr, in every mode. */
  tell(lines: readonly string[]): void {
    for (const line of lines) this.#stderr(`${visibleLine(line)}\n`);
  }

  /** A line on a terminal that replaces the previous one, and is removed before anything else is written. */
  overwrite(line: string): void {
    this.#world.stderr(`\r\u001B[K${visibleLine(line)}`);
    this.#isUnfinished = true;
  }

  /** Removes the line that `overwrite` wrote, if it is still there. */
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

  /** Lines of text on stdout. */
  print(lines: readonly string[]): void {
    this.#stdout(lines.map((line) => `${visibleLine(line)}\n`).join(""));
  }

  /** A result on stdout: `data` as JSON for programs, or `lines` for people. */
  result(isJson: boolean, data: unknown, lines: readonly string[]): void {
    if (isJson) this.output(`${jsonText(data, 2)}\n`);
    else this.print(lines);
  }

  /** Raw data on stdout, for programs to read. */
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
