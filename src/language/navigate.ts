/** Go to definition, and find references. */

import { programOf } from "./program.ts";
import { bindingAt, placesOf } from "./resolve.ts";
import type { TextRange } from "./text-range.ts";

/** Where the name at `offset` is defined; `undefined` if there is no name or it is not defined. */
export function definition(text: string, offset: number): TextRange | undefined {
  return bindingAt(programOf(text).names, offset)?.binding.definition;
}

/** All references to the binding named at `offset`, its definition included, in source order. */
export function references(text: string, offset: number): TextRange[] {
  const found = bindingAt(programOf(text).names, offset);
  return found === undefined ? [] : placesOf(found.binding);
}
