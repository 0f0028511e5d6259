/** The pages of products, moved elements, and rows by their number: E0230 to E0239, E0609. */

import { program } from "./example.ts";
import type { Page } from "./page.ts";

export const linearPages = {
  E0230: {
    title: "an operand of a shape that the op does not take",
    explanation: `\`matmul\` multiplies matrices and vectors. \`linear\` takes a weight \`[out, in]\` and a bias \`[out]\`, and \`embedding\`
a table \`[count, width]\`. \`conv\` takes an image \`[batch, channels, ...spatial]\`, a weight \`[out, in / group, ...kernel]\`
and a bias \`[out]\`. Nothing is broadcast here but the batch dimensions of \`matmul\`.`,
    wrong: program(
      "fn f(x: f32[rows, 64], w: f32[8, 64], b: f32[64]) -> f32[rows, 8] {",
      "  return linear(x, w, b)",
      "}",
    ),
    fix: program("fn f(x: f32[rows, 64], w: f32[8, 64], b: f32[8]) -> f32[rows, 8] {", "  return linear(x, w, b)", "}"),
  },
  E0231: {
    title: "a product over dimensions that differ",
    explanation: `\`matmul(a, b)\` sums over the last dimension of \`a\` and the last but one of \`b\`; \`linear(x, weight)\` over the last of both,
because a weight is \`[out, in]\`; \`conv(x, weight)\` over the channels of a group, the second dimension of the weight. The two
must be the same number, or the same name.`,
    wrong: program("fn f(x: f32[rows, 64], w: f32[8, 64]) -> f32[rows, 8] {", "  return matmul(x, w)", "}"),
    fix: program("fn f(x: f32[rows, 64], w: f32[8, 64]) -> f32[rows, 8] {", "  return linear(x, w)", "}"),
  },
  E0232: {
    title: "batch dimensions that do not broadcast",
    explanation: `All dimensions of \`matmul\`'s operands but the last two count matrices. They are aligned at the end; two go together if
they are equal or one of them is 1, and a missing one counts as 1.`,
    wrong: program("fn f(a: f32[3, 4, 5], b: f32[2, 5, 6]) -> f32[3, 4, 6] {", "  return matmul(a, b)", "}"),
    fix: program("fn f(a: f32[3, 4, 5], b: f32[5, 6]) -> f32[3, 4, 6] {", "  return matmul(a, b)", "}"),
  },
  E0233: {
    title: "tensors that cannot be joined",
    explanation:
      "The tensors that `concat` joins have the same dimensions, except along the axis on which they are joined.",
    wrong: program("fn f(a: f32[n, 4], b: f32[m, 4]) -> f32[n, 8] {", "  return concat(a, b, axis = -1)", "}"),
    fix: program("fn f(a: f32[n, 4], b: f32[n, 4]) -> f32[n, 8] {", "  return concat(a, b, axis = -1)", "}"),
  },
  E0234: {
    title: "a named dimension where a number is needed",
    explanation: `A dimension is a number or a name; there are no sums of names, so \`concat\` joins along axes whose extents are numbers.
\`slice\` and \`pad\` take such axes too: whether a slice stays inside is known before anything runs. What \`conv\` makes of a
named extent has a name only where it is the same extent: with strides of 1, and padding that makes up for the kernel.`,
    wrong: program("fn f(x: f32[rows, n]) -> f32[rows, 2] {", "  return slice(x, axis = -1, start = 0, end = 2)", "}"),
    fix: program("fn f(x: f32[rows, 8]) -> f32[rows, 2] {", "  return slice(x, axis = -1, start = 0, end = 2)", "}"),
  },
  E0235: {
    title: "a slice that is not inside of the tensor",
    explanation: `\`slice\` takes the elements from \`start\` up to \`end\`, without the one at \`end\`. Negative ones count from the end, so that
\`start = -2\` begins at the last but one. It is not cut short where the tensor ends, and does not run backwards.`,
    wrong: program("fn f(x: f32[n, 8]) -> f32[n, 2] {", "  return slice(x, axis = -1, start = 7, end = 9)", "}"),
    fix: program("fn f(x: f32[n, 8]) -> f32[n, 2] {", "  return slice(x, axis = -1, start = -2, end = 8)", "}"),
  },
  E0236: {
    title: "a list with too many numbers, or too few",
    explanation: `\`strides\` and \`dilations\` of \`conv\` have one number for each spatial axis, and \`pads\` two: what stands before each axis,
then what stands after each. An empty list, or none, is 1 and 0 everywhere.`,
    wrong: program(
      "fn f(x: f32[n, 3, 8, 8], w: f32[4, 3, 2, 2]) -> f32[n, 4, 4, 4] {",
      "  return conv(x, w, strides = [2])",
      "}",
    ),
    fix: program(
      "fn f(x: f32[n, 3, 8, 8], w: f32[4, 3, 2, 2]) -> f32[n, 4, 4, 4] {",
      "  return conv(x, w, strides = [2, 2])",
      "}",
    ),
  },
  E0237: {
    title: "outputs that make no whole groups",
    explanation:
      "`group` cuts the channels of `x` and the outputs into as many parts, which are convolved each by itself. Both must be multiples of it.",
    wrong: program("fn f(x: f32[n, 4, 8], w: f32[3, 2, 1]) -> f32[n, 3, 8] {", "  return conv(x, w, group = 2)", "}"),
    fix: program("fn f(x: f32[n, 4, 8], w: f32[6, 2, 1]) -> f32[n, 6, 8] {", "  return conv(x, w, group = 2)", "}"),
  },
  E0238: {
    title: "an index that does not go with its tensor",
    explanation: `\`gather\` takes from each row of \`x\` along the axis the elements that the same row of \`index\` names, as NumPy's
\`take_along_axis\` does. So both have the same dimensions, except along the axis: \`index\` has as many as are taken.`,
    wrong: program("fn f(x: f32[n, 50257], label: i32[n]) -> f32[n] {", "  return gather(x, label, axis = -1)", "}"),
    fix: program(
      "fn f(x: f32[n, 50257], label: i32[n, 1]) -> f32[n, 1] {",
      "  return gather(x, label, axis = -1)",
      "}",
    ),
  },
  E0239: {
    title: "more padding than there is to repeat",
    explanation: `\`pad\` with \`mode = "reflect"\` puts the elements behind the edge before it, without the one at the edge: of n elements
at most n - 1. With \`mode = "edge"\` the one at the edge is repeated, so that there must be one.`,
    wrong: program(
      "fn f(x: f32[n, 4]) -> f32[n, 8] {",
      '  return pad(x, axis = -1, before = 4, mode = "reflect")',
      "}",
    ),
    fix: program("fn f(x: f32[n, 4]) -> f32[n, 7] {", '  return pad(x, axis = -1, before = 3, mode = "reflect")', "}"),
  },
  E0609: {
    title: "an index that is out of range",
    explanation: `\`embedding\` looks up rows of a table by their numbers, from 0 on, and \`gather\` elements of a row. Negative numbers do not
count from the end here: they are more often a mistake in the data than meant. A kernel does not look: it takes the nearest
index that there is.`,
    wrong: "embedding(ids, table)    with ids = [0, 3], and a table of 3 rows",
    fix: "embedding(ids, table)    with ids = [0, 2], and a table of 3 rows",
  },
} as const satisfies Record<string, Page>;
