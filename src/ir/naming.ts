/** What messages call values and ops: their names in the program, or in the model that it was read from. */

import { constantValue, isLeaf, isOp, type Op, type Value } from "./ir.ts";
import { printNumber } from "./print.ts";

/** The longest piece of source text that stands for a value without a name. */
const longestText = 48;

/** What messages call a value: its name, else its text in the source. */
export function nameOf(value: Value): string {
  const number = constantValue(value);
  if (number !== undefined) return printNumber(number);
  const { source, start, end } = value.span;
  const text = source.text.slice(start, end);
  const isShort = text.length > 0 && text.length <= longestText && !text.includes("\n");
  return value.name ?? (isShort ? text : `${value.def?.name ?? "?"}(...)`);
}

/** A value between backquotes: "`x`"; of a model "`Add_12` (Add)", the node that makes it. */
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

/** An op between backquotes: "`exp`"; of a model the node. */
export function quotedOp(op: Op): string {
  return op.span.source.labels?.maker(op.span.start) ?? `\`${op.name}\``;
}

/** The text that names the op of a value beside the value; nothing for a model, whose values are called after nodes. */
export const byOp = (op: Op, text: (name: string) => string) =>
  op.span.source.labels === undefined ? text(quotedOp(op)) : "";

/** What a value is that comes from outside. */
export const parameterOf = ({ span }: Value) =>
  span.source.labels === undefined ? "a parameter" : "an input of the model";
