/** Names of a model as names of the language, where letters, digits and underscores are all there is. */

import { FreshNames } from "../ir/fresh-names.ts";
import { reservedWords } from "../ir/print.ts";
import { isElementType } from "../ir/types.ts";

/** `/layer.0/Add_output_0` is `layer_0_Add_output_0`; what begins with a digit, or is a word of the language, changes too. */
export function identifier(name: string): string {
  const plain = name.replace(/[^A-Za-z0-9_]+/g, "_").replace(/^_+(?=[A-Za-z0-9])/, "");
  const isTaken = reservedWords.has(plain) || isElementType(plain);
  return /^[A-Za-z_]/.test(plain) && !isTaken ? plain : `v${plain === "" ? "" : `_${plain}`}`;
}

/** Hands out identifiers, each once. */
export class UniqueNames {
  private readonly names = new FreshNames();

  /** `name` as an identifier, with a number behind it where that is given away. */
  give(name: string): string {
    return this.names.next(identifier(name));
  }
}
