/** Tensors of other libraries as arguments of a kernel: its dimensions follow from their shapes. */

import * as inputErrors from "../diagnostics/areas/inputs.ts";
import { type Diagnostic, fail } from "../diagnostics/diagnostic.ts";
import { elementCount } from "../ir/tensor.ts";
import { type ElementType, printType } from "../ir/types.ts";
import type { LaunchTypes } from "../launch/types.ts";
import { type Dims, DimTable, extents } from "../runtime/bind-inputs.ts";
import type { Binding, Kernel } from "../target/manifest.ts";
import { parametersOf } from "../target/manifest.ts";

/** What a kernel takes by name: tensors of a library, and numbers for scalars. */
export type TensorsOf<Tensor, T extends LaunchTypes> = {
  readonly [N in keyof T["inputs"]]: T["inputs"][N] extends number | boolean
    ? T["inputs"][N]
    : Tensor | Extract<T["inputs"][N], number | boolean>;
};

/** What is known of a tensor before its elements are looked at. */
export interface Shaped {
  /** The element types that its elements may be taken for: none where the language has no such type. */
  readonly elements: readonly ElementType[];
  /** What it is, for an error: `a tensor of int64`. */
  readonly what: string;
  readonly shape: readonly number[];
}

export interface ReadShapes {
  readonly dims: Dims;
  /** The kernel's results, with shapes that have as many dimensions as those of the inputs. */
  readonly results: readonly { readonly binding: Binding; readonly shape: readonly number[] }[];
}

/**
 * The extents of a kernel's dimensions. A tensor may have more dimensions than its parameter: its leading ones are taken
 * together, for rows are what a kernel is repeated over, as `[batch, tokens, 768]` is for a parameter `[rows, 768]`. A
 * result over the same rows has them apart again.
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
