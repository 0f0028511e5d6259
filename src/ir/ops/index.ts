/** The op table. An op is one row here; every per-op table elsewhere is keyed by `OpName`. */

import { isLeafName, type OpName } from "../ir.ts";
import { compositeOps } from "./composites.ts";
import { conv } from "./conv.ts";
import {
  anyElement,
  type ConstantDef,
  type ElementwiseDef,
  type ElementwiseRow,
  type IndexDef,
  type IndexRow,
  type LinearDef,
  type LinearRow,
  type NormDef,
  type NormRow,
  type OpDef,
  type ReductionDef,
  type ShapeDef,
} from "./def.ts";
import { binaryOps, type ElementwiseName, ternaryOps, unaryOps } from "./elementwise.ts";
import { elementwiseMeanings, reductionMeanings } from "./exact.ts";
import { externOps } from "./extern.ts";
import { type IndexName, indexOps } from "./indexing.ts";
import { type LinearName, linearOps } from "./linear.ts";
import { type NormName, normOps } from "./norms.ts";
import { type Numerics, numerics } from "./numerics.ts";
import { type ReductionName, reductionOps } from "./reductions.ts";
import { scanOps } from "./scans.ts";
import { type ShapeName, shapeOps } from "./shape.ts";
import { transposeOps } from "./transposes.ts";
import { elementwiseVjps } from "./vjp-elementwise.ts";
import { indexVjps } from "./vjp-index.ts";
import { linearVjps, shapeVjps } from "./vjp-moves.ts";
import { normVjp, reductionVjps } from "./vjp-rows.ts";

export { isLeafName, type OpName } from "../ir.ts";
export type { ElementwiseName, IndexName, LinearName, ReductionName };

const constant: ConstantDef = {
  kind: "constant",
  summary: "A number; written as a literal.",
  operands: [],
  attributes: {
    value: { type: "number", summary: "The number." },
    element: { type: "element", summary: "Its element type." },
  },
  elements: anyElement,
  facts: {},
  vjp: { by: [] },
};

const global: ConstantDef = {
  kind: "global",
  summary: "A constant tensor of the module; written as its name.",
  operands: [],
  attributes: {
    name: { type: "name", summary: "The name of the `const`." },
    element: { type: "element", summary: "Its element type." },
    shape: { type: "shape", summary: "Its shape." },
  },
  elements: anyElement,
  facts: {},
  vjp: { by: [] },
};

/** `rows` with the columns that `of` has for each. */
function withColumns<Name extends string, Row, Columns>(
  rows: Record<Name, Row>,
  of: (name: Name) => Columns,
): Record<Name, Row & Columns> {
  const names = Object.keys(rows) as Name[];
  return Object.fromEntries(names.map((name) => [name, { ...rows[name], ...of(name) }])) as never;
}

/** The rows with their columns of `numerics`, of meanings over a field, and of derivatives. */
function complete<Name extends ElementwiseName>(rows: Record<Name, ElementwiseRow>): Record<Name, ElementwiseDef> {
  const of: Record<ElementwiseName, Numerics> = numerics;
  return withColumns(rows, (name) => ({
    numerics: of[name],
    exact: elementwiseMeanings[name],
    vjp: elementwiseVjps[name],
  }));
}

const completeReductions = (): Record<ReductionName, ReductionDef> =>
  withColumns(reductionOps, (name) => ({ exact: reductionMeanings[name], vjp: reductionVjps[name] }));
const completeNorms = (): Record<NormName, NormDef> =>
  withColumns<NormName, NormRow, Pick<NormDef, "vjp">>(normOps, (name) => ({ vjp: normVjp(name, normOps[name]) }));
const completeShapes = (): Record<ShapeName, ShapeDef> => withColumns(shapeOps, (name) => ({ vjp: shapeVjps[name] }));
const completeIndex = (): Record<IndexName, IndexDef> =>
  withColumns<IndexName, IndexRow, Pick<IndexDef, "vjp">>(indexOps, (name) => ({ vjp: indexVjps[name] }));
const completeLinear = (): Record<LinearName, LinearDef> =>
  withColumns<LinearName, LinearRow, Pick<LinearDef, "vjp">>(
    { ...linearOps, conv, ...transposeOps, ...scanOps },
    (name) => ({
      vjp: linearVjps[name],
    }),
  );

const table = {
  ...complete(unaryOps),
  ...complete(binaryOps),
  ...complete(ternaryOps),
  ...completeReductions(),
  ...completeNorms(),
  ...completeShapes(),
  ...completeIndex(),
  ...completeLinear(),
  ...compositeOps,
  ...externOps,
  constant,
  global,
};

type Rows = Readonly<Record<keyof typeof table, true>>;
declare module "../ir.ts" {
  interface OpRows extends Rows {}
}

/** The op table: for each op its operands, attributes, facts, and how it is computed. */
export const ops: Readonly<Record<OpName, OpDef>> = table;
/** The names of all ops, in the order of the table. */
export const opNames = Object.keys(table) as OpName[];

export function isOpName(name: string): name is OpName {
  return Object.hasOwn(table, name);
}

/** Ops that a program can call by name. */
export const callableNames = opNames.filter((name) => !isLeafName(name));

/** Adds a row; `registerOps` checks it before. */
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
