/** The outline of a file. */

import { headerText, typeText } from "./hover.ts";
import { programOf } from "./program.ts";
import type { Binding } from "./resolve.ts";
import { rangeOf, type TextRange } from "./text-range.ts";

/** One entry of the outline. */
export interface FileSymbol {
  readonly kind: "function" | "const" | "parameter" | "value";
  readonly name: string;
  /** The type, or the header of a function; empty if it is not known. */
  readonly detail: string;
  /** The whole definition. */
  readonly range: TextRange;
  readonly nameRange: TextRange;
  /** The parameters and values of a function. */
  readonly children: readonly FileSymbol[];
}

/** Functions and consts in source order. */
export function symbols(text: string): FileSymbol[] {
  const program = programOf(text);
  const { bindings } = program.names;
  const symbol = (binding: Binding): FileSymbol | undefined => {
    const { kind, name, definition, node } = binding;
    if (kind === "dimension" || kind === "result" || node === undefined) return undefined;
    const isFn = kind === "function";
    return {
      ...{ kind, name, nameRange: definition, range: rangeOf(node.span) },
      detail: isFn ? headerText(program, binding) : (typeText(program, binding) ?? ""),
      children: isFn ? inOrder(bindings.filter(({ fn }) => fn === node)) : [],
    };
  };
  const inOrder = (some: readonly Binding[]) =>
    some.flatMap((one) => symbol(one) ?? []).sort((a, b) => a.nameRange.start - b.nameRange.start);
  return inOrder(bindings.filter(({ fn }) => fn === undefined));
}
