/** From a name to where else it stands. */

import { programOf } from "./program.ts";
import { bindingAt, placesOf } from "./resolve.ts";
import type { TextRange } from "./text-range.ts";

/** Where the name at `offset` is defined. */
export function definition(text: string, offset: number): TextRange | undefined {
  return bindingAt(programOf(text).names, offset)?.binding.definition;
}

/** Everywhere that the name at `offset` stands for the same, its definition included, in the order of the text. */
export function references(text: string, offset: number): TextRange[] {
  const found = bindingAt(programOf(text).names, offset);
  return found === undefined ? [] : placesOf(found.binding);
}
