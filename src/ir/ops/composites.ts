/**
 * Rows of the op table for ops that the parser expands into others: they exist in the language but not in the IR, so that
 * passes, kernels and derivatives need not know them. JAX's `nn.dropout` is likewise a function of `random`.
 */

import * as callErrors from "../../diagnostics/areas/calls.ts";
import * as linearErrors from "../../diagnostics/areas/linear.ts";
import type { Value } from "../ir.ts";
import { printShape } from "../types.ts";
import { attribute } from "./attributes.ts";
import { type CompositeDef, floats } from "./def.ts";
import type { Emitter } from "./emitter.ts";

const bits = 2 ** 32;

/** The value as a u32, which `random_bits` takes. */
const word = (emit: Emitter, value: Value) =>
  value.element === "u32" ? value : emit.emit("cast", [value], { to: "u32" });

export const dropout: CompositeDef = {
  kind: "composite",
  facts: {},
  summary:
    "Each element of x becomes 0 with probability `p`, and is otherwise multiplied by `1 / (1 - p)`. The same seed and offset give the same zeros, in every kernel that computes it and in its derivative. Expands to `where`, `random_bits` and `linear_index`.",
  operands: [{ name: "x" }, { name: "seed", element: "index" }, { name: "offset", element: "index" }],
  attributes: {
    p: { type: "number", default: 0.5, summary: "The probability of 0: at least 0 and less than 1." },
    stream: {
      type: "integer",
      minimum: 0,
      default: 0,
      summary: "Selects other elements for the same seed, for another use in the program.",
    },
  },
  elements: floats,
  refuse: (shapes, attributes) => {
    const p = attribute.number(attributes, "p");
    if (!(p >= 0 && p < 1)) {
      return (at) => callErrors.badAttribute(at("p"), "dropout", "p", "at least 0 and less than 1", String(p));
    }
    const index = [1, 2].find((i) => shapes[i] !== undefined && shapes[i].length > 0);
    if (index === undefined) return undefined;
    const name = index === 1 ? "seed" : "offset";
    const got = printShape(shapes[index] ?? []);
    return (at) => linearErrors.operandShape(at(index), "dropout", name, "a scalar", got);
  },
  define: (emit, operands, attributes) => {
    const [x, seed, offset] = operands as [Value, Value, Value];
    const p = attribute.number(attributes, "p");
    const place = emit.emit("linear_index", [], { shape: [...x.shape] });
    const { stream = 0 } = attributes;
    const drawn = emit.emit("random_bits", [place, word(emit, offset), word(emit, seed)], { stream });
    const isDropped = emit.emit("lt", [drawn, emit.constant("u32", Math.min(Math.round(p * bits), bits - 1))]);
    const scaled = emit.emit("mul", [x, emit.constant(x.element, 1 / (1 - p))]);
    return emit.emit("where", [isDropped, emit.constant(x.element, 0), scaled]);
  },
  vjp: { by: [null, null, null] },
};
