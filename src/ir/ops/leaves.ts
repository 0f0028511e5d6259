/** Rows of the op table for ops that programs do not call: literals and constants of the module. */

import { anyElement, type ConstantDef } from "./def.ts";

export const constant = {
  kind: "constant",
  summary: "A number, written as a literal.",
  operands: [],
  attributes: {
    value: { type: "number", summary: "The number." },
    element: { type: "element", summary: "Its element type." },
  },
  elements: anyElement,
  facts: {},
  vjp: { by: [] },
} as const satisfies ConstantDef;

export const global = {
  kind: "global",
  summary: "A constant tensor of the module, written as its name.",
  operands: [],
  attributes: {
    name: { type: "name", summary: "The name of the `const`." },
    element: { type: "element", summary: "Its element type." },
    shape: { type: "shape", summary: "Its shape." },
  },
  elements: anyElement,
  facts: {},
  vjp: { by: [] },
} as const satisfies ConstantDef;
