/** Paths of a command line: E0714, E0716, E0720 and E0721. */

import { error, type Span } from "../diagnostic.ts";
import type { Entry } from "../page.ts";
import { code } from "../wording.ts";

/** Two paths that lead to the same file. */
interface SameFile {
  readonly path: string;
  readonly other: string;
}

const linked = ({ path, other }: SameFile) =>
  path === other ? [] : [`${code(path)} and ${code(other)} are the same file`];

export const E0714: Entry = {
  title: "several kernels for one file",
  explanation: `Each function becomes a kernel in a file of its own, so \`-o\` must be a folder if the program has
several functions.`,
  wrong: "tirc compile two-functions.tir -o kernel.wgsl",
  fix: "tirc compile two-functions.tir -o kernels/",
};

export function notAFolder(span: Span, path: string, count: number) {
  return error("E0714", `${code(path)} names a file, but ${count} kernels need a folder`, {
    span,
    help: ["name a folder, or choose one function with `--fn`"],
  });
}

export const E0716: Entry = {
  title: "the standard input or output used twice",
  explanation: "`-` stands for one stream, which can be read or written only once.",
  wrong: "tirc run - --in x=-",
  fix: "tirc run bert.tir --in x=-",
};

export function streamTwice(span: Span, stream: "stdin" | "stdout", first: Span) {
  return error("E0716", `\`-\` is ${stream}, and can be used once`, {
    span,
    labels: [{ span: first, message: "first used here" }],
    help: ["name a file for one of them"],
  });
}

export const E0720: Entry = {
  title: "an output that would overwrite an input or another output",
  explanation: `Nothing is written if an output file is also one of the files that the command reads (the program or
model, files of its constants, the weights beside a model, inputs, a profile), or if two options write the same file.
Links are resolved, so that two names of one file are recognized.`,
  wrong: "tirc import model.onnx -o model.onnx",
  fix: "tirc import model.onnx -o model.tir",
};

export function overwritesInput(
  span: Span,
  option: string,
  same: SameFile,
  read: { readonly what: string; readonly span?: Span | undefined },
) {
  return error("E0720", `${code(option)} would overwrite ${read.what}`, {
    span,
    labels: read.span === undefined ? [] : [{ span: read.span, message: "read from here" }],
    notes: linked(same),
    help: ["write another file, and rename it when it is what you want"],
  });
}

export function overwritesOutput(
  span: Span,
  option: string,
  same: SameFile,
  other: { readonly option: string; readonly span: Span },
) {
  const what = option === other.option ? "write one file twice" : `overwrite what ${code(other.option)} writes`;
  return error("E0720", `${code(option)} would ${what}`, {
    span,
    labels: [{ span: other.span, message: "also written by this" }],
    notes: linked(same),
    help: ["name a separate file for each"],
  });
}

export const E0721: Entry = {
  title: "an empty path",
  explanation: "A shell variable in the command line may be empty.",
  wrong: 'tirc compile bert.tir -o ""',
  fix: "tirc compile bert.tir -o bert.wgsl",
};

export function noPath(span: Span, what: string) {
  return error("E0721", `${what} is given an empty path`, {
    span,
    help: ["name a file; `-` is the standard input or output"],
  });
}
