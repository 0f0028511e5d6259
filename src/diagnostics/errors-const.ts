/** Every message about constant tensors: E0240 to E0243, E0665. */

import { type Diagnostic, error, type Span } from "./diagnostic.ts";

export const constErrors = {
  symbolicDimension(span: Span, name: string, dim: string): Diagnostic {
    return error("E0240", `the const \`${name}\` has the dimension \`${dim}\`, and must have numbers`, {
      span,
      help: ["a constant tensor has one size: write its extents"],
    });
  },
  notAValue(span: Span, name: string): Diagnostic {
    return error("E0241", `the const \`${name}\` is no number, list of numbers or \`load(...)\``, {
      span,
      help: ['write `[[1, 2], [3, 4]]`, or `load("model.safetensors", "tensor")`, or `load("tensor.npy")`'],
    });
  },
  wrongShape(span: Span, name: string, got: string, wanted: string): Diagnostic {
    return error("E0242", `the const \`${name}\` is declared ${wanted}, and this is ${got}`, { span });
  },
  loadArguments(span: Span): Diagnostic {
    return error("E0243", "`load` takes the name of a file, and of a tensor in it", {
      span,
      help: ['`load("model.safetensors", "tensor")` or `load("tensor.npy")`'],
    });
  },
  notLoaded(span: Span, name: string): Diagnostic {
    return error("E0665", `the tensor of the const \`${name}\` is in a file, and nothing was given that reads it`, {
      span,
      help: ["pass `constantsOf(module, load)` to `interpret`"],
    });
  },
};
