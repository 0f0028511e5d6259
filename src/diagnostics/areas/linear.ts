/** Products, moved elements, and rows by their number: E0230 to E0239. */

import { error, type Help, type Label, type Span } from "../diagnostic.ts";
import type { Entry } from "../page.ts";
import { code } from "../wording.ts";

/** A label for the other operand, if it has a place of its own. */
function beside(span: Span, other: Span, message: string): Label[] {
  return other.start === span.start && other.end === span.end ? [] : [{ span: other, message }];
}

export const E0230: Entry = {
  title: "an operand of an unsupported shape",
  explanation: `\`matmul\` multiplies matrices and vectors. \`linear\` takes a weight \`[out, in]\` and a bias
\`[out]\`, \`embedding\` a table \`[count, width]\`, and \`conv\` an image \`[batch, channels, ...spatial]\`, a weight
\`[out, in / group, ...kernel]\` and a bias \`[out]\`. Only the batch dimensions of \`matmul\` are broadcast.`,
  wrong: `fn f(x: f32[rows, 64], w: f32[8, 64], b: f32[64]) -> f32[rows, 8] {
  return linear(x, w, b)
}`,
  fix: `fn f(x: f32[rows, 64], w: f32[8, 64], b: f32[8]) -> f32[rows, 8] {
  return linear(x, w, b)
}`,
};

export function operandShape(span: Span, op: string, operand: string, wanted: string, got: string) {
  return error("E0230", `${code(operand)} of ${code(op)} must be ${wanted}, but is ${got}`, {
    span,
    help: [`declare it with the shape ${wanted}, or add it after the op`],
  });
}

export const E0231: Entry = {
  title: "a product whose inner dimensions differ",
  explanation: `\`matmul(a, b)\` sums over the last dimension of \`a\` and the second to last of \`b\`;
\`linear(x, weight)\` over the last dimension of both, because a weight is \`[out, in]\`; and \`conv(x, weight)\` over
the channels of a group, the second dimension of the weight. The two dimensions must be the same number, or the same
name.`,
  wrong: `fn f(x: f32[rows, 64], w: f32[8, 64]) -> f32[rows, 8] {
  return matmul(x, w)
}`,
  fix: `fn f(x: f32[rows, 64], w: f32[8, 64]) -> f32[rows, 8] {
  return linear(x, w)
}`,
};

export function contraction(
  span: Span,
  op: string,
  b: { name: string; shape: string; extent: string },
  a: { name: string; shape: string; extent: string; span: Span },
  help: readonly Help[],
) {
  return error("E0231", `${code(op)} sums over ${a.extent} of ${code(a.name)} and ${b.extent} of ${code(b.name)}`, {
    span,
    labels: [...beside(a.span, span, b.shape), ...beside(span, a.span, a.shape)],
    notes: ["the two must be the same number or the same name"],
    help: help.length > 0 ? help : [`declare the operands so that they agree; ${code("transpose")} exchanges axes`],
  });
}

export const E0232: Entry = {
  title: "batch dimensions that do not broadcast",
  explanation: `All but the last two dimensions of the operands of \`matmul\` are batch dimensions. They are aligned
at the end; two of them are compatible if they are equal or one of them is 1, and a missing one counts as 1.`,
  wrong: `fn f(a: f32[3, 4, 5], b: f32[2, 5, 6]) -> f32[3, 4, 6] {
  return matmul(a, b)
}`,
  fix: `fn f(a: f32[3, 4, 5], b: f32[5, 6]) -> f32[3, 4, 6] {
  return matmul(a, b)
}`,
};

export function batches(span: Span, b: string, a: string, first: Span) {
  return error("E0232", `the batch dimensions ${a} and ${b} of \`matmul\` do not broadcast`, {
    span,
    labels: beside(span, first, a),
    notes: ["all but the last two dimensions are batch dimensions; they broadcast as in elementwise ops"],
    help: ["`slice` or `reshape` one of them: two dimensions are compatible if they are equal or one of them is 1"],
  });
}

export const E0233: Entry = {
  title: "tensors that cannot be joined",
  explanation: `The tensors that \`concat\` joins must have the same dimensions, except along the axis on which they
are joined.`,
  wrong: `fn f(a: f32[n, 4], b: f32[m, 4]) -> f32[n, 8] {
  return concat(a, b, axis = -1)
}`,
  fix: `fn f(a: f32[n, 4], b: f32[n, 4]) -> f32[n, 8] {
  return concat(a, b, axis = -1)
}`,
};

export function pieces(span: Span, operand: string, got: string, first: string, axis: number, place: Span) {
  return error("E0233", `\`concat\` cannot join ${got} (${code(operand)}) to ${first} along axis ${axis}`, {
    span,
    labels: beside(span, place, first),
    notes: ["all dimensions but the one that is joined must be the same"],
    help: ["give the dimensions one name or number, or join along another axis"],
  });
}

export const E0234: Entry = {
  title: "a named dimension where a number is needed",
  explanation: `A dimension is a number or a name, not a sum of names, so \`concat\` joins only along axes whose
extents are numbers. \`slice\` and \`pad\` need such axes too, because a slice must be known to be in range before
anything runs. \`conv\` keeps a named extent only where it does not change: with strides of 1, and padding that makes
up for the kernel.`,
  wrong: `fn f(x: f32[rows, n]) -> f32[rows, 2] {
  return slice(x, axis = -1, start = 0, end = 2)
}`,
  fix: `fn f(x: f32[rows, 8]) -> f32[rows, 2] {
  return slice(x, axis = -1, start = 0, end = 2)
}`,
};

export function namedExtent(span: Span, op: string, operand: string, axis: number, name: string) {
  const reasons: Readonly<Record<string, string>> = {
    concat: "a dimension is a number or one name, not a sum",
    slice: "whether the slice stays inside must be known",
    pad: "a dimension is a number or one name, not a sum",
    conv: "a dimension is a number or one name, not a result of strides and kernels",
  };
  return error("E0234", `${code(op)} needs a number for axis ${axis} of ${code(operand)}, which is ${code(name)}`, {
    span,
    notes: [reasons[op] as string],
    help: [`declare ${code(operand)} with a number in place of ${code(name)}`],
  });
}

export const E0235: Entry = {
  title: "a slice that is out of range",
  explanation: `\`slice\` takes the elements from \`start\` up to, but not including, \`end\`. Negative numbers count
from the end, so \`start = -2\` begins at the second to last element. A slice is not shortened where the tensor ends,
and cannot run backwards.`,
  wrong: `fn f(x: f32[n, 8]) -> f32[n, 2] {
  return slice(x, axis = -1, start = 7, end = 9)
}`,
  fix: `fn f(x: f32[n, 8]) -> f32[n, 2] {
  return slice(x, axis = -1, start = -2, end = 8)
}`,
};

export function sliceRange(span: Span, what: string, at: number, axis: number, extent: number) {
  return error("E0235", `${code(what)} of \`slice\` is ${at}, but axis ${axis} has ${extent} elements`, {
    span,
    notes: [`it ranges from ${-extent} to ${extent}; negative numbers count from the end`],
    help: [`choose a number in that range`],
  });
}

export function sliceOrder(span: Span, start: number, end: number) {
  return error("E0235", `\`slice\` ends at ${end}, before it begins at ${start}`, {
    span,
    help: ["exchange them; to reverse the axis, use `flip`"],
  });
}

export const E0236: Entry = {
  title: "a list of the wrong length",
  explanation: `\`strides\` and \`dilations\` of \`conv\` have one number for each spatial axis. \`pads\` has two: the
padding before each axis, followed by the padding after each. An empty list, or none, means 1 or 0 everywhere.`,
  wrong: `fn f(x: f32[n, 3, 8, 8], w: f32[4, 3, 2, 2]) -> f32[n, 4, 4, 4] {
  return conv(x, w, strides = [2])
}`,
  fix: `fn f(x: f32[n, 3, 8, 8], w: f32[4, 3, 2, 2]) -> f32[n, 4, 4, 4] {
  return conv(x, w, strides = [2, 2])
}`,
};

export function windowList(span: Span, what: string, length: number, wanted: number, axes: number) {
  const each = wanted === axes ? "one for each" : "one before and one after each";
  return error(
    "E0236",
    `${code(what)} of \`conv\` has ${length} ${length === 1 ? "number" : "numbers"}, but needs ${wanted}`,
    {
      span,
      notes: [`${each} of the ${axes} spatial axes; or none`],
      help: [`give ${wanted} numbers, or leave ${code(what)} out`],
    },
  );
}

export const E0237: Entry = {
  title: "outputs that cannot be divided into groups",
  explanation: `\`group\` divides the channels of \`x\` and the outputs into that many parts, and convolves each part
separately. Both must be multiples of it.`,
  wrong: `fn f(x: f32[n, 4, 8], w: f32[3, 2, 1]) -> f32[n, 3, 8] {
  return conv(x, w, group = 2)
}`,
  fix: `fn f(x: f32[n, 4, 8], w: f32[6, 2, 1]) -> f32[n, 6, 8] {
  return conv(x, w, group = 2)
}`,
};

export function groups(span: Span, group: number, out: string) {
  return error("E0237", `\`conv\` cannot cut ${out} outputs into ${group} groups`, {
    span,
    notes: ["all groups have the same number of channels and of outputs"],
    help: [`choose a \`group\` that divides ${out}`],
  });
}

export const E0238: Entry = {
  title: "an index that does not match its tensor",
  explanation: `\`gather\` takes, from each row of \`x\` along the axis, the elements that the same row of \`index\`
names, as NumPy's \`take_along_axis\` does. Both therefore have the same dimensions, except along the axis, where
\`index\` has as many elements as are taken.`,
  wrong: `fn f(x: f32[n, 50257], label: i32[n]) -> f32[n] {
  return gather(x, label, axis = -1)
}`,
  fix: `fn f(x: f32[n, 50257], label: i32[n, 1]) -> f32[n, 1] {
  return gather(x, label, axis = -1)
}`,
};

/** `reshaped` is the shape in which the index would name one element of each row, if it has that many elements. */
export function gatherShape(span: Span, index: string, x: string, axis: number, place: Span, reshaped?: string) {
  const ofEach = `for one element of each row: \`reshape(${span.source.text.slice(span.start, span.end)}, shape = ${reshaped})\``;
  return error("E0238", `\`index\` of \`gather\` is ${index}, which does not match ${x} along axis ${axis}`, {
    span,
    labels: beside(span, place, x),
    notes: ["all dimensions but that of the axis must be the same: an index looks up an element of its own row"],
    help: [reshaped === undefined ? "whole rows are looked up by `embedding(ids, table)`" : ofEach],
  });
}

export const E0239: Entry = {
  title: "more padding than there are elements to repeat",
  explanation: `\`pad\` with \`mode = "reflect"\` mirrors the elements beyond the edge, without the edge itself: at
most n - 1 of n elements. With \`mode = "edge"\` it repeats the element at the edge, so there must be one.`,
  wrong: `fn f(x: f32[n, 4]) -> f32[n, 8] {
  return pad(x, axis = -1, before = 4, mode = "reflect")
}`,
  fix: `fn f(x: f32[n, 4]) -> f32[n, 7] {
  return pad(x, axis = -1, before = 3, mode = "reflect")
}`,
};

export function padding(span: Span, what: string, count: number, mode: string, axis: number, extent: number) {
  const has = `axis ${axis} has ${extent} element${extent === 1 ? "" : "s"}`;
  return error("E0239", `${code(what)} of \`pad\` is ${count}, but ${has} to repeat`, {
    span,
    notes: [
      mode === "reflect"
        ? 'with `mode = "reflect"` the elements next to the edge are mirrored, each at most once'
        : 'with `mode = "edge"` there must be an element at the edge',
    ],
    help: ["pad by less, or by a `value`"],
  });
}
