/** Element types of operands and literals: E0203, E0204, E0220, E0221. */

import { error, type Help, type Label, proposal, replacing, type Span, wrapped } from "../diagnostic.ts";
import type { Entry } from "../page.ts";
import { rewriting } from "../rewriting.ts";
import { code, listing, quoted } from "../wording.ts";

/** `text` as a value of that element type. */
export function conversion(text: string, element: string): string {
  const isAtom = /^[\w.]+(\([^()]*\))?$/.test(text);
  return element === "bool" ? `${isAtom ? text : `(${text})`} != 0` : `cast(${text}, to = ${element})`;
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

/** `wide` is the type that holds the values of both operands, and `narrow` the operand of the other type. */
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

/** An operand of a fixed element type, as the condition of `where`, that stands in another's place. */
export function operandsSwapped(
  span: Span,
  op: string,
  name: string,
  there: Span,
  got: string,
  accepted: readonly string[],
) {
  const [first, last] = span.start < there.start ? [span, there] : [there, span];
  const between = span.source.text.slice(first.end, last.start);
  const all = { ...first, end: last.end };
  const text = `${quoted(last)}${between}${quoted(first)}`;
  return error("E0204", `\`${op}\` does not take ${got} for its ${code(name)}: it takes ${listing(accepted, "or")}`, {
    span,
    help: [replacing(`${code(quoted(there))} is of that type: write ${code(text)}`, text, all)],
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
      : [`choose a number that ${element} can hold, or convert the tensor to another type first`],
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
