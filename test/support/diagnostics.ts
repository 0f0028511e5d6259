/** The diagnostics with which a call is rejected. */

import { type Diagnostic, TircError } from "../../src/diagnostics/diagnostic.ts";
import { parse } from "../../src/parse/parse.ts";

function print(caught: unknown): string[] {
  if (!(caught instanceof TircError)) throw caught;
  return caught.diagnostics.map(({ code, message, notes, help }) => {
    return [
      `${code}: ${message}`,
      ...notes.map((note) => `note: ${note}`),
      ...help.map((text) => `help: ${text}`),
    ].join("\n");
  });
}

/** The diagnostics that `call` throws: code, message, notes and help, one text each; empty if it throws none. */
export function diagnosticsOf(call: () => unknown): string[] {
  try {
    call();
    return [];
  } catch (caught) {
    return print(caught);
  }
}

/** As `diagnosticsOf`, for the rejection of a promise. */
export async function rejectionOf(promise: Promise<unknown>): Promise<string[]> {
  try {
    await promise;
    return [];
  } catch (caught) {
    return print(caught);
  }
}

/** Why a program is rejected; undefined if it is not. */
export function refused(text: string): readonly Diagnostic[] {
  try {
    parse(text);
    return [];
  } catch (caught) {
    if (!(caught instanceof TircError)) throw caught;
    return caught.diagnostics;
  }
}
