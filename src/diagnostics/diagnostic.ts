/** Diagnostics as data. The renderers (pretty, short, json) are in other files. */

import { headline, oneLine } from "./lines.ts";
import type { Span } from "./source.ts";

export type { Labels, Source, Span } from "./source.ts";

/** A word of the command line, with its position. */
export interface Word {
  readonly text: string;
  readonly span: Span;
}

/** A remark says what a pass did, or why it did nothing; remarks are shown on request. */
export type Severity = "error" | "warning" | "remark";

/** Another place that a diagnostic refers to, with a message. */
export interface Label {
  readonly span: Span;
  readonly message: string;
}

/** Text that replaces `span`; an empty span is a place of insertion. */
export interface Edit {
  readonly span: Span;
  readonly text: string;
}

/** A change of the program that a diagnostic proposes, as rustc's suggestions are: an editor makes it on request. */
export interface Fix {
  /** A description of the change. */
  readonly title: string;
  /** They do not overlap. */
  readonly edits: readonly Edit[];
}

/** A line of help, with the changes that it proposes. */
export interface Proposal {
  readonly line: string;
  readonly fixes: readonly Fix[];
}

/** A line of help, with or without changes that it proposes. */
export type Help = string | Proposal;

/** An error, a warning or a remark, as data: `renderPretty`, `renderShort` and `renderJson` show it. */
export interface Diagnostic<Code extends string = string> {
  readonly severity: Severity;
  /** `E0203`, `R0301`, ...: a key of the catalog, which `tirc explain` prints. */
  readonly code: Code;
  readonly message: string;
  /** The pass that reported it. */
  readonly pass?: string;
  readonly span?: Span | undefined;
  /** Other places involved. */
  readonly labels: readonly Label[];
  /** Facts about the problem. */
  readonly notes: readonly string[];
  /** What to do next. */
  readonly help: readonly string[];
  /** Edits, if `help` says exactly what to write. */
  readonly fixes: readonly Fix[];
}

/** The optional parts of a diagnostic. */
export interface DiagnosticExtras {
  span?: Span | undefined;
  labels?: readonly Label[];
  notes?: readonly string[];
  /** Help that is expensive to find is a function, called when it is first read: most errors of a long file are not shown. */
  help?: readonly Help[] | (() => readonly Help[]);
}

export const replaced = (span: Span, text: string): Edit => ({ span, text });
export const insertedBefore = (span: Span, text: string): Edit => replaced({ ...span, end: span.start }, text);
export const insertedAfter = (span: Span, text: string): Edit => replaced({ ...span, start: span.end }, text);
export const removed = (span: Span): Edit => replaced(span, "");

/** Text inserted before and after a span. */
export const wrapped = (span: Span, before: string, after: string): Edit[] => [
  insertedBefore(span, before),
  insertedAfter(span, after),
];

/** A line of help and the one change that it proposes. */
export function proposal(line: string, ...edits: readonly Edit[]): Proposal {
  return { line, fixes: [{ title: line, edits }] };
}

/** Whether a proposed text is complete: `...` stands for omitted parts. */
export const isComplete = (text: string): boolean => !text.includes("...");

/** A line of help that says to write `text` at `span`, with the edit if the text is complete. */
export function replacing(line: string, text: string, span: Span | undefined): Help {
  return span === undefined || !isComplete(text) ? line : proposal(line, replaced(span, text));
}

/** ``write `text` ``, to replace `span`. */
export const writing = (text: string, span: Span | undefined): Help => replacing(`write \`${text}\``, text, span);

function make<Code extends string>(
  severity: Severity,
  code: Code,
  message: string,
  extras: DiagnosticExtras,
): Diagnostic<Code> {
  const { span, labels = [], notes = [], help = [] } = extras;
  const rest = { severity, code, message, span, labels, notes };
  if (typeof help !== "function") return { ...rest, ...separated(help) };
  let found: ReturnType<typeof separated> | undefined;
  const once = () => {
    found ??= separated(help());
    return found;
  };
  return {
    ...rest,
    get help() {
      return once().help;
    },
    get fixes() {
      return once().fixes;
    },
  };
}

function separated(all: readonly Help[]): Pick<Diagnostic, "help" | "fixes"> {
  const help = all.map((one) => (typeof one === "string" ? one : one.line));
  return { help, fixes: all.flatMap((one) => (typeof one === "string" ? [] : one.fixes)) };
}

/** A diagnostic that rejects a program. `code` is one of the catalog, or a new one of a custom pass. */
export function error<Code extends string>(
  code: Code,
  message: string,
  extras: DiagnosticExtras = {},
): Diagnostic<Code> {
  return make("error", code, message, extras);
}

/** A diagnostic that is always shown, and rejects nothing. */
export function warning<Code extends string>(
  code: Code,
  message: string,
  extras: DiagnosticExtras = {},
): Diagnostic<Code> {
  return make("warning", code, message, extras);
}

/** A diagnostic that is shown on request: what a pass did, or why it did nothing. */
export function remark<Code extends string>(
  code: Code,
  message: string,
  extras: DiagnosticExtras = {},
): Diagnostic<Code> {
  return make("remark", code, message, extras);
}

/** The diagnostic, attributed to a pass. */
export function saidBy(pass: string, diagnostic: Diagnostic): Diagnostic {
  // The help may be a getter, which must not run here.
  const own = Object.getOwnPropertyDescriptors(diagnostic);
  return Object.defineProperties({} as Diagnostic, { ...own, pass: { value: pass, enumerable: true } });
}

/** An error of a pass that rejects its program. */
export function refusedBy(pass: string, found: Diagnostic): Diagnostic {
  return { ...found, pass, notes: [...found.notes, `reported by the pass \`${pass}\``] };
}

/** The text of an error shows the notes and help of its first diagnostics, which may take long to find. */
const mostExplained = 3;

function textOf(diagnostics: readonly Diagnostic[]): string {
  const explained = diagnostics.slice(0, mostExplained).map((one) => {
    const lines = [...one.notes.map((note) => `  note: ${note}`), ...one.help.map((help) => `  help: ${help}`)];
    return [headline(one), ...lines.map(oneLine)].join("\n");
  });
  return [...explained, ...diagnostics.slice(mostExplained).map(headline)].join("\n");
}

/** Thrown by everything that rejects its input. Carries all diagnostics, in the order of their places. */
export class TircError extends Error {
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[]) {
    super(textOf(diagnostics));
    this.name = "TircError";
    this.diagnostics = diagnostics;
  }
}

/** Throws these. @throws TircError */
export function fail(...diagnostics: Diagnostic[]): never {
  throw new TircError(diagnostics);
}
