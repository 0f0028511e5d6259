/** Names, and the arguments of calls: E0201, E0202, E0206 to E0211. */

import { error, insertedAfter, proposal, replaced, type Span, writing } from "../diagnostic.ts";
import { foreignElements, foreignNothing, foreignOpNames, foreignValues, reasonAgainst } from "../idioms.ts";
import type { Entry } from "../page.ts";
import { rewriting } from "../rewriting.ts";
import { didYouMean } from "../suggest.ts";
import { code, type Instead, insteadOf, listing, oneOf } from "../wording.ts";

/** The replacement for an op of another framework: `let`s and an expression, with a note. */
export interface Rewording {
  readonly lines: readonly string[];
  readonly note: string | undefined;
  /** The call that the lines can replace, if they are more than an example. */
  readonly whole?: Span | undefined;
}

export const E0201: Entry = {
  title: "an undefined name",
  explanation: `A name in an expression refers to a parameter, to a \`const\`, or to an earlier \`let\`. Names of
dimensions are not values, and names of one function are not visible in another.`,
  wrong: { body: ["let scale = x * 2", "return scael + 1"] },
  fix: { body: ["let scale = x * 2", "return scale + 1"] },
};

/** `known` is called only if the message is read: a long file may have as many names as messages. */
export function unknownName(span: Span, name: string, known: () => readonly string[], isDimension: boolean) {
  return error("E0201", `\`${name}\` is not defined here`, {
    span,
    notes: isDimension ? [`\`${name}\` is a dimension, and dimensions are not values`] : [],
    help: () => {
      const value = foreignValues.get(name);
      if (value !== undefined) return [writing(value, span)];
      if (foreignNothing.has(name)) return ["leave the argument out: it is optional"];
      if (isDimension) return ["to average, use `mean`; otherwise pass the extent as a parameter"];
      const help = didYouMean(name, known(), span);
      return help.length > 0 ? help : ["define it before: as a parameter, a `const`, or a `let` above"];
    },
  });
}

export function opAsValue(span: Span, name: string, signature: string) {
  return error("E0201", `${code(name)} is not a value: it is an op`, {
    span,
    help: [`call it: ${code(signature)}`],
  });
}

export const E0202: Entry = {
  title: "an op that does not exist",
  explanation: `A call must name an op from the table in docs/language.md. Functions of the file cannot be called,
because each one becomes a kernel of its own.`,
  wrong: { body: ["return gleu(x)"] },
  fix: { body: ["return gelu(x)"] },
};

export function unknownOp(span: Span, name: string, known: readonly string[], instead?: Rewording) {
  const lines = instead?.lines.map(code).join(", then ");
  return error("E0202", `there is no op ${code(name)}`, {
    span,
    notes: instead?.note === undefined ? [] : [instead.note],
    help: () => {
      if (instead !== undefined) {
        const only = instead.lines.length === 1 ? instead.lines[0] : undefined;
        return [only === undefined ? `write ${lines}` : rewriting(`write ${lines}`, only, instead.whole)];
      }
      const reason = reasonAgainst(name);
      if (reason !== undefined) return [reason];
      const near = didYouMean(name, known, span);
      const help = near.length > 0 ? near : didYouMean(name, foreignOpNames);
      return help.length > 0 ? help : ["docs/language.md lists every op"];
    },
  });
}

/** `open` is the `(` that follows the name. */
export function calledValue(span: Span, name: string, product: string, open: number) {
  return error("E0202", `there is no op ${code(name)}: it is a value`, {
    span,
    notes: ["tensors are not called or indexed: ops work on whole tensors"],
    help: [
      proposal(`if a \`*\` is missing: ${code(product)}`, replaced({ ...span, start: span.end, end: open }, " * ")),
    ],
  });
}

export function calledFunction(span: Span, name: string) {
  return error("E0202", `there is no op ${code(name)}: it is a function of this file`, {
    span,
    notes: ["each function is a kernel of its own, and none calls another"],
    help: ["write its statements here, or pass its result as a parameter"],
  });
}

export const E0206: Entry = {
  title: "a missing operand",
  explanation: "The help line shows how the op is called; operands marked with a question mark are optional.",
  wrong: { body: ["return minimum(x)"] },
  fix: { body: ["return minimum(x, 1)"] },
};

export function missingOperand(span: Span, op: string, operand: string, signature: string) {
  return error("E0206", `\`${op}\` needs its operand \`${operand}\``, { span, help: [`write \`${signature}\``] });
}

export const E0207: Entry = {
  title: "too many operands",
  explanation: `The help line shows how the op is called. Attributes are given by name:
\`gelu(x, approximate = "tanh")\`.`,
  wrong: { body: ["return sum(x, -1, true)"] },
  fix: { body: ["return x * sum(x, axes = [-1], keepdims = true)"] },
};

/** `instead` are expressions, or arguments, that the extra one was probably meant as. */
export function extraOperand(
  span: Span,
  op: string,
  most: number,
  signature: string,
  instead: readonly Instead[] = [],
) {
  const operands = most === 0 ? "no operands" : most === 1 ? "1 operand at most" : `${most} operands at most`;
  return error("E0207", `\`${op}\` takes ${operands}`, {
    span,
    notes: instead.length > 0 ? [`it is called ${code(signature)}`] : [],
    help: [instead.length > 0 ? oneOf(instead) : `write ${code(signature)}`],
  });
}

export const E0208: Entry = {
  title: "an argument that the op does not have",
  explanation: "The name before `=` in a call must be that of an attribute or an operand of the op.",
  wrong: { body: ["return x * mean(x, axis = [-1], keepdims = true)"] },
  fix: { body: ["return x * mean(x, axes = [-1], keepdims = true)"] },
};

/** `instead` is the argument that was probably meant. */
export function unknownArgument(span: Span, op: string, name: string, known: readonly string[], instead?: Instead) {
  return error("E0208", `\`${op}\` has no operand or attribute \`${name}\``, {
    span,
    help: () => {
      const help = instead === undefined ? didYouMean(name, known, span) : [oneOf([instead])];
      if (help.length > 0) return help;
      return [known.length === 0 ? `\`${op}\` has no attributes` : `\`${op}\` takes ${listing(known.map(code))}`];
    },
  });
}

export function equalsInCall(span: Span, op: string, name: string, comparison: Instead) {
  return error("E0208", `\`${op}\` has no operand or attribute \`${name}\``, {
    span,
    notes: ["in a call, `=` follows the name of an attribute or operand"],
    help: [insteadOf(`\`==\` compares: ${code(comparison.text)}`, comparison)],
  });
}

export const E0209: Entry = {
  title: "an argument that is given twice",
  explanation: "An operand is given either by position or by name, and each attribute at most once.",
  wrong: { body: ["return softmax(x, axes = [-1], axes = [-1])"] },
  fix: { body: ["return softmax(x, axes = [-1])"] },
};

export function givenTwice(span: Span, op: string, name: string, first: Span) {
  const labels = [{ span: first, message: "first given here" }];
  return error("E0209", `\`${name}\` of \`${op}\` is given twice`, { span, labels, help: ["leave one of them out"] });
}

export const E0210: Entry = {
  title: "a missing attribute",
  explanation: `Attributes without a default must be given. The axes of a reduction or a norm are always written out.`,
  wrong: { body: ["return softmax(x)"] },
  fix: { body: ["return softmax(x, axes = [-1])"] },
};

/** `isUsual`: whether the example is what most programs write. */
export function missingAttribute(span: Span, op: string, name: string, example: string, isUsual: boolean) {
  const line = `add \`${name} = ${example}\``;
  const call = /\(\s*\)$|\)$/.exec(span.source.text.slice(span.start, span.end))?.[0];
  const end = { ...span, start: span.end - 1, end: span.end - 1 };
  const added = insertedAfter(end, `${call === ")" ? ", " : ""}${name} = ${example}`);
  const help = isUsual && call !== undefined ? proposal(line, added) : line;
  return error("E0210", `\`${op}\` needs \`${name}\``, { span, help: [help] });
}

export const E0211: Entry = {
  title: "an invalid value for an attribute",
  explanation: `An attribute is a number, a boolean, a string, an element type or a list; docs/language.md says which.
It must be known when the program is compiled, so it cannot be a tensor.`,
  wrong: { body: ["return softmax(x, axes = -1)"] },
  fix: { body: ["return softmax(x, axes = [-1])"] },
};

export function badAttribute(span: Span, op: string, name: string, expected: string, got: string) {
  const isOne = expected.startsWith("a list") && /^-?\d+$/.test(got);
  const element = expected.startsWith("an element type") ? foreignElements.get(got) : undefined;
  const choice = expected.startsWith("one of") && expected.includes(`"${got}"`) ? `"${got}"` : undefined;
  const size = expected.startsWith("0 or") ? "1e-5" : undefined;
  const meant = isOne ? `[${got}]` : (element ?? choice ?? size);
  const help = meant === undefined ? [] : [proposal(`write \`${name} = ${meant}\``, replaced(span, meant))];
  return error("E0211", `\`${name}\` of \`${op}\` must be ${expected}, not ${got}`, { span, help });
}

export function computedExtent(span: Span, op: string, name: string) {
  return error("E0211", `an extent in \`${name}\` of \`${op}\` cannot be computed from dimensions`, {
    span,
    help: ["one extent may be `-1`: it follows from the others, if it is a number or a single name"],
  });
}

export function unknownChoice(span: Span, op: string, name: string, got: string, choices: readonly string[]) {
  const help = didYouMean(got, choices, span, (choice) => `"${choice}"`);
  return error("E0211", `\`${name}\` of \`${op}\` cannot be "${got}"`, {
    span,
    help:
      help.length > 0
        ? help
        : [
            `it is ${listing(
              choices.map((c) => `"${c}"`),
              "or",
            )}`,
          ],
  });
}
