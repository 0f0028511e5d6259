/** Every message about names, types and shapes: E02xx. */

import {
  type Diagnostic,
  error,
  type Help,
  insertedAfter,
  isComplete,
  type Label,
  proposal,
  replaced,
  replacing,
  type Span,
  wrapped,
  writing,
} from "./diagnostic.ts";
import { foreignElements, foreignNothing, foreignOpNames, foreignValues, reasonAgainst } from "./idioms.ts";
import { expressionAt, rewriting } from "./rewriting.ts";
import { didYouMean } from "./suggest.ts";

/** "a", "a and b", "a, b and c". */
export function listing(items: readonly string[], word = "and"): string {
  return items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} ${word} ${items.at(-1)}`;
}

const code = (name: string) => `\`${name}\``;

/** How messages quote what stands in the program; `long` stands for what takes more than a part of a line. */
export function quoted(span: Span | undefined, long = "..."): string {
  const text = span?.source.text.slice(span.start, span.end) ?? "";
  return text === "" || text.length > 40 || text.includes("\n") ? long : text;
}

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

/** What to write for an op that another framework has: `let`s and an expression, and what there is to know. */
export interface Rewording {
  readonly lines: readonly string[];
  readonly note: string | undefined;
  /** The call that the lines stand for, where they are more than an example. */
  readonly whole?: Span | undefined;
}

/** What was probably meant: a text, and where it stands instead. */
export interface Instead {
  readonly text: string;
  readonly span: Span;
}

/** The change that a line of help proposes, where the text is all there. */
const insteadOf = (line: string, { text, span }: Instead): Help => replacing(line, text, span);

/** ``write `a` or `b` ``, and a change for each. */
function oneOf(all: readonly Instead[]): Help {
  const choices = all.filter(({ text }) => isComplete(text));
  const fixes = choices.map(({ text, span }) => ({ title: `write ${code(text)}`, edits: [replaced(span, text)] }));
  const texts = all.map(({ text }) => code(text));
  return { line: `write ${listing(texts, "or")}`, fixes };
}

const casting = (line: string, span: Span | undefined, element: string): Help =>
  span === undefined ? line : proposal(line, ...wrapped(span, "cast(", `, to = ${element})`));

export const typeErrors = {
  /** `known` is asked only if the message is read: there may be as many names as messages. */
  unknownName(span: Span, name: string, known: () => readonly string[], isDimension: boolean): Diagnostic {
    return error("E0201", `nothing is called \`${name}\` here`, {
      span,
      notes: isDimension ? [`\`${name}\` is a dimension, and dimensions are not values`] : [],
      help: () => {
        const value = foreignValues.get(name);
        if (value !== undefined) return [writing(value, span)];
        if (foreignNothing.has(name)) return ["leave the argument out: what is optional is not written"];
        if (isDimension) return ["`mean` divides by the extent; else pass the number as a parameter"];
        return didYouMean(name, known(), span);
      },
    });
  },
  opAsValue(span: Span, name: string, signature: string): Diagnostic {
    return error("E0201", `nothing is called ${code(name)} here: it is an op`, {
      span,
      help: [`call it: ${code(signature)}`],
    });
  },
  unknownOp(span: Span, name: string, known: readonly string[], instead?: Rewording): Diagnostic {
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
  },
  /** `open` is the `(` that follows the name. */
  calledValue(span: Span, name: string, product: string, open: number): Diagnostic {
    return error("E0202", `there is no op ${code(name)}: it is a value`, {
      span,
      notes: ["tensors are not called or indexed: ops work on whole tensors"],
      help: [
        proposal(`if a \`*\` is left out: ${code(product)}`, replaced({ ...span, start: span.end, end: open }, " * ")),
      ],
    });
  },
  calledFunction(span: Span, name: string): Diagnostic {
    return error("E0202", `there is no op ${code(name)}: it is a function of this file`, {
      span,
      notes: ["each function is a kernel of its own, and none calls another"],
      help: ["write its statements here, or pass its result as a parameter"],
    });
  },
  /** `wide` is the type that holds the values of both, and `narrow` the operand that is of the other. */
  elementMismatch(
    span: Span,
    op: string,
    a: string,
    b: string,
    labels: readonly Label[],
    fix: { readonly narrow: Span | undefined; readonly wide: string },
  ): Diagnostic {
    return error("E0203", `\`${op}\` takes operands of one element type, and got ${a} and ${b}`, {
      span,
      labels,
      help: [casting(`write ${code(`cast(${quoted(fix.narrow)}, to = ${fix.wide})`)}`, fix.narrow, fix.wide)],
    });
  },
  elementRefused(
    span: Span,
    op: string,
    got: string,
    accepted: readonly string[],
    wanted = accepted[0] as string,
  ): Diagnostic {
    const text = quoted(span);
    const line = `convert it first: ${code(conversion(text, wanted))}`;
    const help = wanted === "bool" ? rewriting(line, conversion(text, wanted), span) : casting(line, span, wanted);
    const choice = got === "bool" ? [`or choose by it: ${code(`where(${text}, a, b)`)}`] : [];
    return error("E0204", `\`${op}\` does not take ${got}: it takes ${listing(accepted, "or")}`, {
      span,
      help: [help, ...choice],
    });
  },
  noBroadcast(
    span: Span,
    op: string,
    a: string,
    b: string,
    labels: readonly Label[],
    help: readonly Help[] = [],
  ): Diagnostic {
    return error("E0205", `${a} and ${b} do not broadcast in \`${op}\``, {
      span,
      labels,
      notes: [
        "shapes are aligned at the last dimension; two dimensions go together if they are equal or one of them is 1",
      ],
      help,
    });
  },
  missingOperand(span: Span, op: string, operand: string, signature: string): Diagnostic {
    return error("E0206", `\`${op}\` needs its operand \`${operand}\``, { span, help: [`write \`${signature}\``] });
  },
  /** `instead` are expressions, or arguments, that the extra one was probably meant as. */
  extraOperand(span: Span, op: string, most: number, signature: string, instead: readonly Instead[] = []): Diagnostic {
    const operands = most === 1 ? "1 operand" : `${most} operands`;
    return error("E0207", `\`${op}\` takes ${operands} at most`, {
      span,
      notes: instead.length > 0 ? [`it is called ${code(signature)}`] : [],
      help: [instead.length > 0 ? oneOf(instead) : `write ${code(signature)}`],
    });
  },
  /** `instead` is the argument that was probably meant. */
  unknownArgument(span: Span, op: string, name: string, known: readonly string[], instead?: Instead): Diagnostic {
    return error("E0208", `\`${op}\` has no operand or attribute \`${name}\``, {
      span,
      help: () => {
        const help = instead === undefined ? didYouMean(name, known, span) : [oneOf([instead])];
        if (help.length > 0) return help;
        return [known.length === 0 ? `\`${op}\` has no attributes` : `\`${op}\` knows ${listing(known.map(code))}`];
      },
    });
  },
  equalsInCall(span: Span, op: string, name: string, comparison: Instead): Diagnostic {
    return error("E0208", `\`${op}\` has no operand or attribute \`${name}\``, {
      span,
      notes: ["in a call, `=` follows the name of an attribute or operand"],
      help: [insteadOf(`\`==\` compares: ${code(comparison.text)}`, comparison)],
    });
  },
  givenTwice(span: Span, op: string, name: string, first: Span): Diagnostic {
    const labels = [{ span: first, message: "first given here" }];
    return error("E0209", `\`${name}\` of \`${op}\` is given twice`, { span, labels });
  },
  /** `isUsual`: whether the example is what most programs write. */
  missingAttribute(span: Span, op: string, name: string, example: string, isUsual: boolean): Diagnostic {
    const line = `add \`${name} = ${example}\``;
    const call = /\(\s*\)$|\)$/.exec(span.source.text.slice(span.start, span.end))?.[0];
    const end = { ...span, start: span.end - 1, end: span.end - 1 };
    const added = insertedAfter(end, `${call === ")" ? ", " : ""}${name} = ${example}`);
    const help = isUsual && call !== undefined ? proposal(line, added) : line;
    return error("E0210", `\`${op}\` needs \`${name}\``, { span, help: [help] });
  },
  badAttribute(span: Span, op: string, name: string, expected: string, got: string): Diagnostic {
    const isOne = expected.startsWith("a list") && /^-?\d+$/.test(got);
    const element = expected.startsWith("an element type") ? foreignElements.get(got) : undefined;
    const choice = expected.startsWith("one of") && expected.includes(`"${got}"`) ? `"${got}"` : undefined;
    const size = expected.startsWith("0 or") ? "1e-5" : undefined;
    const meant = isOne ? `[${got}]` : (element ?? choice ?? size);
    const help = meant === undefined ? [] : [proposal(`write \`${name} = ${meant}\``, replaced(span, meant))];
    return error("E0211", `\`${name}\` of \`${op}\` must be ${expected}, not ${got}`, { span, help });
  },
  computedExtent(span: Span, op: string, name: string): Diagnostic {
    return error("E0211", `an extent in \`${name}\` of \`${op}\` cannot be computed from dimensions`, {
      span,
      help: ["one extent may be `-1`: what the others leave, where that is a number or one name"],
    });
  },
  unknownChoice(span: Span, op: string, name: string, got: string, choices: readonly string[]): Diagnostic {
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
  },
  axisOutOfRange(span: Span, op: string, axis: number, shape: readonly (number | string)[]): Diagnostic {
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
  },
  axisTwice(span: Span, op: string, axis: number): Diagnostic {
    return error("E0213", `\`${op}\` names axis ${axis} twice`, { span, notes: ["-1 is the last axis"] });
  },
  noAxes(span: Span, op: string): Diagnostic {
    return error("E0214", `\`${op}\` needs at least one axis`, {
      span,
      help: [proposal("write `axes = [-1]` for the last one", replaced(span, "[-1]"))],
    });
  },
  affineShape(span: Span, op: string, operand: string, got: string, wanted: string): Diagnostic {
    return error("E0215", `\`${operand}\` of \`${op}\` must have shape ${wanted}, and has ${got}`, {
      span,
      notes: ["gamma and beta have the shape of the normalized axes (for groupnorm: of the channels)"],
    });
  },
  numberAsOperand(span: Span, op: string, operand: string, instead: Instead): Diagnostic {
    return error("E0215", `\`${operand}\` of \`${op}\` is a tensor, and this is a number`, {
      span,
      help: [insteadOf(`attributes are given by name: ${code(instead.text)}`, instead)],
    });
  },
  groupRank(span: Span, got: string): Diagnostic {
    return error("E0216", `\`groupnorm\` takes [batch, channel, ...], not ${got}`, { span });
  },
  groupsDoNotDivide(span: Span, groups: number, channels: string): Diagnostic {
    const named = Number.isNaN(Number(channels));
    const notes = named ? ["the number of channels must be a number here, so that it can be cut into groups"] : [];
    return error("E0217", `${groups} groups do not divide ${channels} channels`, {
      span,
      notes,
      help: named ? [`fix it with \`--dim ${channels}=...\``] : [],
    });
  },
  shapeOp(span: Span, op: string, reason: string): Diagnostic {
    return error("E0218", `\`${op}\` is not possible: ${reason}`, { span });
  },
  unknownDimension(span: Span | undefined, name: string, known: () => readonly string[]): Diagnostic {
    return error("E0219", `no parameter has a dimension \`${name}\``, {
      span,
      notes: ["the extent of a named dimension comes from the parameters' shapes"],
      help: () => didYouMean(name, known(), span),
    });
  },
  literalRange(span: Span, value: string, element: string, reason: string): Diagnostic {
    const isFraction = (element === "i32" || element === "u32") && !/^-?\d+$|true|false/.test(value);
    return error("E0220", `${element} cannot hold ${value}: ${reason}`, {
      span,
      help: isFraction ? ["a number takes the type of the tensor it meets: convert that, `cast(..., to = f32)`"] : [],
    });
  },
  literalUntyped(span: Span, what: string): Diagnostic {
    return error("E0221", `${what} has no element type: it meets no tensor`, {
      span,
      help: ["give it one: `let x: f32 = ...`, then use `x`"],
    });
  },
  typeMismatch(span: Span, what: string, declared: string, got: string, declaredAt: Span): Diagnostic {
    const labels = [{ span: declaredAt, message: "declared here" }];
    const instead = converted(quoted(span), declared, got);
    const changes = [
      { title: `write ${code(instead ?? "")}`, edits: [replaced(span, expressionAt(span, instead ?? ""))] },
      { title: `declare it ${got}`, edits: [replaced(declaredAt, got)] },
    ];
    const fixes = isComplete(instead ?? "") ? changes : changes.slice(1);
    const help = instead === undefined ? [] : [{ line: `write ${code(instead)}, or declare it ${got}`, fixes }];
    return error("E0222", `${what} is declared ${declared}, and is ${got}`, { span, labels, help });
  },
  resultCount(span: Span, declared: number, returned: number, declaredAt: Span): Diagnostic {
    const labels = [{ span: declaredAt, message: `declares ${declared}` }];
    const values = returned === 1 ? "1 value" : `${returned} values`;
    return error("E0223", `\`return\` gives ${values}, and the function declares ${declared}`, { span, labels });
  },
  bindingCount(span: Span, op: string, has: number, names: number): Diagnostic {
    const results = has === 1 ? "1 result" : `${has} results`;
    const help =
      has === 1
        ? ["write `let name = ...`"]
        : [`write \`let (${["a", "b", "c", "d"].slice(0, has).join(", ")}) = ...\``];
    return error("E0224", `\`${op}\` has ${results}, and ${names === 1 ? "1 name is" : `${names} names are`} given`, {
      span,
      help,
    });
  },
  severalResults(span: Span, op: string): Diagnostic {
    return error("E0224", `\`${op}\` has several results, so it cannot stand inside an expression`, {
      span,
      help: ["bind them first: `let (a, b) = ...`"],
    });
  },
  duplicate(span: Span, kind: string, name: string, first: Span): Diagnostic {
    const labels = [{ span: first, message: "first defined here" }];
    const help = kind === "value" ? ["values are not reassigned: choose another name"] : [];
    return error("E0225", `the ${kind} \`${name}\` is defined twice`, { span, labels, help });
  },
  hugeShape(span: Span, what: string): Diagnostic {
    return error("E0227", `${what} has more than 2^32 elements`, {
      span,
      notes: ["elements are addressed with 32 bits"],
    });
  },
  /** `instead` is the attribute that it was probably meant for. */
  notAValue(span: Span, what: string, instead?: Instead): Diagnostic {
    return error("E0228", `${what} is no value: it can only be given to an attribute`, {
      span,
      help: [
        instead === undefined
          ? "an operand is a number or a tensor: a parameter, a `let`, or an expression of them"
          : oneOf([instead]),
      ],
    });
  },
  badExtent(span: Span | undefined, got: string): Diagnostic {
    return error("E0229", `an extent is a whole number from 0 to 4294967295 or a name, not ${got}`, { span });
  },
  noConstantFolding(span: Span, op: string): Diagnostic {
    return error("E0221", `\`${op}\` of literals alone has no element type`, {
      span,
      help: ["only elementwise ops are computed among literals; give one a type: `let x: f32 = ...`"],
    });
  },
};
