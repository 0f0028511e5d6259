/** Every message about products, moved elements, and rows by their number: E0230 to E0239, E0609. */

import { type Diagnostic, error, type Help, type Label, type Span } from "./diagnostic.ts";

const code = (name: string) => `\`${name}\``;

/** The other operand, where it has a place of its own. */
function beside(span: Span, other: Span, message: string): Label[] {
  return other.start === span.start && other.end === span.end ? [] : [{ span: other, message }];
}

export const linearErrors = {
  operandShape(span: Span, op: string, operand: string, wanted: string, got: string): Diagnostic {
    return error("E0230", `${code(operand)} of ${code(op)} must be ${wanted}, and is ${got}`, { span });
  },
  contraction(
    span: Span,
    op: string,
    b: { name: string; shape: string; extent: string },
    a: { name: string; shape: string; extent: string; span: Span },
    help: readonly Help[],
  ): Diagnostic {
    return error("E0231", `${code(op)} sums over ${a.extent} of ${code(a.name)} and ${b.extent} of ${code(b.name)}`, {
      span,
      labels: [...beside(a.span, span, b.shape), ...beside(span, a.span, a.shape)],
      notes: ["the two must be the same number or the same name"],
      help,
    });
  },
  batches(span: Span, b: string, a: string, first: Span): Diagnostic {
    return error("E0232", `the batch dimensions ${a} and ${b} of \`matmul\` do not broadcast`, {
      span,
      labels: beside(span, first, a),
      notes: ["all but the last two dimensions are batch dimensions; they go together as in elementwise ops"],
    });
  },
  pieces(span: Span, operand: string, got: string, first: string, axis: number, place: Span): Diagnostic {
    return error("E0233", `\`concat\` cannot join ${got} (${code(operand)}) to ${first} along axis ${axis}`, {
      span,
      labels: beside(span, place, first),
      notes: ["all dimensions but the one that is joined must be the same"],
    });
  },
  namedExtent(span: Span, op: string, operand: string, axis: number, name: string): Diagnostic {
    const reasons: Readonly<Record<string, string>> = {
      concat: "a dimension is a number or one name, and not a sum",
      slice: "whether the slice stays inside must be known",
      pad: "a dimension is a number or one name, and not a sum",
      conv: "a dimension is a number or one name, and not what strides and kernels make of it",
    };
    return error("E0234", `${code(op)} needs a number for axis ${axis} of ${code(operand)}, which is ${code(name)}`, {
      span,
      notes: [reasons[op] as string],
      help: [`declare ${code(operand)} with a number in place of ${code(name)}`],
    });
  },
  sliceRange(span: Span, what: string, at: number, axis: number, extent: number): Diagnostic {
    return error("E0235", `${code(what)} of \`slice\` is ${at}, and axis ${axis} has ${extent} elements`, {
      span,
      notes: [`it runs from ${-extent} to ${extent}; a negative one counts from the end`],
    });
  },
  sliceOrder(span: Span, start: number, end: number): Diagnostic {
    return error("E0235", `\`slice\` ends at ${end}, before it begins at ${start}`, { span });
  },
  windowList(span: Span, what: string, length: number, wanted: number, axes: number): Diagnostic {
    const each = wanted === axes ? "one for each" : "one before and one after each";
    return error("E0236", `${code(what)} of \`conv\` has ${length} numbers, and there must be ${wanted}`, {
      span,
      notes: [`${each} of the ${axes} spatial axes; or none`],
    });
  },
  groups(span: Span, group: number, out: string): Diagnostic {
    return error("E0237", `\`conv\` cannot cut ${out} outputs into ${group} groups`, {
      span,
      notes: ["all groups have as many channels and as many outputs"],
    });
  },
  /** `reshaped` is the shape in which the index would name one element of each row, where it has as many. */
  gatherShape(span: Span, index: string, x: string, axis: number, place: Span, reshaped?: string): Diagnostic {
    const ofEach = `for one element of each row: \`reshape(${span.source.text.slice(span.start, span.end)}, shape = ${reshaped})\``;
    return error("E0238", `\`index\` of \`gather\` is ${index}, which does not go with ${x} along axis ${axis}`, {
      span,
      labels: beside(span, place, x),
      notes: ["all dimensions but that of the axis must be the same: an index looks up an element of its own row"],
      help: [reshaped === undefined ? "whole rows are looked up by `embedding(ids, table)`" : ofEach],
    });
  },
  padding(span: Span, what: string, count: number, mode: string, axis: number, extent: number): Diagnostic {
    const has = `axis ${axis} has ${extent} element${extent === 1 ? "" : "s"}`;
    return error("E0239", `${code(what)} of \`pad\` is ${count}, and ${has} to repeat`, {
      span,
      notes: [
        mode === "reflect"
          ? 'with `mode = "reflect"` the elements behind the edge stand before it, each once at most'
          : 'with `mode = "edge"` there must be an element at the edge',
      ],
      help: ["pad by less, or by a `value`"],
    });
  },
  indexOutOfRange(span: Span, index: number, element: number, count: number): Diagnostic {
    return error(
      "E0609",
      `the index ${index} (element ${element} of \`index\`) is not in an axis of ${count} elements`,
      {
        span,
        notes: [count === 0 ? "the axis has no elements" : `indices run from 0 to ${count - 1}`],
      },
    );
  },
  idOutOfRange(span: Span, id: number, element: number, count: number): Diagnostic {
    return error("E0609", `the id ${id} (element ${element} of \`ids\`) is not in a table of ${count} rows`, {
      span,
      notes: [count === 0 ? "the table has no rows" : `ids run from 0 to ${count - 1}`],
    });
  },
};
