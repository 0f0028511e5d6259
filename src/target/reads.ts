/**
 * Where the text of a kernel reads its tensors. The printer marks their names, so that a launcher that binds an input through
 * a result's buffer has the name there and needs to know nothing of WGSL.
 */

import type { LaunchBinding, LaunchManifest } from "../launch/manifest.ts";

/** On either side of a name; no text of WGSL has it (a private use character of Unicode). */
export const mark = "\ue000";

export const marked = (name: string) => mark + name + mark;

/** The text without its marks, and the offsets of the names that had them. @param start that of the text, where it is a part. */
export function withoutMarks(text: string, reads: Map<string, number[]>, start = 0): string {
  if (!text.includes(mark)) return text;
  let at = start;
  const parts = text.split(mark);
  for (const [i, part] of parts.entries()) {
    if (i % 2 === 1) reads.set(part, [...(reads.get(part) ?? []), at]);
    at += part.length;
  }
  return parts.join("");
}

/** The text and the names in it, in turn; `undefined` where other text stands at the places of the manifest. */
function partsOf(wgsl: string, bindings: readonly LaunchBinding[]): readonly string[] | undefined {
  const places = bindings.flatMap(({ variable, reads = [] }) => reads.map((at) => ({ at, variable })));
  const parts: string[] = [];
  let end = 0;
  for (const { at, variable } of places.sort((a, b) => a.at - b.at)) {
    if (!wgsl.startsWith(variable, at)) return undefined;
    parts.push(wgsl.slice(end, at), variable);
    end = at + variable.length;
  }
  return [...parts, wgsl.slice(end)];
}

/** The text with its marks, to be changed beside them; that of a kernel without places has none. */
export function withMarks(wgsl: string, { bindings }: LaunchManifest): string {
  return partsOf(wgsl, bindings)?.join(mark) ?? wgsl;
}

/**
 * The text of a kernel and, in turn with it, the variables that it reads inputs by over which a result may be written. Of a
 * text that somebody has edited the places are not known: that is all text, and nothing is written over its inputs.
 */
export function inPlaceParts(wgsl: string, { bindings }: LaunchManifest): readonly string[] {
  const overwritten = new Set(bindings.flatMap(({ mayAlias = [] }) => mayAlias));
  return (
    partsOf(
      wgsl,
      bindings.filter(({ name, access }) => access === "read" && overwritten.has(name)),
    ) ?? [wgsl]
  );
}
