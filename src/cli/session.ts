/** What a command has to do with the world around it: streams, the folder it runs in, and how it says things. */

import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import { renderJson } from "../diagnostics/json.ts";
import { renderPretty } from "../diagnostics/pretty.ts";
import { renderShort } from "../diagnostics/short.ts";

export interface Io {
  /** Paths are relative to it. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether stderr shows colors. */
  readonly color: boolean;
  /** All of it. */
  stdin(): Uint8Array;
  /** As it comes. */
  stdinChunks(): AsyncIterable<Uint8Array>;
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
  /** The IR on which a pass failed, with what was left of the pipeline: less to run than the whole program. */
  reproducer: string | undefined;

  constructor(io: Io, form: DiagnosticForm) {
    this.io = io;
    this.form = form;
  }

  report(diagnostics: readonly Diagnostic[]): void {
    const { form, io } = this;
    for (const diagnostic of diagnostics) io.stderr(`${render(diagnostic, form, io.color)}\n`);
  }

  /** A line for people; editors and scripts that read diagnostics as JSON are spared it. */
  say(text: string): void {
    if (this.form !== "json") this.io.stderr(`${text}\n`);
  }
}

function render(diagnostic: Diagnostic, form: DiagnosticForm, color: boolean): string {
  switch (form) {
    case "pretty":
      return renderPretty(diagnostic, { color });
    case "short":
      return renderShort(diagnostic);
    case "json":
      return JSON.stringify(renderJson(diagnostic));
    default:
      return form satisfies never;
  }
}
