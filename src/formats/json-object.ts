/** Reads the JSON objects in model files. */

import { isRecord } from "../diagnostics/arguments.ts";
import { duplicateKey } from "../diagnostics/duplicate-key.ts";

/**
 * The JSON object in UTF-8 text, without duplicate keys.
 * @param what the text, as the subject of a sentence: "its header".
 * @param wrong fails with a reason.
 */
export function readJsonObject(
  bytes: Uint8Array,
  what: string,
  wrong: (reason: string) => never,
): Readonly<Record<string, unknown>> {
  let [text, value]: [string, unknown] = ["", undefined];
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(text);
  } catch {
    wrong(`${what} is not valid JSON`);
  }
  if (!isRecord(value)) wrong(`${what} is not a JSON object`);
  const twice = duplicateKey(text);
  return twice === undefined ? value : wrong(`${what} has the key \`${twice.key}\` twice`);
}
