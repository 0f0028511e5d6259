/** The types that an editor shows after names which have none written. */

import { typeText } from "./hover.ts";
import { programOf } from "./program.ts";

/** A text that is shown between two letters of the program, and is none of it. */
export interface InlayHint {
  /** It is shown before this offset. */
  readonly offset: number;
  /** `: f32[rows, 512]`. */
  readonly label: string;
}

/** The type of every `let` that has one and does not say it. A number by itself has no type yet. */
export function inlayHints(text: string): InlayHint[] {
  const program = programOf(text);
  return program.names.bindings.flatMap((binding) => {
    if (binding.kind !== "value" || binding.type !== undefined) return [];
    const type = typeText(program, binding);
    return type === undefined ? [] : [{ offset: binding.definition.end, label: `: ${type}` }];
  });
}
