/** The options of `tirc run` for its function's inputs and outputs. */

import { fillForms, parseFill } from "../compare/fill.ts";
import type { InputSource } from "../compare/inputs.ts";
import * as cliErrors from "../diagnostics/areas/command.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { readNpy } from "../formats/npy.ts";
import type { Fn } from "../ir/ir.ts";
import { type Arguments, assignment, checkStream, type Word } from "./arguments.ts";
import { kindOf, readBytes, shownPath } from "./files.ts";
import { together } from "./program-options.ts";
import type { Io } from "./session.ts";

/** The `NAME=VALUE` of an option, by name. Throws E0706, E0710, E0712. */
function assignments(
  args: Arguments,
  { option, form, kind }: { option: string; form: string; kind: "input" | "output" },
  of: string,
  known: readonly string[],
): Map<string, { name: Word; value: Word }> {
  const result = new Map<string, { name: Word; value: Word }>();
  const reads = args.values(option).map((word) => () => {
    const { name, value } = assignment(word, option, form);
    if (!known.includes(name.text)) fail(cliErrors.unknownTensor(name.span, of, kind, name.text, known));
    const before = result.get(name.text);
    if (before !== undefined) fail(cliErrors.optionTwice(name.span, `${option} ${name.text}`, before.name.span));
    result.set(name.text, { name, value });
  });
  together(...reads);
  return result;
}

/** The source of each input that is given. Throws also E0630 to E0635, E0640, E0705. */
export function readSources(args: Arguments, fn: Fn, io: Io): Map<string, InputSource> {
  return readInputs(args, { name: fn.name, inputs: fn.params.map((param) => param.name as string) }, io);
}

/** The same for anything with inputs of these names. */
export function readInputs(
  args: Arguments,
  { name, inputs: known }: { readonly name: string; readonly inputs: readonly string[] },
  io: Io,
): Map<string, InputSource> {
  const option = { option: "--in", form: `NAME=FILE.npy|${fillForms.join("|")}`, kind: "input" } as const;
  const given = [...assignments(args, option, name, known)];
  return new Map(
    together(
      ...given.map(
        ([name, { value }]) =>
          () =>
            [name, readSource(name, value, io)] as const,
      ),
    ),
  );
}

function readSource(name: string, word: Word, io: Io): InputSource {
  const { text } = word;
  const fill = parseFill(text);
  if (typeof fill === "object" && "wrong" in fill) fail(cliErrors.noFill(word.span, name, text, fill.wrong, fillForms));
  if (fill !== undefined) return { kind: "fill", fill, word };
  const isMissing = text !== "-" && !text.endsWith(".npy") && kindOf(text, io) === "nothing";
  if (isMissing) fail(cliErrors.noInput(word.span, name, text, fillForms));
  const file = shownPath(text, "stdin");
  return { kind: "file", file, array: readNpy(readBytes(text, io), file) };
}

/** The destination of each requested output. Throws also E0716. */
export function readOutputs(args: Arguments, fn: Fn): Map<string, Word> {
  const known = fn.results.map((result) => result.name);
  const option = { option: "--out", form: "NAME=FILE.npy", kind: "output" } as const;
  const given = assignments(args, option, fn.name, known);
  const files = [...given.values()].map(({ value }) => value);
  const report: Word[] = args.has("--json") ? [{ text: "-", span: args.spanOf("--json") }] : [];
  checkStream([...report, ...files], "stdout");
  return new Map([...given].map(([name, { value }]) => [name, value]));
}

/** The value of an option that is a whole number; `undefined` if it is not given. Throws E0705. */
function wholeNumber(
  args: Arguments,
  option: string,
  [least, most]: readonly [number, number],
  { range, example }: { readonly range: string; readonly example: number },
): number | undefined {
  const word = args.value(option);
  if (word === undefined) return undefined;
  const number = /^\d+$/.test(word.text) ? Number(word.text) : Number.NaN;
  if (number >= least && number <= most) return number;
  fail(cliErrors.wrongValue(word.span, option, word.text, `a whole number from ${range}`, [String(example)]));
}

export const readSeed = (args: Arguments): number =>
  wholeNumber(args, "--seed", [0, 2 ** 32 - 1], { range: "0 to 2^32 - 1", example: 7 }) ?? 0;

export const readRounds = (args: Arguments): number | undefined =>
  wholeNumber(args, "--rounds", [1, 1000], { range: "1 to 1000", example: 15 });
