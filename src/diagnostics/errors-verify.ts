/** Messages of the verifier: E04xx. They are about the IR, so a user sees one only when a pass broke it. */

import { type Diagnostic, error, type Span } from "./diagnostic.ts";

export const verifyErrors = {
  undefinedOperand(span: Span, op: string, operand: string): Diagnostic {
    return error("E0401", `\`${op}\` reads \`${operand}\` before it is defined, or from another function`, { span });
  },
  undefinedResult(span: Span, name: string): Diagnostic {
    return error("E0402", `the result \`${name}\` is a value that the function does not define`, { span });
  },
  definedTwice(span: Span, name: string): Diagnostic {
    return error("E0403", `\`${name}\` is defined twice`, { span });
  },
  wrongType(span: Span, op: string, has: string, inferred: string): Diagnostic {
    return error("E0404", `the result of \`${op}\` is ${has}, and its operands make it ${inferred}`, { span });
  },
  attributes(span: Span, op: string): Diagnostic {
    return error("E0405", `the attributes of \`${op}\` are not in the form of the op table`, { span });
  },
  kernelGap(span: Span, kernel: number): Diagnostic {
    return error("E0406", `the ops of kernel group ${kernel} do not stand together`, { span });
  },
  resultNameTwice(span: Span, name: string): Diagnostic {
    return error("E0407", `two results are called \`${name}\``, { span });
  },
  resultChanged(span: Span, name: string, before: string, after: string): Diagnostic {
    return error("E0408", `the signature changed: \`${name}\` was ${before} and is ${after}`, { span });
  },
  noResults(span: Span): Diagnostic {
    return error("E0409", "the function returns nothing", { span });
  },
};
