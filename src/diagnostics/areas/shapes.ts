/** Shapes, axes and extents: E0205, E0212 to E0219, E0227, E0229. */

import { error, type Help, type Label, proposal, replaced, type Span } from "../diagnostic.ts";
import type { Entry } from "../page.ts";
import { code, type Instead, insteadOf, suggest } from "../wording.ts";

export const E0205: Entry = {
  title: "shapes that do not broadcast",
  explanation: `Shapes are aligned at the last dimension, as in NumPy. Two dimensions are compatible if they are equal
or one of them is 1; a missing one counts as 1. Two different names are not compatible, even if their extents might be
equal. A statistic of a row that is combined with the row again needs \`keepdims = true\`.`,
  wrong: { body: ["return x - mean(x, axes = [-1])"] },
  fix: { body: ["return x - mean(x, axes = [-1], keepdims = true)"] },
};

/** Two shapes that do not broadcast. */
export interface Mismatch {
  readonly a: readonly (number | string)[];
  readonly b: readonly (number | string)[];
  /** The last axis on which they differ, from the end, and their dimensions there. */
  readonly axis: number;
  readonly dims: readonly [number | string, number | string];
  readonly help: readonly Help[];
}

export function noBroadcast(span: Span, op: string, { a, b, axis, dims, help }: Mismatch, labels: readonly Label[]) {
  const shapes = `[${a.join(", ")}] and [${b.join(", ")}]`;
  return error("E0205", `${shapes} do not broadcast in \`${op}\`: axis ${axis} is ${dims[0]} and ${dims[1]}`, {
    span,
    labels,
    notes: [
      "shapes are aligned at the last dimension; two dimensions are compatible if they are equal or one of them is 1",
    ],
    help,
  });
}

export const E0212: Entry = {
  title: "an axis that the tensor does not have",
  explanation: "Axes are numbered from 0 for the first, or from -1 for the last.",
  wrong: { body: ["return softmax(x, axes = [2])"] },
  fix: { body: ["return softmax(x, axes = [1])"] },
};

export function axisOutOfRange(span: Span, op: string, axis: number, shape: readonly (number | string)[]) {
  const [rank, text] = [shape.length, `[${shape.join(", ")}]`];
  const range = rank === 0 ? "a scalar has no axes" : `axes of ${text} run from ${-rank} to ${rank - 1}`;
  // PyTorch's `normalized_shape` has extents.
  const meant = shape.lastIndexOf(axis) - rank;
  const written = span.source.text.slice(span.start, span.end);
  const isAlone = /^\[?\s*\d+\s*\]?$/.test(written);
  const line = `the axis of extent ${axis} is axis ${meant}`;
  const exchanged = replaced(span, written.replace(String(axis), String(meant)));
  const named =
    rank === 0 ? "an op over axes needs a tensor with at least one axis" : "choose one of these; -1 is the last axis";
  const help = shape.includes(axis) ? [isAlone ? proposal(line, exchanged) : line] : [named];
  return error("E0212", `\`${op}\` names axis ${axis}, which ${text} does not have`, { span, notes: [range], help });
}

export const E0213: Entry = {
  title: "an axis that is named twice",
  explanation: "Both numbers denote the same axis: for a tensor with two axes, 1 and -1 are the same one.",
  wrong: { body: ["return softmax(x, axes = [1, -1])"] },
  fix: { body: ["return softmax(x, axes = [-1])"] },
};

/** Two numbers of one axis, as they are written. */
export function axisTwice(span: Span, op: string, axis: number, again: number) {
  return error("E0213", `\`${op}\` names axis ${axis} twice`, {
    span,
    notes: axis === again ? [] : [`${axis} and ${again} are the same axis: negative numbers count from the end`],
    help: ["name each axis once"],
  });
}

export const E0214: Entry = {
  title: "an empty list of axes",
  explanation: "A reduction or a norm over no axis would have no effect, or one that is hardly ever meant.",
  wrong: { body: ["return softmax(x, axes = [])"] },
  fix: { body: ["return softmax(x, axes = [-1])"] },
};

export function noAxes(span: Span, op: string) {
  return error("E0214", `\`${op}\` needs at least one axis`, {
    span,
    help: [proposal("write `axes = [-1]` for the last one", replaced(span, "[-1]"))],
  });
}

export const E0215: Entry = {
  title: "gamma or beta of the wrong shape",
  explanation: `gamma and beta have the shape of the normalized axes: \`[768]\` for \`axes = [-1]\` of
\`[rows, 768]\`; for \`groupnorm\` they have one element for each channel. To scale by something else, multiply after
the norm.`,
  wrong: `fn f(x: f32[rows, 768], gamma: f32[rows, 768]) -> f32[rows, 768] {
  return layernorm(x, gamma, axes = [-1])
}`,
  fix: `fn f(x: f32[rows, 768], gamma: f32[768]) -> f32[rows, 768] {
  return layernorm(x, gamma, axes = [-1])
}`,
};

export function affineShape(span: Span, op: string, operand: string, got: string, wanted: string) {
  return error("E0215", `\`${operand}\` of \`${op}\` must have shape ${wanted}, but has ${got}`, {
    span,
    notes: ["gamma and beta have the shape of the normalized axes (for groupnorm: of the channels)"],
    help: [`declare it with the shape ${wanted}, or multiply or add it after the norm`],
  });
}

export function numberAsOperand(span: Span, op: string, operand: string, instead: Instead) {
  return error("E0215", `\`${operand}\` of \`${op}\` is a tensor, but this is a number`, {
    span,
    help: [insteadOf(`attributes are given by name: ${code(instead.text)}`, instead)],
  });
}

export const E0216: Entry = {
  title: "groupnorm of a tensor without channels",
  explanation: "`groupnorm` takes `[batch, channel, ...]`: the second axis is divided into groups.",
  wrong: `fn f(x: f32[64]) -> f32[64] {
  return groupnorm(x, groups = 8)
}`,
  fix: `fn f(x: f32[batch, 64]) -> f32[batch, 64] {
  return groupnorm(x, groups = 8)
}`,
};

export function groupRank(span: Span, got: string) {
  return error("E0216", `\`groupnorm\` takes [batch, channel, ...], not ${got}`, {
    span,
    help: ["declare it with these axes, or add one: `reshape(x, shape = [1, ...])`"],
  });
}

export const E0217: Entry = {
  title: "groups that do not divide the channels",
  explanation: `All groups of \`groupnorm\` have the same number of channels. The number of channels must be known
when the program is compiled, unless there is only one group.`,
  wrong: `fn f(x: f32[batch, 64, n]) -> f32[batch, 64, n] {
  return groupnorm(x, groups = 7)
}`,
  fix: `fn f(x: f32[batch, 64, n]) -> f32[batch, 64, n] {
  return groupnorm(x, groups = 8)
}`,
};

export function groupsDoNotDivide(span: Span, groups: number, channels: string) {
  const named = Number.isNaN(Number(channels));
  const notes = named ? ["the number of channels must be a number here, so that it can be cut into groups"] : [];
  return error("E0217", `${groups} groups do not divide ${channels} channels`, {
    span,
    notes,
    help: [named ? `fix it with \`--dim ${channels}=...\`` : `choose a number that divides ${channels}`],
  });
}

export const E0218: Entry = {
  title: "an impossible shape",
  explanation: `\`reshape\` preserves the number of elements, \`transpose\` names every axis once, and \`broadcast\`
only repeats elements. For named extents this must be evident: \`[rows, 768]\` can become \`[rows, 12, 64]\`.`,
  wrong: { body: ["return reshape(x, shape = [rows, 700])"] },
  fix: { body: ["return reshape(reshape(x, shape = [rows, 12, 64]), shape = [rows, 768])"] },
};

const shapeRules: Readonly<Record<string, string>> = {
  reshape: "choose extents with the same product; one of them may be `-1`, and follows from the others",
  transpose: "name every axis once: `perm = [1, 0]` exchanges two",
  broadcast: "choose a shape to which the operand broadcasts: only extents of 1 and new axes in front are repeated",
};

export function shapeOp(span: Span, op: string, reason: string) {
  const rule = shapeRules[op];
  return error("E0218", `\`${op}\` is not possible: ${reason}`, { span, help: rule === undefined ? [] : [rule] });
}

export const E0219: Entry = {
  title: "a dimension that no parameter has",
  explanation: `The extent of a named dimension is read from the parameters, so at least one of their shapes must
contain it. A dimension that occurs only in a result cannot be determined.`,
  wrong: `fn f(x: f32[rows, 768]) -> f32[row, 768] {
  return x
}`,
  fix: `fn f(x: f32[rows, 768]) -> f32[rows, 768] {
  return x
}`,
};

export function unknownDimension(span: Span | undefined, name: string, known: () => readonly string[]) {
  return error("E0219", `no parameter has a dimension \`${name}\``, {
    span,
    notes: ["the extent of a named dimension comes from the parameters' shapes"],
    help: () => {
      const names = known();
      return names.length === 0 ? ["all shapes of the parameters are numbers"] : suggest(name, names, undefined, span);
    },
  });
}

export const E0227: Entry = {
  title: "a tensor that is too large",
  explanation: "A kernel counts elements with 32 bits, so a tensor can have at most 2^32 of them.",
  wrong: `fn f(x: f32[100000, 100000]) -> f32[100000, 100000] {
  return x * 2
}`,
  fix: `fn f(x: f32[rows, 100000]) -> f32[rows, 100000] {
  return x * 2
}`,
};

export function hugeShape(span: Span, what: string) {
  return error("E0227", `${what} has more than 2^32 elements`, {
    span,
    notes: ["elements are addressed with 32 bits"],
    help: ["give a dimension a name, and run the kernel for a part at a time"],
  });
}

export const E0229: Entry = {
  title: "an extent that is out of range",
  explanation: "The extent of a dimension is a whole number from 0 to 2^32 - 1.",
  wrong: `fn f(x: f32[99999999999]) -> f32[99999999999] {
  return x
}`,
  fix: `fn f(x: f32[n]) -> f32[n] {
  return x
}`,
};

export function badExtent(span: Span | undefined, got: string) {
  return error("E0229", `an extent is a whole number from 0 to 4294967295 or a name, not ${got}`, {
    span,
    help: ["for an extent that is known only when the kernel runs, write a name, such as `n`"],
  });
}
