/**
 * Ops of plugins: rows that are added to the op table at run time. As the compiler takes everything that it knows about an op
 * from its row, such an op is parsed, checked, interpreted, fused and printed like any other. Tables keyed by
 * `OpName` stay complete, as they are about known ops; in TypeScript, a plugin adds its names to `OwnOps`.
 */

import type { PluginPlace } from "../../diagnostics/areas/plugins.ts";
import * as pluginErrors from "../../diagnostics/areas/plugins.ts";
import { type Diagnostic, fail } from "../../diagnostics/diagnostic.ts";
import { reservedWords } from "../print.ts";
import { isElementType } from "../types.ts";
import type { ElementwiseDef, NormDef, OpDef, ReductionDef, ShapeDef } from "./def.ts";
import { addRow, isOpName, ops, removeRow } from "./index.ts";
import type { ElementwiseMeaning, ReductionMeaning } from "./meaning.ts";
import type { Numerics } from "./numerics.ts";
import type { Vjp } from "./vjp.ts";

type Common = "attributes" | "facts" | "vjp";
type WithDefaults<D extends OpDef, Unsaid extends keyof D = never> = Omit<D, Common | Unsaid> &
  Partial<Pick<D, (Common & keyof D) | Unsaid>>;

/**
 * A row of the op table as a plugin writes it. By default it has no attributes, no facts and no guarantee of accuracy. Over a
 * field, an op is uninterpreted, and a reduction that a row of the table also has means the same as there. It has
 * no derivative unless `vjp` is given.
 */
export type OwnOp =
  | WithDefaults<ElementwiseDef, "numerics" | "exact">
  | WithDefaults<ReductionDef, "exact">
  | WithDefaults<NormDef>
  | WithDefaults<ShapeDef>;

const noVjp: Vjp = { none: "its definition has no `vjp`" };
const unpromised: Numerics = { error: { text: "not promised", allowed: () => Infinity }, special: [] };

type Check = readonly [expected: string, holds: (value: unknown) => boolean];
const isFunction: Check = ["a function", (value) => typeof value === "function"];
const oneOf = (...words: readonly string[]): Check => [
  words.map((word) => `"${word}"`).join(" or "),
  (value) => words.includes(value as string),
];
const isList: Check = ["a list", Array.isArray];
const isObject: Check = ["an object", (value) => typeof value === "object" && value !== null && !Array.isArray(value)];

const common = {
  summary: ["a string", (value) => typeof value === "string"],
  operands: [
    "a list of one to three operands with names",
    (value) =>
      Array.isArray(value) &&
      value.length >= 1 &&
      value.length <= 3 &&
      value.every((operand) => typeof operand?.name === "string"),
  ],
  attributes: isObject,
  facts: isObject,
  elements: [
    "a list of element types",
    (value) => Array.isArray(value) && value.length > 0 && value.every((element) => isElementType(String(element))),
  ],
} as const satisfies Record<string, Check>;

const byKind: Readonly<Record<OwnOp["kind"], Readonly<Record<string, Check>>>> = {
  elementwise: {
    cost: oneOf("low", "high"),
    result: oneOf("same", "bool", "to"),
    scalar: isFunction,
    kernel: isFunction,
  },
  reduction: { reduction: isObject, results: isList, reduce: isFunction },
  norm: { view: isFunction, normalize: isFunction, define: isFunction },
  shape: { move: oneOf("regroup", "permute", "repeat"), infer: isFunction, evaluate: isFunction },
};

/** The meaning of an op with the same reduction; else an uninterpreted function of the row's elements in order. */
function reductionMeaningOf(
  name: string,
  { reduction, results }: Pick<ReductionDef, "reduction" | "results">,
): ReductionMeaning {
  const known = Object.values(ops).find(
    (def) => def.kind === "reduction" && def.reduction === reduction && String(def.results) === String(results),
  );
  if (known?.kind === "reduction") return known.exact;
  return (field, { p, q }, width, attributes) => {
    const columns = Array.from({ length: width }, (_, column) => {
      const isIn = (_element: number, i: number) => i % width === column;
      return { p: p.filter(isIn), q: q?.filter(isIn) };
    });
    return results.map((_, i) => field.apply(`${name}.${i} ${JSON.stringify(attributes)}`, columns));
  };
}

/** The columns of a row that a plugin may leave out, by kind. */
function columnsOf(name: string, row: OwnOp) {
  if (row.kind === "elementwise") {
    const exact: ElementwiseMeaning = (field, operands, { attributes }) =>
      field.apply(`${name} ${JSON.stringify(attributes)}`, operands);
    return { numerics: unpromised, exact };
  }
  return row.kind === "reduction" ? { exact: reductionMeaningOf(name, row) } : {};
}

/** Whether an op is a plugin's without an exact definition. */
export function hasOwnMeaning(name: string): boolean {
  const row = given.get(name);
  return row !== undefined && (row.kind === "elementwise" || row.kind === "reduction") && row.exact === undefined;
}

function problemsOf(name: string, row: Record<string, unknown>, place: PluginPlace): Diagnostic[] {
  const at = (field: string) => `ops.${name}.${field}`;
  const wrong = (field: string, expected: string) => {
    const got = typeof row[field] === "function" ? "a function" : (JSON.stringify(row[field]) ?? "missing");
    return pluginErrors.wrongPart(place, at(field), expected, got.length > 60 ? "something else" : got);
  };
  const isName = /^[A-Za-z_]\w*$/.test(name) && !reservedWords.has(name) && !isElementType(name);
  if (!isName)
    return [pluginErrors.wrongPart(place, `ops.${name}`, "called by a name that is no word of the language", "not")];
  if (!Object.hasOwn(byKind, String(row.kind))) return [wrong("kind", Object.keys(byKind).join(", "))];
  const checks: Readonly<Record<string, Check>> = { ...common, ...byKind[row.kind as OwnOp["kind"]] };
  return Object.entries(checks).flatMap(([field, [expected, holds]]) =>
    holds(row[field]) ? [] : [wrong(field, expected)],
  );
}

/**
 * Adds rows to the op table of the whole process. Programs that are parsed later may call them. Adding the same row
 * again has no effect.
 * @returns a function that removes the rows again.
 * @throws TircError with all E0761 and E0762.
 */
export function registerOps(rows: Readonly<Record<string, OwnOp>>, place: PluginPlace = { name: "ops" }): () => void {
  const found: Diagnostic[] = [];
  const added: [string, OpDef][] = [];
  for (const [name, row] of Object.entries(rows)) {
    if (isOpName(name) && given.get(name) === row) continue;
    const def = { attributes: {}, facts: {}, vjp: noVjp, ...columnsOf(name, row), ...row } as OpDef;
    if (isOpName(name)) found.push(pluginErrors.taken(place, "op", name));
    else found.push(...problemsOf(name, def as never, place));
    added.push([name, def]);
  }
  if (found.length > 0) fail(...found);
  for (const [name, def] of added) {
    addRow(name, def);
    given.set(name, rows[name] as OwnOp);
  }
  return () => {
    for (const [name, def] of added) {
      if ((ops as Readonly<Record<string, OpDef>>)[name] === def) removeRow(name);
      given.delete(name);
    }
  };
}

/** The rows as plugins gave them, by name. */
const given = new Map<string, OwnOp>();
