/** Declared types, returned values and names: E0222 to E0225, E0228. */

import { error, isComplete, replaced, type Span } from "../diagnostic.ts";
import type { Entry } from "../page.ts";
import { expressionAt } from "../rewriting.ts";
import { code, type Instead, oneOf, quoted } from "../wording.ts";

import { conversion } from "./elements.ts";

/** `text`, of type `got`, converted to type `wanted`, if a single op does that. */
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
  const declare = `declare it ${got}`;
  const line = instead === undefined ? declare : `write ${code(instead)}, or ${declare}`;
  const help = [{ line, fixes }];
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
  return error("E0223", `\`return\` gives ${values}, but the function declares ${declared}`, {
    span,
    labels,
    help: [
      returned > declared
        ? "declare a result for each value: `-> (a: f32[n], b: f32[n])`"
        : "return a value for each result, separated by commas",
    ],
  });
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
  return error("E0224", `\`${op}\` has ${results}, but ${names === 1 ? "1 name is" : `${names} names are`} given`, {
    span,
    help,
  });
}

export function severalResults(span: Span, op: string) {
  return error("E0224", `\`${op}\` has several results, so it cannot be used inside an expression`, {
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
  const help = [kind === "value" ? "values are not reassigned: choose another name" : "choose another name"];
  return error("E0225", `the ${kind} \`${name}\` is defined twice`, { span, labels, help });
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
