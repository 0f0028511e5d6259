/** Every message about constant tensors: E0240 to E0244, E0665, E0671. */

import { type Diagnostic, error, type Span } from "./diagnostic.ts";
import { listing } from "./errors-types.ts";

export const constErrors = {
  symbolicDimension(span: Span, name: string, dim: string): Diagnostic {
    return error("E0240", `the const \`${name}\` has the dimension \`${dim}\`, and must have numbers`, {
      span,
      help: ["a constant tensor has one size: write its extents"],
    });
  },
  notAValue(span: Span, name: string): Diagnostic {
    return error("E0241", `the const \`${name}\` is no number, list of numbers, \`load(...)\` or op of other consts`, {
      span,
      help: [
        'write `[[1, 2], [3, 4]]`, or `load("model.safetensors", "tensor")`, or `load("tensor.npy")`, or one op of consts, such as `center(w, axes = [-1])`',
      ],
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
  cycle(span: Span, ring: readonly string[]): Diagnostic {
    const [name, ...others] = ring.map((item) => `\`${item}\``);
    const by = others.length === 0 ? "" : `, by way of ${listing(others)}`;
    return error("E0244", `the const ${name} is computed from itself${by}`, {
      span,
      help: ["one of them must be written out or loaded"],
    });
  },
  notCentered(span: Span, name: string, row: number, mean: number): Diagnostic {
    return error("E0671", `row ${row} of the new constant \`${name}\` has the mean ${mean}, and should have 0`, {
      span,
      help: [
        "the old constant has numbers that are not finite, or too large for its element type; `mode=off` leaves it as it is",
      ],
    });
  },
  notLoaded(span: Span, name: string): Diagnostic {
    return error("E0665", `the tensor of the const \`${name}\` is in a file, and nothing was given that reads it`, {
      span,
      help: ["pass `constantsOf(module, load)` to `interpret`"],
    });
  },
};
