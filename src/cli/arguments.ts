/**
 * Parses a command line by a table of options, and finds everything that is wrong with it.
 *
 * - operand: an argument that does not belong to an option, such as a file.
 * - flag: an option without a value.
 */

import * as cliErrors from "../diagnostics/areas/command.ts";
import * as pathErrors from "../diagnostics/areas/paths.ts";
import { type Diagnostic, fail, type Source, type Span, type Word } from "../diagnostics/diagnostic.ts";
import { listing } from "../diagnostics/wording.ts";
import type { Session } from "./session.ts";

/** Whether a value is the path of a file, and how the file is used. */
export interface PathUse {
  readonly use: "none" | "read" | "write" | "format";
  /** The path within a value, if it contains one; by default the whole value. */
  readonly of?: (text: string) => string | undefined;
  /** The option that reads the file which this one may rewrite, with its contents. */
  readonly updates?: string;
}

export interface OptionSpec {
  /** As help shows it: `-o, --output OUT`. */
  readonly form: string;
  /** With its hyphens: `--emit`. */
  readonly name: string;
  /** `-o`: its value may follow directly. */
  readonly short: string | undefined;
  /** The placeholder of its value in help; flags have none. */
  readonly value: string | undefined;
  /** The value follows `=`, or is omitted. */
  readonly optional: boolean;
  /** May be given several times. */
  readonly repeats: boolean;
  readonly choices?: readonly string[];
  readonly path?: PathUse;
  /** It has an effect only with one of these options. */
  readonly needs?: readonly string[];
  readonly summary: string;
}

/**
 * An option without a value.
 * @param form `-h, --help`; with a value `--emit KIND`, `--remarks[=FILTER]` if it may be omitted, and `--dim NAME=EXTENT...` if
 *   the option may be repeated.
 */
export function flag(form: string, summary: string): OptionSpec {
  const found = /^(?:(-\w), )?(--[\w-]+|-\w)(\[=| )?(.*?)\]?(\.\.\.)?$/.exec(form) ?? [];
  const [, short, name = "", separator, value, dots] = found;
  return {
    form: form.replace(/\.\.\.$/, ""),
    ...{ name, short, value: value || undefined, optional: separator === "[=", repeats: dots !== undefined },
    summary: dots === undefined ? summary : `${summary}; may be repeated`,
  };
}

/** An option with a value. @param of its choices, or whether it is a path. */
export const option = (form: string, of: PathUse | readonly string[], summary: string): OptionSpec => {
  return { ...flag(form, summary), ...("use" in of ? { path: of } : { choices: of }) };
};

/** An option that has an effect only with one of others. */
export const needing = (needs: readonly string[], option: OptionSpec): OptionSpec => ({ ...option, needs });

/** Runs a command. @returns the exit code */
type Command = (args: Arguments, session: Session) => Promise<number>;

export interface CommandSpec {
  readonly name: string;
  /** Each command loads only what it needs: start-up takes most of the time of compiling a small file. */
  readonly load: () => Promise<Command>;
  readonly summary: string;
  /** What the command takes besides options: exactly one operand, one or more, or none. */
  readonly operand?: {
    readonly name: string;
    readonly what: string;
    readonly many?: boolean;
    readonly path: PathUse;
  };
  readonly options: readonly OptionSpec[];
  /** Shown below the options. */
  readonly notes?: readonly string[];
}

export type { Word };

interface Given {
  readonly option: Span;
  readonly value: Word | undefined;
}

export class Arguments {
  readonly command: CommandSpec;
  readonly operands: readonly Word[];
  /** The whole line. */
  readonly span: Span;
  readonly #given: ReadonlyMap<string, readonly Given[]>;

  constructor(
    command: CommandSpec,
    operands: readonly Word[],
    given: ReadonlyMap<string, readonly Given[]>,
    span: Span,
  ) {
    this.command = command;
    this.operands = operands;
    this.#given = given;
    this.span = span;
  }

  /** That of a command which takes exactly one. */
  get operand(): Word {
    return this.operands[0] as Word;
  }

  has(name: string): boolean {
    return this.#given.has(name);
  }

  /** The values of a repeated option. */
  values(name: string): Word[] {
    return (this.#given.get(name) ?? []).flatMap(({ value }) => value ?? []);
  }

  value(name: string): Word | undefined {
    return this.values(name)[0];
  }

  /** The paths in the values of an option. */
  paths(name: string): Word[] {
    const path = this.command.options.find((option) => option.name === name)?.path;
    return path === undefined ? [] : this.values(name).flatMap((word) => pathIn(word, path) ?? []);
  }

  /** The position of an option that was given. */
  spanOf(name: string): Span {
    return this.#given.get(name)?.[0]?.option ?? this.span;
  }
}

/** The command line as one text, as a shell would read it, and its words. */
export function commandLine(argv: readonly string[]): { words: Word[]; span: Span } {
  const shown = argv.map((text) => (/^[\w@%+=:,./{}()-]+$/.test(text) ? text : `'${text}'`));
  const source: Source = { name: "<command line>", text: ["tirc", ...shown].join(" ") };
  let at = "tirc".length;
  const words = argv.map((text, i) => {
    const start = at + 1 + (shown[i] === text ? 0 : 1);
    at += 1 + (shown[i] as string).length;
    return { text, span: { source, start, end: start + text.length } };
  });
  return { words, span: { source, start: 0, end: source.text.length } };
}

/** The part of a word from `from` on, `length` characters. */
export function partOf({ text, span }: Word, from: number, length = text.length - from): Word {
  const start = span.start + from;
  return { text: text.slice(from, from + length), span: { ...span, start, end: start + length } };
}

/** Throws E0716 if more than one of the words is `-`. */
export function checkStream(words: readonly Word[], stream: "stdin" | "stdout"): void {
  const [first, second] = words.filter(({ text }) => text === "-");
  if (first !== undefined && second !== undefined) fail(pathErrors.streamTwice(second.span, stream, first.span));
}

/** The path in the value of an option or an operand, if it contains one. */
function pathIn(word: Word, { use, of = (text) => text }: PathUse): Word | undefined {
  const path = use === "none" ? undefined : of(word.text);
  return path === undefined ? undefined : partOf(word, word.text.length - path.length);
}

/** Splits `NAME=VALUE`. Throws E0710. */
export function assignment(word: Word, option: string, form: string): { name: Word; value: Word } {
  const at = word.text.indexOf("=");
  if (at <= 0 || at === word.text.length - 1) fail(cliErrors.notAnAssignment(word.span, option, form));
  return { name: partOf(word, 0, at), value: partOf(word, at + 1) };
}

/**
 * @param commands all commands, for options that another one has.
 * @throws TircError with every E0702 to E0708, E0721 and E0722 of the line.
 */
export function parseArguments(
  command: CommandSpec,
  words: readonly Word[],
  line: Span,
  commands: readonly CommandSpec[],
): Arguments {
  const found: Diagnostic[] = [];
  const given = new Map<string, Given[]>();
  const operands: Word[] = [];
  /** Words after unknown options, which may be their values. */
  const unclear = new Set<Word>();
  const rest = [...words];

  const take = (word: Word, spec: OptionSpec, shown: string, joined: Word | undefined): void => {
    const span = partOf(word, 0, shown.length).span;
    if (spec.value === undefined && joined !== undefined) found.push(cliErrors.unexpectedValue(span, shown));
    let value = joined;
    if (spec.value !== undefined && value === undefined && !spec.optional) {
      const next = rest[0];
      // A value may be `-` or a negative number, but not something that looks like the next option.
      const isValue = next !== undefined && (!/^-./.test(next.text) || /^-[.\d]/.test(next.text));
      if (isValue) value = rest.shift();
      else found.push(cliErrors.missingValue(span, shown, spec.value, spec.choices));
    }
    if (value !== undefined && spec.choices !== undefined && !spec.choices.includes(value.text)) {
      found.push(cliErrors.wrongValue(value.span, shown, value.text, listing(spec.choices, "or"), spec.choices));
    }
    if (value?.text === "" && spec.path !== undefined && spec.path.use !== "none") {
      found.push(pathErrors.noPath(value.span, `\`${shown}\``));
    }
    const before = given.get(spec.name) ?? [];
    if (before[0] !== undefined && !spec.repeats) {
      found.push(cliErrors.optionTwice(span, shown, before[0].option));
    }
    given.set(spec.name, [...before, { option: span, value }]);
  };

  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const { text } = word;
    if (text === "--") {
      operands.push(...rest.splice(0));
    } else if (text === "-" || !text.startsWith("-")) {
      operands.push(word);
    } else {
      const long = text.startsWith("--");
      const equals = text.indexOf("=");
      const shown = long ? (equals < 0 ? text : text.slice(0, equals)) : text.slice(0, 2);
      const isShown = (option: OptionSpec) => shown === (long ? option.name : (option.short ?? option.name));
      const spec = command.options.find(isShown);
      if (spec === undefined) {
        const names = command.options.map(({ name }) => name).filter((name) => name.startsWith("--"));
        const others = commands.filter(({ options }) => options.some(isShown)).map(({ name }) => name);
        found.push(cliErrors.unknownOption(word.span, command.name, long ? shown : text, names, others));
        if (equals < 0 && rest[0] !== undefined) unclear.add(rest[0]);
        continue;
      }
      const after = long ? equals + 1 : 2 + (text[2] === "=" ? 1 : 0);
      const joined = (long && equals < 0) || (!long && text.length === 2) ? undefined : partOf(word, after);
      take(word, spec, shown, joined);
    }
  }
  for (const { name, needs } of command.options) {
    const span = given.get(name)?.[0]?.option;
    const isAlone = needs !== undefined && !needs.some((other) => given.has(other));
    if (span !== undefined && isAlone) found.push(cliErrors.needsOption(span, name, needs));
  }
  const sure = operands.filter((word) => !unclear.has(word));
  found.push(...operandErrors(command, operands.length, sure, line));
  if (found.length > 0 && !given.has("--help")) fail(...found);
  return new Arguments(command, operands, given, line);
}

/** @param count the number of operands, including words that may be values of unknown options. */
function operandErrors({ name, operand }: CommandSpec, count: number, sure: readonly Word[], line: Span): Diagnostic[] {
  const end = { ...line, start: line.end };
  if (operand !== undefined && count === 0) return [cliErrors.missingOperand(end, name, operand.what)];
  const empty = sure.find(({ text }) => text === "");
  if (empty !== undefined) return [pathErrors.noPath(empty.span, `\`tirc ${name}\``)];
  const most = operand === undefined ? 0 : operand.many === true ? Infinity : 1;
  const extra = sure[most];
  const takes = operand === undefined ? "nothing but options" : `one ${operand.name} at a time`;
  return extra === undefined ? [] : [cliErrors.extraOperand(extra.span, name, takes)];
}
