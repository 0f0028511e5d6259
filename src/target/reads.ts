/**
 * Finds where the text of a kernel reads its tensors. The printer marks their names, so that a launcher that binds a
 * result to an input's buffer can replace the name there without parsing WGSL.
 */

import { append } from "../ir/groups.ts";
import type { LaunchBinding, LaunchManifest } from "../launch/manifest.ts";

/** Printed on either side of a name. A private-use character of Unicode, which does not occur in WGSL. */
export const mark = "\ue000";

export const marked = (name: string) => mark + name + mark;

/**
 * Removes the marks, and adds the offsets of the marked names to `reads`.
 * @param start the offset of the text, if it is part of another.
 */
export function withoutMarks(text: string, reads: Map<string, number[]>, start = 0): string {
  if (!text.includes(mark)) return text;
  let at = start;
  const parts = text.split(mark);
  for (const [i, part] of parts.entries()) {
    if (i % 2 === 1) append(reads, part, at);
    at += part.length;
  }
  return parts.join("");
}

/**
 * The text between names, and the names, alternating; `undefined` if the text does not match the manifest's offsets.
 */
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

/** Adds the marks again, so that the text can be edited. A kernel without offsets gets no marks. */
export function withMarks(wgsl: string, { bindings }: LaunchManifest): string {
  return partsOf(wgsl, bindings)?.join(mark) ?? wgsl;
}

/**
 * The text of a kernel, alternating with the variables of inputs that a result may overwrite. If the text has been
 * edited by hand, the offsets are not valid: then it is returned in one part, and no input is overwritten.
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
