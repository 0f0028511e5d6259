/** Names of a model as names of the language, where letters, digits and underscores are all there is. */

import { reservedWords } from "../ir/print.ts";
import { isElementType } from "../ir/types.ts";

/** `/layer.0/Add_output_0` is `layer_0_Add_output_0`; what begins with a digit, or is a word of the language, changes too. */
export function identifier(name: string): string {
  const plain = name.replace(/[^A-Za-z0-9_]+/g, "_").replace(/^_+(?=[A-Za-z0-9])/, "");
  const isTaken = reservedWords.has(plain) || isElementType(plain);
  return /^[A-Za-z_]/.test(plain) && !isTaken ? plain : `v${plain === "" ? "" : `_${plain}`}`;
}

/** Hands out names that are unique. */
export class UniqueNames {
  private readonly taken = new Map<string, number>();

  /** `name` as an identifier, with a number behind it where that is given away. */
  give(name: string): string {
    const stem = identifier(name);
    let given = stem;
    for (let n = this.taken.get(stem) ?? 1; this.taken.has(given); n++) {
      given = `${stem}_${n}`;
      this.taken.set(stem, n + 1);
    }
    this.taken.set(given, 1);
    return given;
  }
}
