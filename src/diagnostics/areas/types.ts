/** Element types, shapes and axes: E0203 to E0205, E0212 to E0229. */

import { error, type Help, isComplete, type Label, proposal, replaced, type Span, wrapped } from "../diagnostic.ts";
import type { Entry } from "../page.ts";
import { expressionAt, rewriting } from "../rewriting.ts";
import { code, type Instead, insteadOf, listing, oneOf, quoted, suggest } from "../wording.ts";

/** `text` as a value of that element type. */
function conversion(text: string, element: string): string {
  const isAtom = /^[\w.]+(\([^()]*\))?$/.test(text);
  return element === "bool" ? `${isAtom ? text : `(${text})`} != 0` : `cast(${text}, to = ${element})`;
}

/** `text`, of the type `got`, as a value of the type `wanted`, if one op makes it one. */
function converted(text: string, wanted: string, got: string): string | undefined {
  const parts = (type: string) => /^(\w+)(?:\[(.*)\])?$/.exec(type)?.slice(1) ?? [];
  const [[element, shape = ""], [from, extents = ""]] = [parts(wanted), parts(got)];
  if (element === undefined || from === undefined) return undefined;
  if (shape === extents) return conversion(text, element);
  if (element !== from) return undefined;
  const [to, own] = [shape, extents].map((list) => list.split(", ").filter((extent) => extent !== ""));
  const others = (list: string[] | undefined) => list?.filter((extent) => extent !== "1").join();
  if (others(to) === others(own)) return `reshape(${text}, shape = [${shape}])`;
  const ends = to?.slice(to.length - (own?.length ?? 0));
  const repeats = own?.every((extent, i) => extent === "1" || extent === ends?.[i]);
  return repeats && own !== undefined && to !== undefined && own.length <= to.length
    ? `broadcast(${text}, shape = [${shape}])`
    : undefined;
}

const casting = (line: string, span: Span | undefined, element: string): Help =>
  span === undefined ? line : proposal(line, ...wrapped(span, "cast(", `, to = ${element})`));

export const E0203: Entry = {
  title: "operands of different element types",
  explanation: `Nothing is converted implicitly: all operands of an op have the same element type. A literal has no
element type of its own and takes that of the tensor it is combined with. \`cast(x, to = f32)\` converts.`,
  wrong: `fn f(a: f32[n], b: f16[n]) -> f32[n] {
  return a + b
}`,
  fix: `fn f(a: f32[n], b: f16[n]) -> f32[n] {
  return a + cast(b, to = f32)
}`,
};

/** `wide` is the type that holds the values of both, and `narrow` the operand that is of the other. */
export function elementMismatch(
  span: Span,
  op: string,
  a: string,
  b: string,
  labels: readonly Label[],
  fix: { readonly narrow: Span | undefined; readonly wide: string },
) {
  return error("E0203", `\`${op}\` takes operands of one element type, but got ${a} and ${b}`, {
    span,
    labels,
    help: [casting(`write ${code(`cast(${quoted(fix.narrow)}, to = ${fix.wide})`)}`, fix.narrow, fix.wide)],
  });
}

export const E0204: Entry = {
  title: "an unsupported element type",
  explanation: `Each op accepts certain element types: \`exp\` only floats, \`&&\` only \`bool\`. docs/language.md
lists them.`,
  wrong: `fn f(a: i32[n]) -> i32[n] {
  return exp(a)
}`,
  fix: `fn f(a: i32[n]) -> f32[n] {
  return exp(cast(a, to = f32))
}`,
};

export function elementRefused(
  span: Span,
  op: string,
  got: string,
  accepted: readonly string[],
  wanted = accepted[0] as string,
) {
  const text = quoted(span);
  const line = `convert it first: ${code(conversion(text, wanted))}`;
  const help = wanted === "bool" ? rewriting(line, conversion(text, wanted), span) : casting(line, span, wanted);
  const choice = got === "bool" ? [`or choose by it: ${code(`where(${text}, a, b)`)}`] : [];
  return error("E0204", `\`${op}\` does not take ${got}: it takes ${listing(accepted, "or")}`, {
    span,
    help: [help, ...choice],
  });
}

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
  const line = `axis ${meant} is the one of extent ${axis}`;
  const exchanged = replaced(span, written.replace(String(axis), String(meant)));
  const help = shape.includes(axis) ? [isAlone ? proposal(line, exchanged) : line] : [];
  return error("E0212", `\`${op}\` names axis ${axis}, which ${text} does not have`, { span, notes: [range], help });
}

export const E0213: Entry = {
  title: "an axis that is named twice",
  explanation: "Both numbers denote the same axis: for a tensor with two axes, 1 and -1 are the same one.",
  wrong: { body: ["return softmax(x, axes = [1, -1])"] },
  fix: { body: ["return softmax(x, axes = [-1])"] },
};

export function axisTwice(span: Span, op: string, axis: number) {
  return error("E0213", `\`${op}\` names axis ${axis} twice`, { span, notes: ["-1 is the last axis"] });
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
  });
}

export function numberAsOperand(span: Span, op: string, operand: string, instead: Instead) {
  return error("E0215", `\`${operand}\` of \`${op}\` is a tensor, and this is a number`, {
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
  return error("E0216", `\`groupnorm\` takes [batch, channel, ...], not ${got}`, { span });
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
    help: named ? [`fix it with \`--dim ${channels}=...\``] : [],
  });
}

export const E0218: Entry = {
  title: "an impossible shape",
  explanation: `\`reshape\` preserves the number of elements, \`transpose\` names every axis once, and \`broadcast\`
only repeats elements. For named extents this must be evident: \`[rows, 768]\` can become \`[rows, 12, 64]\`.`,
  wrong: { body: ["return reshape(x, shape = [rows, 700])"] },
  fix: { body: ["return reshape(reshape(x, shape = [rows, 12, 64]), shape = [rows, 768])"] },
};

export function shapeOp(span: Span, op: string, reason: string) {
  return error("E0218", `\`${op}\` is not possible: ${reason}`, { span });
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
      return names.length === 0
        ? ["all shapes of the parameters are numbers"]
        : suggest(name, names, "there are", span);
    },
  });
}

export const E0220: Entry = {
  title: "a literal that does not fit its type",
  explanation: `A literal takes the element type of the tensor it is combined with, and must be representable in it: a
whole number for \`i32\` and \`u32\`, not negative for \`u32\`, at most 65504 for \`f16\`. A literal of a float type
is rounded, but not to zero or infinity.`,
  wrong: `fn f(a: f16[n]) -> f16[n] {
  return a * 1e5
}`,
  fix: `fn f(a: f16[n]) -> f16[n] {
  return cast(cast(a, to = f32) * 1e-5, to = f16)
}`,
};

export function literalRange(span: Span, value: string, element: string, reason: string) {
  const isFraction = (element === "i32" || element === "u32") && !/^-?\d+$|true|false/.test(value);
  return error("E0220", `${element} cannot hold ${value}: ${reason}`, {
    span,
    help: isFraction
      ? ["a number takes the type of the tensor it is combined with: convert the tensor, `cast(..., to = f32)`"]
      : [],
  });
}

export const E0221: Entry = {
  title: "a literal without an element type",
  explanation: `Arithmetic on literals alone is done in float64, and has no element type until it is combined with a
tensor. Where an op needs an element type and there is no tensor, bind the literal with a type: \`let two: f32 = 2\`.`,
  wrong: { body: ["return x * sum(2, axes = [0])"] },
  fix: { body: ["let two: f32 = 2", "return x * two"] },
};

export function literalUntyped(span: Span, what: string) {
  return error("E0221", `${what} has no element type: it is not combined with a tensor`, {
    span,
    help: ["give it one: `let x: f32 = ...`, then use `x`"],
  });
}

export function noConstantFolding(span: Span, op: string) {
  return error("E0221", `\`${op}\` of literals alone has no element type`, {
    span,
    help: ["only elementwise ops are computed among literals; give one a type: `let x: f32 = ...`"],
  });
}

export const E0222: Entry = {
  title: "a value whose type is not the declared one",
  explanation: `The declared type of a name or a result is checked against the value. It does not convert or broadcast
the value.`,
  wrong: { body: ["return mean(x, axes = [-1])"] },
  fix: `fn f(x: f32[rows, 768]) -> f32[rows] {
  return mean(x, axes = [-1])
}`,
};

export function typeMismatch(span: Span, what: string, declared: string, got: string, declaredAt: Span) {
  const labels = [{ span: declaredAt, message: "declared here" }];
  const instead = converted(quoted(span), declared, got);
  const changes = [
    { title: `write ${code(instead ?? "")}`, edits: [replaced(span, expressionAt(span, instead ?? ""))] },
    { title: `declare it ${got}`, edits: [replaced(declaredAt, got)] },
  ];
  const fixes = isComplete(instead ?? "") ? changes : changes.slice(1);
  const help = instead === undefined ? [] : [{ line: `write ${code(instead)}, or declare it ${got}`, fixes }];
  return error("E0222", `${what} is declared ${declared}, but is ${got}`, { span, labels, help });
}

export const E0223: Entry = {
  title: "too many or too few returned values",
  explanation: "`return` must list one value for each result that the header declares, in the same order.",
  wrong: { body: ["return x, x * 2"] },
  fix: `fn f(x: f32[rows, 768]) -> (x2: f32[rows, 768], x4: f32[rows, 768]) {
  return x * 2, x * 4
}`,
};

export function resultCount(span: Span, declared: number, returned: number, declaredAt: Span) {
  const labels = [{ span: declaredAt, message: `declares ${declared}` }];
  const values = returned === 1 ? "1 value" : `${returned} values`;
  return error("E0223", `\`return\` gives ${values}, and the function declares ${declared}`, { span, labels });
}

export const E0224: Entry = {
  title: "too many or too few names",
  explanation: "`let (a, b) = ...` names the results of an op that has several. Almost every op has one result.",
  wrong: { body: ["let (a, b) = gelu(x)", "return a"] },
  fix: { body: ["let a = gelu(x)", "return a"] },
};

export function bindingCount(span: Span, op: string, has: number, names: number) {
  const results = has === 1 ? "1 result" : `${has} results`;
  const help =
    has === 1 ? ["write `let name = ...`"] : [`write \`let (${["a", "b", "c", "d"].slice(0, has).join(", ")}) = ...\``];
  return error("E0224", `\`${op}\` has ${results}, and ${names === 1 ? "1 name is" : `${names} names are`} given`, {
    span,
    help,
  });
}

export function severalResults(span: Span, op: string) {
  return error("E0224", `\`${op}\` has several results, so it cannot stand inside an expression`, {
    span,
    help: ["bind them first: `let (a, b) = ...`"],
  });
}

export const E0225: Entry = {
  title: "a name that is defined twice",
  explanation: `Within a function, a name stands for one thing: a parameter or a \`let\`. The functions of a file need
different names, and so do the results of a function.`,
  wrong: { body: ["let y = x * 2", "let y = y + 1", "return y"] },
  fix: { body: ["let y = x * 2", "let z = y + 1", "return z"] },
};

export function duplicate(span: Span, kind: string, name: string, first: Span) {
  const labels = [{ span: first, message: "first defined here" }];
  const help = kind === "value" ? ["values are not reassigned: choose another name"] : [];
  return error("E0225", `the ${kind} \`${name}\` is defined twice`, { span, labels, help });
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
  });
}

export const E0228: Entry = {
  title: "not a value",
  explanation: `Strings, lists and element types can only be given to attributes. An operand is a number or a tensor.`,
  wrong: { body: ["return x * [1, 2]"] },
  fix: { body: ["return x * 2"] },
};

/** `instead` is the attribute that it was probably meant for. */
export function notAValue(span: Span, what: string, instead?: Instead) {
  return error("E0228", `${what} is not a value: it can only be given to an attribute`, {
    span,
    help: [
      instead === undefined
        ? "an operand is a number or a tensor: a parameter, a `let`, or an expression of them"
        : oneOf([instead]),
    ],
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
  return error("E0229", `an extent is a whole number from 0 to 4294967295 or a name, not ${got}`, { span });
}
