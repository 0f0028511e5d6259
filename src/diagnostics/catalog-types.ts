/** The pages of errors in names, types and shapes: E0201 to E0229. */

import { body, program } from "./example.ts";
import type { Page } from "./page.ts";

export const typePages = {
  E0201: {
    title: "a name that nothing has",
    explanation: `A name in an expression is a parameter or a \`let\` that stands before it. Names of dimensions are no values. Names
of one function are not known in another.`,
    wrong: body("let scale = x * 2", "return scael + 1"),
    fix: body("let scale = x * 2", "return scale + 1"),
  },
  E0202: {
    title: "an op that does not exist",
    explanation: `A call is a call of an op of the table in docs/language.md. Functions of the file cannot be called: each becomes
a kernel of its own.`,
    wrong: body("return gleu(x)"),
    fix: body("return gelu(x)"),
  },
  E0203: {
    title: "operands of two element types",
    explanation: `Nothing is converted by itself: the operands of an op have one element type. Literals have none of their own and take
the type of the tensor that they meet. \`cast(x, to = f32)\` converts.`,
    wrong: program("fn f(a: f32[n], b: f16[n]) -> f32[n] {", "  return a + b", "}"),
    fix: program("fn f(a: f32[n], b: f16[n]) -> f32[n] {", "  return a + cast(b, to = f32)", "}"),
  },
  E0204: {
    title: "an element type that the op does not take",
    explanation:
      "Each op takes certain element types: `exp` only floats, `&&` only `bool`. docs/language.md says which.",
    wrong: program("fn f(a: i32[n]) -> i32[n] {", "  return exp(a)", "}"),
    fix: program("fn f(a: i32[n]) -> f32[n] {", "  return exp(cast(a, to = f32))", "}"),
  },
  E0205: {
    title: "shapes that do not broadcast",
    explanation: `Shapes are aligned at the last dimension, as in NumPy. Two dimensions go together if they are equal or one of them
is 1; a missing one counts as 1. Two different names do not go together, even if their extents might be equal.
A statistic of a row that is to meet the row again needs \`keepdims = true\`.`,
    wrong: body("return x - mean(x, axes = [-1])"),
    fix: body("return x - mean(x, axes = [-1], keepdims = true)"),
  },
  E0206: {
    title: "an operand is missing",
    explanation: "The help line shows how the op is called; operands with a question mark may be left out.",
    wrong: body("return minimum(x)"),
    fix: body("return minimum(x, 1)"),
  },
  E0207: {
    title: "too many operands",
    explanation: `The help line shows how the op is called. Attributes are given by name: \`gelu(x, approximate = "tanh")\`.`,
    wrong: body("return sum(x, -1, true)"),
    fix: body("return x * sum(x, axes = [-1], keepdims = true)"),
  },
  E0208: {
    title: "an argument that the op does not have",
    explanation: "What stands before `=` in a call is the name of an attribute or an operand of the op.",
    wrong: body("return x * mean(x, axis = [-1], keepdims = true)"),
    fix: body("return x * mean(x, axes = [-1], keepdims = true)"),
  },
  E0209: {
    title: "an argument is given twice",
    explanation: "An operand is given by its place or by its name, and an attribute once.",
    wrong: body("return softmax(x, axes = [-1], axes = [-1])"),
    fix: body("return softmax(x, axes = [-1])"),
  },
  E0210: {
    title: "an attribute is missing",
    explanation: `Attributes without a default must be given. The axes of a reduction or a norm are always written out.`,
    wrong: body("return softmax(x)"),
    fix: body("return softmax(x, axes = [-1])"),
  },
  E0211: {
    title: "an attribute has a value that it cannot have",
    explanation: `An attribute is a number, a truth value, a string, an element type or a list, as docs/language.md says of each. It is
known when the program is compiled, so it cannot be a tensor.`,
    wrong: body("return softmax(x, axes = -1)"),
    fix: body("return softmax(x, axes = [-1])"),
  },
  E0212: {
    title: "an axis that the tensor does not have",
    explanation: "Axes count from 0 at the front, or from -1 at the back.",
    wrong: body("return softmax(x, axes = [2])"),
    fix: body("return softmax(x, axes = [1])"),
  },
  E0213: {
    title: "an axis is named twice",
    explanation: "The same axis has two names: for a tensor of two axes, 1 and -1 are one.",
    wrong: body("return softmax(x, axes = [1, -1])"),
    fix: body("return softmax(x, axes = [-1])"),
  },
  E0214: {
    title: "no axis is named",
    explanation: "A reduction or a norm over no axis would do nothing, or something that nobody means.",
    wrong: body("return softmax(x, axes = [])"),
    fix: body("return softmax(x, axes = [-1])"),
  },
  E0215: {
    title: "gamma or beta of another shape",
    explanation: `gamma and beta have the shape of the normalized axes: for \`axes = [-1]\` of \`[rows, 768]\` that is \`[768]\`; for
\`groupnorm\` it is the number of channels. To scale by something else, multiply after the norm.`,
    wrong: program(
      "fn f(x: f32[rows, 768], gamma: f32[rows, 768]) -> f32[rows, 768] {",
      "  return layernorm(x, gamma, axes = [-1])",
      "}",
    ),
    fix: program(
      "fn f(x: f32[rows, 768], gamma: f32[768]) -> f32[rows, 768] {",
      "  return layernorm(x, gamma, axes = [-1])",
      "}",
    ),
  },
  E0216: {
    title: "groupnorm of a tensor without channels",
    explanation: "`groupnorm` takes `[batch, channel, ...]`: the second axis is cut into groups.",
    wrong: program("fn f(x: f32[64]) -> f32[64] {", "  return groupnorm(x, groups = 8)", "}"),
    fix: program("fn f(x: f32[batch, 64]) -> f32[batch, 64] {", "  return groupnorm(x, groups = 8)", "}"),
  },
  E0217: {
    title: "groups that do not divide the channels",
    explanation: `Every group of \`groupnorm\` has the same number of channels. The number of channels must be known when the program is
compiled, unless there is one group.`,
    wrong: program("fn f(x: f32[batch, 64, n]) -> f32[batch, 64, n] {", "  return groupnorm(x, groups = 7)", "}"),
    fix: program("fn f(x: f32[batch, 64, n]) -> f32[batch, 64, n] {", "  return groupnorm(x, groups = 8)", "}"),
  },
  E0218: {
    title: "a shape that the tensor cannot take",
    explanation: `\`reshape\` keeps the number of elements, \`transpose\` names every axis once, \`broadcast\` only repeats. Extents with
names must be seen to agree: \`[rows, 768]\` can become \`[rows, 12, 64]\`.`,
    wrong: body("return reshape(x, shape = [rows, 700])"),
    fix: body("return reshape(reshape(x, shape = [rows, 12, 64]), shape = [rows, 768])"),
  },
  E0219: {
    title: "a dimension that no parameter has",
    explanation: `The extent of a named dimension is read from the parameters, so at least one of their shapes must have it. A
dimension that only occurs in a result could not be known.`,
    wrong: program("fn f(x: f32[rows, 768]) -> f32[row, 768] {", "  return x", "}"),
    fix: program("fn f(x: f32[rows, 768]) -> f32[rows, 768] {", "  return x", "}"),
  },
  E0220: {
    title: "a literal that the type cannot hold",
    explanation: `A literal takes the element type of the tensor that it meets, and must be a number of that type: a whole one for
\`i32\` and \`u32\`, not below zero for \`u32\`, at most 65504 for \`f16\`. A float literal is rounded, but not to zero or
infinity.`,
    wrong: program("fn f(a: f16[n]) -> f16[n] {", "  return a * 1e5", "}"),
    fix: program("fn f(a: f16[n]) -> f16[n] {", "  return cast(cast(a, to = f32) * 1e-5, to = f16)", "}"),
  },
  E0221: {
    title: "a literal without an element type",
    explanation: `Arithmetic among literals is float64 and has no element type until it meets a tensor. Where an op needs one and
there is no tensor, bind the literal with a type: \`let two: f32 = 2\`.`,
    wrong: body("return x * sum(2, axes = [0])"),
    fix: body("let two: f32 = 2", "return x * two"),
  },
  E0222: {
    title: "a value of another type than declared",
    explanation:
      "The type after a name, or of a result, is checked against the value; it does not convert or broadcast it.",
    wrong: body("return mean(x, axes = [-1])"),
    fix: program("fn f(x: f32[rows, 768]) -> f32[rows] {", "  return mean(x, axes = [-1])", "}"),
  },
  E0223: {
    title: "more or fewer values than results",
    explanation: "`return` gives one value for each result that the header declares, in their order.",
    wrong: body("return x, x * 2"),
    fix: program("fn f(x: f32[rows, 768]) -> (x2: f32[rows, 768], x4: f32[rows, 768]) {", "  return x * 2, x * 4", "}"),
  },
  E0224: {
    title: "more or fewer names than results of the op",
    explanation: "`let (a, b) = ...` names the results of an op that has several. Almost every op has one.",
    wrong: body("let (a, b) = gelu(x)", "return a"),
    fix: body("let a = gelu(x)", "return a"),
  },
  E0225: {
    title: "a name is defined twice",
    explanation: `Within a function a name stands for one thing: a parameter or a \`let\`. Functions of a file have different names, and
so have the results of a function.`,
    wrong: body("let y = x * 2", "let y = y + 1", "return y"),
    fix: body("let y = x * 2", "let z = y + 1", "return z"),
  },
  E0227: {
    title: "a tensor that is too large",
    explanation: "A kernel counts elements with 32 bits, so that a tensor has at most 2^32 of them.",
    wrong: program("fn f(x: f32[100000, 100000]) -> f32[100000, 100000] {", "  return x * 2", "}"),
    fix: program("fn f(x: f32[rows, 100000]) -> f32[rows, 100000] {", "  return x * 2", "}"),
  },
  E0228: {
    title: "something that is no value",
    explanation: "Strings, lists and element types are given to attributes. An operand is a number or a tensor.",
    wrong: body("return x * [1, 2]"),
    fix: body("return x * 2"),
  },
  E0229: {
    title: "an extent that is out of range",
    explanation: "The extent of a dimension is a whole number from 0 to 2^32 - 1.",
    wrong: program("fn f(x: f32[99999999999]) -> f32[99999999999] {", "  return x", "}"),
    fix: program("fn f(x: f32[n]) -> f32[n] {", "  return x", "}"),
  },
} satisfies Record<string, Page>;
