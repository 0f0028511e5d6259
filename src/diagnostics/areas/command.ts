/** Command lines: E07xx. Places are in the line as it was typed. */

import { error, type Span } from "../diagnostic.ts";
import type { Entry } from "../page.ts";
import { didYouMean, didYouMeanOr } from "../suggest.ts";
import { code, listing } from "../wording.ts";

const helpOf = (command: string) => `\`tirc ${command} --help\` shows what it takes`;

/** A note on the file that reproduces a failure, if there is one. */
export const keptIn = (reproducer: string | undefined) =>
  reproducer === undefined ? [] : [`the program is in ${reproducer}, with what failed on it in its first comments`];

const leaveOut = "leave it out, or name one of these";

export const E0701: Entry = {
  title: "a command that does not exist",
  explanation: "The first word after `tirc` is the command. `tirc --help` lists the commands.",
  wrong: "tirc complie bert.tir",
  fix: "tirc compile bert.tir",
};

export function unknownCommand(span: Span, name: string, known: readonly string[]) {
  const isFile = /\.(tir|onnx|pt2)$/.test(name);
  const help = /^-{0,2}v(ersion)?$/i.test(name)
    ? ["`tirc --version` prints the version"]
    : name.startsWith("-")
      ? [...didYouMean(name, ["--version", "--help"]), "options follow the command: `tirc run FILE --compare`"]
      : isFile
        ? [`the command comes first: ${code(`tirc ${name.endsWith(".tir") ? "run" : "explain-norms"} ${name}`)}`]
        : didYouMean(name, known);
  return error("E0701", `there is no command ${code(name)}`, {
    span,
    help: help.length > 0 ? help : [`the commands are ${listing(known.map(code))}`],
  });
}

export const E0702: Entry = {
  title: "an option that does not exist",
  explanation: `Each command has its own options; \`tirc COMMAND --help\` lists them. Whatever follows \`--\` is a
file, even if it begins with a hyphen.`,
  wrong: "tirc compile bert.tir --tarket portable",
  fix: "tirc compile bert.tir --target portable",
};

/** @param others the commands that have this option, which help if they are few. */
export function unknownOption(
  span: Span,
  command: string,
  name: string,
  known: readonly string[],
  others: readonly string[],
) {
  const elsewhere = `${code(name)} is an option of ${listing(others.map((other) => code(`tirc ${other}`)))}`;
  return error("E0702", `${code(`tirc ${command}`)} has no option ${code(name)}`, {
    span,
    help: [
      ...(others.length > 0 && others.length <= 3 ? [elsewhere] : []),
      ...didYouMeanOr(helpOf(command), name, known),
    ],
  });
}

export const E0703: Entry = {
  title: "an option without its value",
  explanation: "The value follows after a space or after `=`.",
  wrong: "tirc compile bert.tir --target",
  fix: "tirc compile bert.tir --target=portable",
};

export function missingValue(span: Span, option: string, value: string, choices: readonly string[] = []) {
  const which = choices.length === 0 || value.includes("|") ? "" : `, where ${value} is ${listing(choices, "or")}`;
  return error("E0703", `${code(option)} needs a value`, { span, help: [`write \`${option} ${value}\`${which}`] });
}

export const E0704: Entry = {
  title: "a value for an option that takes none",
  explanation: "Such an option is enabled by its presence.",
  wrong: "tirc compile bert.tir --timing=yes",
  fix: "tirc compile bert.tir --timing",
};

export function unexpectedValue(span: Span, option: string) {
  return error("E0704", `${code(option)} takes no value`, { span, help: [`write ${code(option)} alone`] });
}

export const E0705: Entry = {
  title: "an invalid value for an option",
  explanation: "The message says which values are accepted.",
  wrong: "tirc compile bert.tir --emit spirv",
  fix: "tirc compile bert.tir --emit wgsl",
};

/** @param choices all that are accepted, or examples. */
export function wrongValue(span: Span, option: string, got: string, expected: string, choices: readonly string[]) {
  const example = `for example, \`${option}=${choices[0]}\``;
  const shown = got === "" ? "an empty value" : code(got);
  return error("E0705", `${code(option)} takes ${expected}, not ${shown}`, {
    span,
    help: didYouMeanOr(example, got, choices),
  });
}

export function severalTargets(span: Span, command: string) {
  return error("E0705", "`--target` takes one target here, not `all`: a kernel is compiled for one target", {
    span,
    help: [
      command === "compile"
        ? "`--emit ts` writes a module with a kernel for each"
        : "`--target auto` compiles for the device of this machine",
    ],
  });
}

export function noInput(span: Span, name: string, got: string, choices: readonly string[]) {
  return error("E0705", `there is no file ${code(got)} for the input ${code(name)}`, {
    span,
    help: [...didYouMean(got, choices), `an input is a .npy file, or ${listing(choices.map(code), "or")}`],
  });
}

export function noFill(span: Span, name: string, got: string, why: string, choices: readonly string[]) {
  return error("E0705", `the input ${code(name)} cannot be filled with ${code(got)}: ${why}`, {
    span,
    help: [`an input is a .npy file, or ${listing(choices.map(code), "or")}`],
  });
}

export const E0706: Entry = {
  title: "an option that is given twice",
  explanation: `It would be unclear which of the values is meant. \`--dim\`, \`--in\`, \`--out\` and the options that
name passes may be repeated.`,
  wrong: "tirc compile bert.tir --target portable --target gpu-f16",
  fix: "tirc compile bert.tir --target gpu-f16",
};

export function optionTwice(span: Span, option: string, first: Span) {
  return error("E0706", `${code(option)} is given twice`, {
    span,
    labels: [{ span: first, message: "first given here" }],
    help: ["leave one of them out"],
  });
}

export const E0707: Entry = {
  title: "a missing argument",
  explanation: "The command needs a file, or the name that it works on. `-` is the standard input.",
  wrong: "tirc compile --emit json",
  fix: "tirc compile bert.tir --emit json",
};

export function missingOperand(span: Span, command: string, what: string) {
  return error("E0707", `${code(`tirc ${command}`)} needs ${what}`, { span, help: [helpOf(command)] });
}

export const E0708: Entry = {
  title: "too many arguments",
  explanation: "`tirc check` and `tirc fmt` accept any number of files, the other commands one.",
  wrong: "tirc compile bert.tir vit.tir",
  fix: `tirc compile bert.tir
tirc compile vit.tir`,
};

export function extraOperand(span: Span, command: string, takes: string) {
  return error("E0708", `${code(`tirc ${command}`)} takes ${takes}`, { span, help: [helpOf(command)] });
}

export const E0709: Entry = {
  title: "conflicting options",
  explanation: `An option would have no effect, because another one decides the same thing, or because it does not apply
to what the command is given or writes.`,
  wrong: "tirc compile bert.tir -O0 --passes default",
  fix: "tirc compile bert.tir -O0",
};

export function conflict(span: Span, option: string, other: string, why: string) {
  return error("E0709", `${code(option)} and ${code(other)} cannot be combined: ${why}`, {
    span,
    help: ["leave one of them out"],
  });
}

/** @param operand what the command is given: "a model". */
export function notFor(span: Span, option: string, operand: string, why: string) {
  return error("E0709", `${code(option)} does not apply to ${operand}: ${why}`, {
    span,
    help: [`leave ${code(option)} out`],
  });
}

export const E0710: Entry = {
  title: "not of the form NAME=VALUE",
  explanation: "`--dim`, `--in` and `--out` state the name that the value is for. They can be given several times.",
  wrong: "tirc run bert.tir --dim 4096",
  fix: "tirc run bert.tir --dim rows=4096",
};

const examples: Readonly<Record<string, string>> = {
  "--dim": "--dim rows=1024",
  "--in": "--in x=x.npy",
  "--out": "--out y=y.npy",
};

export function notAnAssignment(span: Span, option: string, form: string) {
  return error("E0710", `${code(option)} takes ${code(form)}`, {
    span,
    help: [`for example, \`${examples[option] ?? `${option} ${form}`}\``],
  });
}

export const E0711: Entry = {
  title: "an unknown dimension or an invalid extent",
  explanation: "`--dim` sets a named dimension of the program to an extent, a whole number.",
  wrong: "tirc run bert.tir --dim row=4096   // of f32[rows, 768]",
  fix: "tirc run bert.tir --dim rows=4096",
};

export function unknownDimension(span: Span, name: string, known: readonly string[]) {
  const notes = [known.length > 0 ? `it has ${listing(known.map(code))}` : "all its shapes are numbers"];
  return error("E0711", `the program has no dimension ${code(name)}`, {
    span,
    notes,
    help: didYouMeanOr(leaveOut, name, known),
  });
}

export function notAnExtent(span: Span, name: string, got: string) {
  return error("E0711", `the extent of ${code(name)} must be a whole number from 0 to 2^32 - 1, not ${code(got)}`, {
    span,
    help: [`for example, \`--dim ${name}=1024\``],
  });
}

export const E0712: Entry = {
  title: "an input or output that the function does not have",
  explanation: `Inputs have the names of the parameters, and outputs those of the results, or \`out0\`, \`out1\` and
so on if the results have no names.`,
  wrong: "tirc run bert.tir --out z=z.npy   // of fn bert(...) -> (y: ...)",
  fix: "tirc run bert.tir --out y=y.npy",
};

export function unknownTensor(
  span: Span,
  fn: string,
  kind: "input" | "output",
  name: string,
  known: readonly string[],
) {
  const help = didYouMeanOr(leaveOut, name, known);
  return error("E0712", `${code(fn)} has no ${kind} ${code(name)}`, {
    span,
    notes: [known.length > 0 ? `it has ${listing(known.map(code))}` : `it has no ${kind}s`],
    help,
  });
}

export const E0713: Entry = {
  title: "several functions to run",
  explanation: "`tirc run` runs one function. If a file has several, choose one with `--fn`.",
  wrong: "tirc run two-functions.tir",
  fix: "tirc run two-functions.tir --fn first",
};

export function severalFunctions(span: Span, names: readonly string[]) {
  return error("E0713", `the file has ${names.length} functions, but only one can run at a time`, {
    span,
    help: [`choose one: ${names.map((name) => code(`--fn ${name}`)).join(", ")}`],
  });
}

export const E0715: Entry = {
  title: "a code that no diagnostic has",
  explanation: "Every diagnostic shows its code in brackets.",
  wrong: "tirc explain 203",
  fix: "tirc explain E0203",
};

export function unknownCode(span: Span, name: string, known: readonly string[]) {
  const full = `E${name.padStart(4, "0")}`;
  const help = known.includes(full) ? [`did you mean \`${full}\`?`] : didYouMean(name, known);
  return error("E0715", `there is no diagnostic ${code(name)}`, {
    span,
    help: [...help, "`tirc explain list` lists the codes"],
  });
}

export const E0717: Entry = {
  title: "a number that the input cannot hold",
  explanation: "A number given with `--in` fills the input, whose element type the program declares.",
  wrong: "tirc run gather.tir --in index=1.5   // of index: i32[rows]",
  fix: "tirc run gather.tir --in index=1",
};

export function numberDoesNotFit(
  span: Span | undefined,
  name: string,
  type: string,
  got: string,
  integers?: readonly [least: number, most: number],
) {
  return error("E0717", `the input ${code(name)} is ${type}, which cannot hold ${got}`, {
    span,
    notes: integers === undefined ? [] : [`it holds whole numbers from ${integers[0]} to ${integers[1]}`],
    help: ["give another number, or declare the input with another type in the program"],
  });
}

export const E0718: Entry = {
  title: "a tensor that is too large to generate",
  explanation: `\`tirc run\` keeps inputs and outputs in memory, in float64 if they are compared. If the interpreter
runs, because of \`--device cpu\` or \`--compare\`, all intermediate results are in memory too.`,
  wrong: "tirc run bert.tir --dim rows=100000000",
  fix: "tirc run bert.tir --dim rows=4096",
};

export function tooLarge(name: string, type: string, most: number) {
  return error("E0718", `${code(name)} is ${type}: \`tirc run\` takes tensors of up to ${most} elements`, {
    help: ["choose smaller dimensions with `--dim NAME=EXTENT`, or run the kernel with the library"],
  });
}

export const E0719: Entry = {
  title: "an option for a pass that does not run",
  explanation: `\`--mode\` and \`--weights-out\` apply to \`eliminate-centering\`. The pipeline, as given by
\`--passes\`, \`-O0\` or the \`tirc-pipeline\` comment of the file, does not contain this pass, or \`--disable-pass\`
removes it.`,
  wrong: "tirc compile bert.tir -O0 --mode lossy",
  fix: "tirc compile bert.tir --mode lossy",
};

export function withoutEffect(span: Span, option: string, pass: string) {
  return error("E0719", `${code(option)} applies to ${code(pass)}, which is not in the pipeline`, {
    span,
    help: [`leave ${code(option)} out, or run a pipeline with ${code(pass)}, such as the default one`],
  });
}

export const E0722: Entry = {
  title: "an option that has no effect without another",
  explanation: "`tirc COMMAND --help` says what each option applies to.",
  wrong: "tirc targets --adapter nvidia",
  fix: "tirc targets --detect --adapter nvidia",
};

export function needsOption(span: Span, option: string, needs: readonly string[]) {
  const others = listing(needs.map(code), "or");
  return error("E0722", `${code(option)} has no effect without ${others}`, {
    span,
    help: [`add ${others}, or leave ${code(option)} out`],
  });
}

export const E0799: Entry = {
  title: "a bug in tirc",
  explanation: `Something failed that cannot be the fault of the program. The program is saved to a file whose first
comments contain the pipeline and what failed: a pass, in which case \`tirc compile\` on the file reproduces the
failure, or a command. Please report it with that file.`,
  wrong: "tirc compile bert.tir",
  fix: "tirc compile bert.tir -O0   // perhaps: it runs fewer passes",
};

/** A bug in tirc. `reproducer` is the path of a file that shows it again. */
export function internalError(message: string, reproducer: string | undefined) {
  return error("E0799", `tirc itself failed: ${message}`, {
    notes: keptIn(reproducer),
    help: ["this is a bug in tirc: please report it with that file", "TIRC_DEBUG=1 shows where it happened"],
  });
}
