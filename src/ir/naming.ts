/** How messages refer to values and ops: by their names in the program, or in the model that it was read from. */

import { constantValue, isLeaf, isOp, type Op, type Value } from "./ir.ts";
import { printNumber } from "./print.ts";

/** The longest source text that is quoted for a value without a name. */
const longestText = 48;

/** The value's name, or else its text in the source. */
export function nameOf(value: Value): string {
  const number = constantValue(value);
  if (number !== undefined) return printNumber(number);
  const { source, start, end } = value.span;
  const text = source.text.slice(start, end);
  const isShort = text.length > 0 && text.length <= longestText && !text.includes("\n");
  return value.name ?? (isShort ? text : `${value.def?.name ?? "?"}(...)`);
}

/** A value in backquotes: "`x`"; for a model "`Add_12` (Add)", the node that computes it. */
export function quoted(value: Value): string {
  const { labels } = value.span.source;
  if (labels === undefined) return `\`${nameOf(value)}\``;
  const number = constantValue(value);
  if (number !== undefined) return printNumber(number);
  const { def } = value;
  const made = def === undefined || isLeaf(def) ? undefined : labels.maker(def.span.start);
  const leaf = isOp(def, "global") ? def.attributes.name : (value.name ?? "");
  return made ?? labels.leaf(leaf) ?? "what is computed there";
}

/** An op in backquotes: "`exp`"; for a model its node. */
export function quotedOp(op: Op): string {
  return op.span.source.labels?.maker(op.span.start) ?? `\`${op.name}\``;
}

/** Text that names the op of a value; empty for a model, whose values are named after nodes already. */
export const byOp = (op: Op, text: (name: string) => string) =>
  op.span.source.labels === undefined ? text(quotedOp(op)) : "";

/** What messages call a parameter. */
export const parameterOf = ({ span }: Value) =>
  span.source.labels === undefined ? "a parameter" : "an input of the model";
