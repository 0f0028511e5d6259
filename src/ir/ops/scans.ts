/**
 * Rows of the op table for sums of what comes before. Such a sum is linear in its operand, as a product is, and needs the
 * elements of a line in turn: no walk over rows and columns has it, and a kernel of its own computes it.
 */

import { elementCount, type Tensor } from "../tensor.ts";
import type { Shape } from "../types.ts";
import { attribute, type LinearRow, numbers } from "./def.ts";

export const scanOps = {
  cumsum: {
    kind: "linear",
    facts: {},
    summary:
      "The sum of each element and all before it along an axis. A kernel of its own computes it, with nothing to be filled in by a caller.",
    operands: [{ name: "x" }],
    attributes: {
      axis: { type: "axis", summary: "The axis; -1 is the last." },
      exclusive: { type: "boolean", default: false, summary: "Leave the element itself out; the first is then 0." },
      reverse: { type: "boolean", default: false, summary: "Sum up what comes behind an element, not before it." },
    },
    elements: numbers,
    infer: ([x]) => x as Shape,
    evaluate: ([operand], attributes) => {
      const { shape, data } = operand as Tensor;
      const axis = attribute.axis(attributes) + shape.length;
      const [extent, inner] = [shape[axis] as number, elementCount(shape.slice(axis + 1))];
      const [isExclusive, isReverse] = [attribute.flag(attributes, "exclusive"), attribute.flag(attributes, "reverse")];
      const result = new Float64Array(data.length);
      for (let line = 0; line < elementCount(shape.slice(0, axis)) * inner; line++) {
        const start = Math.floor(line / inner) * extent * inner + (line % inner);
        let sum = 0;
        for (let i = 0; i < extent; i++) {
          const at = start + (isReverse ? extent - 1 - i : i) * inner;
          const value = data[at] as number;
          result[at] = isExclusive ? sum : sum + value;
          sum += value;
        }
      }
      return result;
    },
    exact: "sums",
    // Rows along other axes are summed up whole: only along the axis itself is nothing said of them.
    zeroMean: ({ axes, block }, _, attributes) => {
      const others = axes.filter((axis) => axis !== attribute.axis(attributes));
      return others.length === 0
        ? []
        : [{ means: [{ operand: 0, axes: others, block }], exact: others.length === axes.length }];
    },
    terms: ([x]) => (x as Shape).slice(-1),
    outside: { because: "each of its elements needs the one before it", plain: "running sums", isOwn: true },
  },
} satisfies Record<string, LinearRow>;
