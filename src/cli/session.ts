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
  stdout(data: string | Uint8Array): void;
  stderr(text: string): void;
}

export type DiagnosticForm = "pretty" | "short" | "json";

export class Session {
  readonly io: Io;
  readonly form: DiagnosticForm;
  readonly debug: boolean;
  /** What has been read, for a reproducer. */
  program: { readonly text: string; readonly pipeline: string } | undefined;
  /** A smaller one, of the pass that failed. */
  reproducer: string | undefined;

  constructor(io: Io, form: DiagnosticForm, debug: boolean) {
    this.io = io;
    this.form = form;
    this.debug = debug;
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
