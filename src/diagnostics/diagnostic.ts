/** Diagnostics as data. The renderers (pretty, short, json) are in other files. */

import { oneLine, renderShort } from "./short.ts";
import type { Span } from "./source.ts";

export type { Labels, Source, Span } from "./source.ts";

/** A piece of the command line and where it stands. */
export interface Word {
  readonly text: string;
  readonly span: Span;
}

/** How bad it is. A remark is for who wants to know what a pass did, or did not. */
export type Severity = "error" | "warning" | "remark";

/** A place that is involved, and how. */
export interface Label {
  readonly span: Span;
  readonly message: string;
}

/** Text that takes the place of what stands at `span`; an empty span is a place to write at. */
export interface Edit {
  readonly span: Span;
  readonly text: string;
}

/** A change of the program that a diagnostic proposes, as rustc's suggestions are: an editor makes it on request. */
export interface Fix {
  /** What it does, in words. */
  readonly title: string;
  /** They do not overlap. */
  readonly edits: readonly Edit[];
}

/** A line of help that says what to write, with the changes that write it. */
export interface Proposal {
  readonly line: string;
  readonly fixes: readonly Fix[];
}

/** What to do about it: in words alone, or with the change that does it. */
export type Help = string | Proposal;

/** An error, a warning or a remark, as data: `renderPretty`, `renderShort` and `renderJson` show it. */
export interface Diagnostic<Code extends string = string> {
  readonly severity: Severity;
  /** `E0203`, `R0301`, ...: a key of the catalog, which `tirc explain` prints. */
  readonly code: Code;
  readonly message: string;
  /** The pass that says it. */
  readonly pass?: string;
  readonly span?: Span | undefined;
  /** Other places involved. */
  readonly labels: readonly Label[];
  /** What is so. */
  readonly notes: readonly string[];
  /** What to do about it. */
  readonly help: readonly string[];
  /** Changes that do it, where `help` says exactly what to write. */
  readonly fixes: readonly Fix[];
}

/** What a diagnostic may have beside its message. */
export interface DiagnosticExtras {
  span?: Span | undefined;
  labels?: readonly Label[];
  notes?: readonly string[];
  /** Help that takes long to find is a function, called when it is first read: most errors of a long file never are. */
  help?: readonly Help[] | (() => readonly Help[]);
}

export const replaced = (span: Span, text: string): Edit => ({ span, text });
export const insertedBefore = (span: Span, text: string): Edit => replaced({ ...span, end: span.start }, text);
export const insertedAfter = (span: Span, text: string): Edit => replaced({ ...span, start: span.end }, text);
export const removed = (span: Span): Edit => replaced(span, "");

/** Text before and after what stands there. */
export const wrapped = (span: Span, before: string, after: string): Edit[] => [
  insertedBefore(span, before),
  insertedAfter(span, after),
];

/** A line of help and the one change that it proposes. */
export function proposal(line: string, ...edits: readonly Edit[]): Proposal {
  return { line, fixes: [{ title: line, edits }] };
}

/** Whether a text to write has it all: `...` stands for what it leaves out. */
export const isComplete = (text: string): boolean => !text.includes("...");

/** A line of help that says to write `text` in the place of what stands at `span`; in words alone if it leaves something out. */
export function replacing(line: string, text: string, span: Span | undefined): Help {
  return span === undefined || !isComplete(text) ? line : proposal(line, replaced(span, text));
}

/** ``write `text` ``, for what stands at `span`. */
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

/** A diagnostic that refuses a program. `code` is its own, or a new one of a pass of one's own. */
export function error<Code extends string>(
  code: Code,
  message: string,
  extras: DiagnosticExtras = {},
): Diagnostic<Code> {
  return make("error", code, message, extras);
}

/** A diagnostic that is always shown, and refuses nothing. */
export function warning<Code extends string>(
  code: Code,
  message: string,
  extras: DiagnosticExtras = {},
): Diagnostic<Code> {
  return make("warning", code, message, extras);
}

/** A diagnostic that is shown on demand: what a pass did, or why it did not. */
export function remark<Code extends string>(
  code: Code,
  message: string,
  extras: DiagnosticExtras = {},
): Diagnostic<Code> {
  return make("remark", code, message, extras);
}

/** The diagnostic as one of a pass. */
export function saidBy(pass: string, diagnostic: Diagnostic): Diagnostic {
  // Its help may be a getter, which is not asked here.
  const own = Object.getOwnPropertyDescriptors(diagnostic);
  return Object.defineProperties({} as Diagnostic, { ...own, pass: { value: pass, enumerable: true } });
}

/** An error as what a pass itself refuses a program with. */
export function refusedBy(pass: string, found: Diagnostic): Diagnostic {
  return { ...found, pass, notes: [...found.notes, `reported by the pass \`${pass}\``] };
}

/** The text of an error shows the notes and help of its first diagnostics, which may take long to find. */
const mostExplained = 3;

function textOf(diagnostics: readonly Diagnostic[]): string {
  const explained = diagnostics.slice(0, mostExplained).map((one) => {
    const lines = [...one.notes.map((note) => `  note: ${note}`), ...one.help.map((help) => `  help: ${help}`)];
    return [renderShort(one), ...lines.map(oneLine)].join("\n");
  });
  return [...explained, ...diagnostics.slice(mostExplained).map(renderShort)].join("\n");
}

/** Thrown by everything that refuses its input. Carries all diagnostics, in the order of their places. */
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
