/** Every message about a command line: E07xx. Places are in the line as it was typed. */

import { type Diagnostic, error, type Span } from "./diagnostic.ts";
import { listing } from "./errors-types.ts";
import { didYouMean } from "./suggest.ts";

const code = (name: string) => `\`${name}\``;
const helpOf = (command: string) => `\`tirc ${command} --help\` shows what it takes`;

export const cliErrors = {
  unknownCommand(span: Span, name: string, known: readonly string[]): Diagnostic {
    const help = didYouMean(name, known);
    return error("E0701", `there is no command ${code(name)}`, {
      span,
      help: help.length > 0 ? help : [`the commands are ${listing(known.map(code))}`],
    });
  },
  unknownOption(span: Span, command: string, name: string, known: readonly string[]): Diagnostic {
    const help = didYouMean(name, known);
    return error("E0702", `${code(`tirc ${command}`)} has no option ${code(name)}`, {
      span,
      help: help.length > 0 ? help : [helpOf(command)],
    });
  },
  missingValue(span: Span, option: string, value: string): Diagnostic {
    return error("E0703", `${code(option)} needs a value`, { span, help: [`write \`${option} ${value}\``] });
  },
  unexpectedValue(span: Span, option: string): Diagnostic {
    return error("E0704", `${code(option)} takes no value`, { span });
  },
  wrongValue(span: Span, option: string, got: string, expected: string, choices: readonly string[] = []): Diagnostic {
    return error("E0705", `${code(option)} takes ${expected}, not ${code(got)}`, {
      span,
      help: didYouMean(got, choices),
    });
  },
  severalTargets(span: Span, command: string): Diagnostic {
    return error("E0705", "`--target` takes one target here, not `all`: a kernel is made for one", {
      span,
      help: [
        command === "compile"
          ? "`--emit ts` writes a module with a kernel for each"
          : "`--target auto` is the device that is here",
      ],
    });
  },
  optionTwice(span: Span, option: string, first: Span): Diagnostic {
    return error("E0706", `${code(option)} is given twice`, {
      span,
      labels: [{ span: first, message: "first given here" }],
    });
  },
  missingOperand(span: Span, command: string, what: string): Diagnostic {
    return error("E0707", `${code(`tirc ${command}`)} needs ${what}`, { span, help: [helpOf(command)] });
  },
  extraOperand(span: Span, command: string, operand: string, most: number): Diagnostic {
    const takes = most === 0 ? "nothing but options" : `one ${operand} at a time`;
    return error("E0708", `${code(`tirc ${command}`)} takes ${takes}`, { span, help: [helpOf(command)] });
  },
  conflict(span: Span, option: string, other: string, why: string): Diagnostic {
    return error("E0709", `${code(option)} and ${code(other)} do not go together: ${why}`, { span });
  },
  notAnAssignment(span: Span, option: string, form: string): Diagnostic {
    return error("E0710", `${code(option)} takes ${code(form)}`, { span });
  },
  unknownDimension(span: Span, name: string, known: readonly string[]): Diagnostic {
    const notes = [known.length > 0 ? `it has ${listing(known.map(code))}` : "all its shapes are numbers"];
    return error("E0711", `the program has no dimension ${code(name)}`, { span, notes, help: didYouMean(name, known) });
  },
  notAnExtent(span: Span, name: string, got: string): Diagnostic {
    return error("E0711", `the extent of ${code(name)} is a whole number from 0 to 2^32 - 1, not ${code(got)}`, {
      span,
    });
  },
  unknownTensor(span: Span, fn: string, kind: "input" | "output", name: string, known: readonly string[]): Diagnostic {
    const help = didYouMean(name, known);
    return error("E0712", `${code(fn)} has no ${kind} ${code(name)}`, {
      span,
      notes: [known.length > 0 ? `it has ${listing(known.map(code))}` : `it has no ${kind}s`],
      help,
    });
  },
  severalFunctions(span: Span, names: readonly string[]): Diagnostic {
    return error("E0713", `the file has ${names.length} functions, and one can run at a time`, {
      span,
      help: [`choose one: ${names.map((name) => code(`--fn ${name}`)).join(", ")}`],
    });
  },
  notAFolder(span: Span, path: string, count: number): Diagnostic {
    return error("E0714", `${code(path)} is a file, and ${count} kernels need a folder`, {
      span,
      help: ["name a folder, or choose one function with `--fn`"],
    });
  },
  unknownCode(span: Span, name: string, known: readonly string[]): Diagnostic {
    return error("E0715", `there is no diagnostic ${code(name)}`, {
      span,
      help: [...didYouMean(name, known), "`tirc explain list` lists the codes"],
    });
  },
  streamTwice(span: Span, stream: "stdin" | "stdout", first: Span): Diagnostic {
    return error("E0716", `\`-\` is ${stream}, and can be used once`, {
      span,
      labels: [{ span: first, message: "first used here" }],
    });
  },
  noInput(span: Span, name: string, got: string, choices: readonly string[]): Diagnostic {
    return error("E0705", `there is no file ${code(got)} for the input ${code(name)}`, {
      span,
      help: [...didYouMean(got, choices), `an input is a .npy file, or ${listing(choices.map(code), "or")}`],
    });
  },
  noFill(span: Span, name: string, got: string, why: string, choices: readonly string[]): Diagnostic {
    return error("E0705", `the input ${code(name)} cannot be filled with ${code(got)}: ${why}`, {
      span,
      help: [`an input is a .npy file, or ${listing(choices.map(code), "or")}`],
    });
  },
  numberDoesNotFit(span: Span | undefined, name: string, type: string, got: string): Diagnostic {
    return error("E0717", `the input ${code(name)} is ${type}, which cannot hold ${got}`, { span });
  },
  withoutEffect(span: Span, option: string, pass: string): Diagnostic {
    return error("E0719", `${code(option)} is about ${code(pass)}, which is not among the passes`, {
      span,
      help: [`leave ${code(option)} out, or run a pipeline with ${code(pass)}, as the default one is`],
    });
  },
  overwritesInput(
    span: Span,
    option: string,
    same: SameFile,
    read: { readonly what: string; readonly span?: Span | undefined },
  ): Diagnostic {
    return error("E0720", `${code(option)} would overwrite ${read.what}`, {
      span,
      labels: read.span === undefined ? [] : [{ span: read.span, message: "read from here" }],
      notes: linked(same),
      help: ["write another file, and rename it when it is what you want"],
    });
  },
  overwritesOutput(
    span: Span,
    option: string,
    same: SameFile,
    other: { readonly option: string; readonly span: Span },
  ): Diagnostic {
    const what = option === other.option ? "write one file twice" : `overwrite what ${code(other.option)} writes`;
    return error("E0720", `${code(option)} would ${what}`, {
      span,
      labels: [{ span: other.span, message: "written by this too" }],
      notes: linked(same),
      help: ["name a file of its own for each"],
    });
  },
  noPath(span: Span, what: string): Diagnostic {
    return error("E0721", `${what} is given an empty path`, {
      span,
      help: ["name a file; `-` is the standard input or output"],
    });
  },
  tooLarge(name: string, type: string, most: number): Diagnostic {
    return error("E0718", `${code(name)} is ${type}: \`tirc run\` takes tensors of up to ${most} elements`, {
      help: ["choose smaller dimensions with `--dim NAME=EXTENT`, or run the kernel with the library"],
    });
  },
};

/** Two paths that came out as one file. */
interface SameFile {
  readonly path: string;
  readonly other: string;
}

const linked = ({ path, other }: SameFile) =>
  path === other ? [] : [`${code(path)} and ${code(other)} are the same file`];

const keptIn = (reproducer: string | undefined) =>
  reproducer === undefined ? [] : [`the program is in ${reproducer}, with what failed on it in its first comments`];

/** What is wrong with a pass of a plugin. `reproducer` is the path of a file that shows it again. */
export function withReproducer(found: Diagnostic, reproducer: string | undefined): Diagnostic {
  return { ...found, notes: [...found.notes, ...keptIn(reproducer)] };
}

/** A bug in tirc. `reproducer` is the path of a file that shows it again. */
export function internalError(message: string, reproducer: string | undefined): Diagnostic {
  return error("E0799", `tirc itself failed: ${message}`, {
    notes: keptIn(reproducer),
    help: ["this is a bug in tirc: please report it with that file", "TIRC_DEBUG=1 shows where it happened"],
  });
}
