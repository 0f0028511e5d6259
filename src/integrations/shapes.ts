/** Infers the dimensions of a kernel from the shapes of other libraries' tensors. */

import * as inputErrors from "../diagnostics/areas/inputs.ts";
import { type Diagnostic, fail } from "../diagnostics/diagnostic.ts";
import { elementCount } from "../ir/tensor.ts";
import { type ElementType, printType } from "../ir/types.ts";
import type { LaunchTypes } from "../launch/types.ts";
import { type Dims, DimTable, extents } from "../runtime/bind-inputs.ts";
import type { Binding, Kernel } from "../target/manifest.ts";
import { parametersOf } from "../target/manifest.ts";

/** The arguments of a kernel by name: tensors of a library, and numbers for scalars. */
export type TensorsOf<Tensor, T extends LaunchTypes> = {
  readonly [N in keyof T["inputs"]]: T["inputs"][N] extends number | boolean
    ? T["inputs"][N]
    : Tensor | Extract<T["inputs"][N], number | boolean>;
};

/** The type and shape of a tensor. */
export interface Shaped {
  /** The element types that it can be passed as; empty if the language has no equivalent. */
  readonly elements: readonly ElementType[];
  /** A description for error messages, such as `a tensor of int64`. */
  readonly what: string;
  readonly shape: readonly number[];
}

export interface ReadShapes {
  readonly dims: Dims;
  /** The kernel's results, with their leading dimensions split as those of the inputs. */
  readonly results: readonly { readonly binding: Binding; readonly shape: readonly number[] }[];
}

/**
 * The extents of a kernel's dimensions. If a tensor has more dimensions than its parameter, the leading ones are
 * merged, as a kernel treats all rows alike: `[batch, tokens, 768]` is passed for a parameter `[rows, 768]`. Results
 * over the same rows have the separate dimensions again.
 * Throws TircError: E0603, E0604, E0606, E0607.
 */
export function readShapes(kernel: Kernel, tensors: Readonly<Record<string, Shaped>>, given: Dims): ReadShapes {
  const found: Diagnostic[] = [];
  const table = new DimTable(kernel, given, found);
  const leading = new Map<number | string, readonly number[]>();
  for (const parameter of parametersOf(kernel.manifest)) {
    const { name, element, shape: wanted } = parameter;
    const tensor = Object.hasOwn(tensors, name) ? tensors[name] : undefined;
    if (tensor === undefined) continue;
    const { elements, what, shape } = tensor;
    if (!elements.includes(element)) found.push(inputErrors.wrongElement(name, printType(parameter), what));
    const [first] = wanted;
    const more = shape.length - wanted.length;
    if (first === undefined || more <= 0) {
      table.matchShape(parameter, shape);
      continue;
    }
    const together = shape.slice(0, more + 1);
    table.matchShape(parameter, [elementCount(together), ...shape.slice(more + 1)]);
    if (!leading.has(first)) leading.set(first, together);
  }
  if (found.length === 0) table.reportMissing();
  if (found.length > 0) fail(...found);
  const results = kernel.manifest.bindings
    .filter(({ access }) => access === "read_write")
    .map((binding) => {
      const [first, ...rest] = binding.shape;
      const apart = first === undefined ? undefined : leading.get(first);
      const shape = apart ? [...apart, ...extents(rest, table.extents)] : extents(binding.shape, table.extents);
      return { binding, shape };
    });
  return { dims: table.extents, results };
}
