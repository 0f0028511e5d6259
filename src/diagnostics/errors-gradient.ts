/** What is said of gradients: E0801 to E0806, R0801 to R0803. */

import { type Diagnostic, error, remark, type Span, warning, wrapped } from "./diagnostic.ts";
import { suggest } from "./errors-passes.ts";
import { listing } from "./errors-types.ts";

const quotedList = (names: readonly string[]) => listing(names.map((name) => `\`${name}\``));

export const gradientErrors = {
  unknown(span: Span, fn: string, what: "parameter" | "result", name: string, known: readonly string[]): Diagnostic {
    return error("E0801", `the function \`${fn}\` has no ${what} \`${name}\``, {
      span,
      help: suggest(name, known, "there are"),
    });
  },
  noFloat(span: Span, what: "parameter" | "result", name: string, type: string): Diagnostic {
    return error("E0802", `the ${what} \`${name}\` has no gradient: it is ${type}, and not of floats`, {
      span,
      help: [
        what === "result"
          ? "leave it out of the results that are differentiated"
          : "leave it out of the parameters by which is differentiated",
      ],
    });
  },
  /** @param why a clause. */
  noDerivative(span: Span, op: string, why: string): Diagnostic {
    return error("E0803", `\`${op}\` has no derivative: ${why}`, {
      span,
      help: [
        {
          line: "`stop_gradient(...)` around it says that no gradient goes through",
          fixes: [{ title: "stop the gradient here", edits: wrapped(span, "stop_gradient(", ")") }],
        },
      ],
    });
  },
  independent(span: Span, name: string, results: readonly string[]): Diagnostic {
    const depends = results.length === 1 ? "does not depend" : "do not depend";
    return error("E0804", `the gradient by \`${name}\` is zero: ${quotedList(results)} ${depends} on it`, {
      span,
      notes: ["conditions, row numbers, integers and what stands in `stop_gradient` pass no gradient on"],
      help: [`leave \`${name}\` out`],
    });
  },
  nothing(span: Span, fn: string): Diagnostic {
    return error("E0805", `there is nothing to differentiate in \`${fn}\``, {
      span,
      notes: ["no result of floats depends on a parameter of floats"],
      help: ["conditions, row numbers, integers and what stands in `stop_gradient` pass no gradient on"],
    });
  },
  taken(span: Span, name: string, fn: string): Diagnostic {
    return error(
      "E0806",
      `there is a function \`${name}\` already, so that of the gradients of \`${fn}\` cannot be called so`,
      {
        span,
        help: [`rename it, or leave \`${fn}\` out`],
      },
    );
  },
};

/** What a forward hands over, and the bytes that are moved with it and without. */
interface Handover {
  readonly names: readonly string[];
  readonly bytes: { readonly saved: number; readonly computed: number };
}

export const gradientRemarks = {
  saved(span: Span, fn: string, handover: Handover | undefined): Diagnostic {
    const assumed = "a dimension with a name counts as 1024";
    if (handover === undefined)
      return remark("R0802", `the backward of \`${fn}\` computes again what it needs`, {
        span,
        notes: [
          "to write values and to read them moves no fewer bytes than to read what they are computed from",
          assumed,
        ],
      });
    const { names, bytes } = handover;
    return remark("R0802", `\`${fn}_forward\` hands ${quotedList(names)} to the backward`, {
      span,
      notes: [
        `${bytes.saved} bytes are written and read so, and ${bytes.computed} where all is computed again, products too`,
        assumed,
      ],
    });
  },
  trainedPromise(span: Span, name: string, axes: readonly number[]): Diagnostic {
    return warning("R0803", `\`${name}\` is trained, and is promised to be centered: a step of training breaks that`, {
      span,
      notes: [
        `its gradient is not centered, so after the first step the promise \`@centered(${axes.join(", ")})\` does not hold`,
      ],
      help: ["train the weight as it was, without the promise: `@trained` centers it in the graph, which is exact"],
    });
  },
  stops(span: Span, op: string): Diagnostic {
    return remark("R0801", `no gradient goes through \`${op}\``, {
      span,
      notes: ["small changes of its operand change nothing behind it"],
    });
  },
};
