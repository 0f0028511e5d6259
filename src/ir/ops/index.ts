/**
 * The op table. An op is one row: a constant with its name in the file of its family, which exports nothing else.
 * Per-op tables elsewhere are keyed by `OpName`.
 */

import { isLeafName, type OpName } from "../ir.ts";
import * as activations from "./activations.ts";
import * as arithmetic from "./arithmetic.ts";
import type { AttributesOf } from "./attributes.ts";
import * as composites from "./composites.ts";
import * as conv from "./conv.ts";
import type { OpDef } from "./def.ts";
import * as exponentials from "./exponentials.ts";
import * as extern from "./extern.ts";
import * as leaves from "./leaves.ts";
import * as logic from "./logic.ts";
import * as lookups from "./lookups.ts";
import * as matmul from "./matmul.ts";
import * as norms from "./norms.ts";
import * as places from "./places.ts";
import * as random from "./random.ts";
import * as reductions from "./reductions.ts";
import * as rounding from "./rounding.ts";
import * as shape from "./shape.ts";
import * as slices from "./slices.ts";
import * as sums from "./sums.ts";
import * as trigonometry from "./trigonometry.ts";

export { isLeafName, type OpName } from "../ir.ts";

export type ElementwiseName =
  | keyof typeof activations
  | keyof typeof arithmetic
  | keyof typeof exponentials
  | keyof typeof logic
  | keyof typeof random
  | keyof typeof rounding
  | keyof typeof trigonometry;
type ReductionName = keyof typeof reductions;
type NormName = keyof typeof norms;
type ShapeName = keyof typeof shape;
export type IndexName = keyof typeof lookups | keyof typeof places | keyof typeof slices;
export type LinearName = keyof typeof conv | keyof typeof matmul | keyof typeof sums;

// The names alone: rows refer to ops by name, so that the type of the table cannot be inferred from the rows.
type TableName =
  | ElementwiseName
  | ReductionName
  | NormName
  | ShapeName
  | IndexName
  | LinearName
  | keyof typeof composites
  | keyof typeof extern
  | keyof typeof leaves;

const families: readonly Readonly<Record<string, OpDef>>[] = [
  ...[arithmetic, exponentials, trigonometry, rounding, activations, logic, random],
  ...[reductions, norms, shape, slices, lookups, places, matmul, conv, sums, composites, extern, leaves],
];
// Sorted by name, as bundlers change the order of a module's exports.
const rows = families.flatMap((family) => Object.entries(family).sort(([a], [b]) => (a < b ? -1 : 1)));
const table = Object.fromEntries(rows) as Readonly<Record<TableName, OpDef>>;

type Families = typeof activations &
  typeof arithmetic &
  typeof exponentials &
  typeof logic &
  typeof random &
  typeof rounding &
  typeof trigonometry &
  typeof reductions &
  typeof norms &
  typeof shape &
  typeof lookups &
  typeof places &
  typeof slices &
  typeof conv &
  typeof matmul &
  typeof sums &
  typeof composites &
  typeof extern &
  typeof leaves;
type Rows = { readonly [Name in TableName]: AttributesOf<Families[Name]["attributes"]> };
declare module "../ir.ts" {
  interface OpRows extends Rows {}
}

/** The op table: for each op its operands, attributes, algebraic facts, and how it is computed. */
export const ops: Readonly<Record<OpName, OpDef>> = table;
/** The names of all ops: by family, and by name within a family. */
export const opNames = Object.keys(table) as OpName[];

export function isOpName(name: string): name is OpName {
  return Object.hasOwn(table, name);
}

/** Ops that a program can call by name. */
export const callableNames = opNames.filter((name) => !isLeafName(name));

/** Adds a row, which `registerOps` has checked. */
export function addRow(name: string, def: OpDef): void {
  (table as Record<string, OpDef>)[name] = def;
  for (const names of [opNames, callableNames]) names.push(name as OpName);
}

export function removeRow(name: string): void {
  delete (table as Record<string, OpDef>)[name];
  for (const names of [opNames, callableNames]) names.splice(names.indexOf(name as OpName), 1);
}

/** The infix and prefix spelling of ops, which the printer prefers. */
export const infixOps = {
  "||": "or",
  "&&": "and",
  "==": "eq",
  "!=": "ne",
  "<": "lt",
  "<=": "le",
  ">": "gt",
  ">=": "ge",
  "+": "add",
  "-": "sub",
  "*": "mul",
  "/": "div",
  "%": "rem",
} as const satisfies Record<string, OpName>;

export const prefixOps = { "-": "neg", "!": "not" } as const satisfies Record<string, OpName>;

export const symbolOf = Object.fromEntries([
  ...Object.entries(infixOps).map(([symbol, name]) => [name, symbol]),
  ...Object.entries(prefixOps).map(([symbol, name]) => [name, symbol]),
]) as Partial<Record<OpName, string>>;
