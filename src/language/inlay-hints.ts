/** The types that an editor shows after names without a type annotation. */

import { typeText } from "./hover.ts";
import { programOf } from "./program.ts";

/** Text that an editor shows inside a line without it being part of the program. */
export interface InlayHint {
  /** The hint is shown before the character at this offset. */
  readonly offset: number;
  /** Such as `: f32[rows, 512]`. */
  readonly label: string;
}

/** The inferred type of every `let` without an annotation. A `let` of a bare number has no type, and gets no hint. */
export function inlayHints(text: string): InlayHint[] {
  const program = programOf(text);
  return program.names.bindings.flatMap((binding) => {
    if (binding.kind !== "value" || binding.type !== undefined) return [];
    const type = typeText(program, binding);
    return type === undefined ? [] : [{ offset: binding.definition.end, label: `: ${type}` }];
  });
}
