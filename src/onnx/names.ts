/** Names of a model as identifiers of the language, which consist of letters, digits and underscores. */

import { FreshNames } from "../ir/fresh-names.ts";
import { reservedWords } from "../ir/print.ts";
import { isElementType } from "../ir/types.ts";

/** `/layer.0/Add_output_0` becomes `layer_0_Add_output_0`; a leading digit or a reserved word gets a prefix. */
export function identifier(name: string): string {
  const plain = name.replace(/[^A-Za-z0-9_]+/g, "_").replace(/^_+(?=[A-Za-z0-9])/, "");
  const isTaken = reservedWords.has(plain) || isElementType(plain);
  return /^[A-Za-z_]/.test(plain) && !isTaken ? plain : `v${plain === "" ? "" : `_${plain}`}`;
}

/** Generates unique identifiers. */
export class UniqueNames {
  private readonly names = new FreshNames();

  /** `name` as an identifier, with a number appended if it is already in use. */
  give(name: string): string {
    return this.names.next(identifier(name));
  }
}
