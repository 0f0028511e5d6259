/** Descriptions of ops and attributes, generated from the op table. Prose is Markdown. */

import { sizeWords } from "../ir/attribute-types.ts";
import { signatureOf } from "../ir/infer.ts";
import type { AttributeDef } from "../ir/ops/attributes.ts";
import type { OpDef } from "../ir/ops/def.ts";
import { type OpName, ops, symbolOf } from "../ir/ops/index.ts";
import { elementTypes } from "../ir/types.ts";

const quoted = (words: readonly string[]) => words.map((word) => `\`${word}\``).join(", ");

/** The values that an attribute accepts, in words. */
function takes(def: AttributeDef): string {
  switch (def.type) {
    case "number":
      return "a number";
    case "size":
      return sizeWords;
    case "integer":
      return def.minimum === undefined ? "a whole number" : `a whole number of at least ${def.minimum}`;
    case "boolean":
      return "`true` or `false`";
    case "choice":
      return `one of ${quoted(def.choices.map((choice) => `"${choice}"`))}`;
    case "element":
      return `an element type (${quoted(elementTypes)})`;
    case "name":
      return "a name";
    case "text":
      return "a string";
    case "axes":
      return "a list of axes, `[-1]` for the last";
    case "axis":
      return "one axis, `-1` for the last";
    case "permutation":
      return "a list of every axis once";
    case "integers":
      return def.minimum === undefined
        ? "a list of whole numbers"
        : `a list of whole numbers of at least ${def.minimum}`;
    case "shape":
      return "a list of extents and dimension names";
    default:
      return def satisfies never;
  }
}

/** A default value in the language's syntax, such as `"same"` or `1e-5`; `undefined` if there is none. */
function defaultOf(def: AttributeDef): string | undefined {
  const value = "default" in def ? def.default : undefined;
  if (value === undefined) return undefined;
  if (Array.isArray(value)) return `[${value.join(", ")}]`;
  return typeof value === "string" ? `"${value}"` : String(value);
}

/** `eps = 0.00001`, or only the name if the attribute is required. */
export function attributeSignature(name: string, def: AttributeDef): string {
  const value = defaultOf(def);
  return value === undefined ? name : `${name} = ${value}`;
}

export function attributeProse(def: AttributeDef): string {
  const value = defaultOf(def);
  const rest = value === undefined ? "" : `; \`${value}\` if not given`;
  return `${def.summary}\n\nTakes ${takes(def)}${rest}.`;
}

export function opSignature(name: OpName): string {
  const symbol = symbolOf[name];
  if (symbol === undefined) return signatureOf(name);
  const [a, b] = ops[name].operands.map((operand) => operand.name);
  return `${signatureOf(name)}, or ${b === undefined ? `${symbol}${a}` : `${a} ${symbol} ${b}`}`;
}

export function opProse(name: OpName): string {
  const def: OpDef = ops[name];
  const lines = Object.entries(def.attributes).map(([key, row]) => `- \`${key}\`: ${row.summary}`);
  const types = def.elements.length > 0 ? [`Element types: ${quoted(def.elements)}.`] : [];
  return [def.summary, ...(lines.length > 0 ? [lines.join("\n")] : []), ...types].join("\n\n");
}
