/** Bounds of what a kernel counts, and its uniform buffer. */

import { roundUp } from "../src/launch/counts.ts";
import type { LaunchUniforms, UniformField } from "../src/launch/manifest.ts";
import type { Printed } from "./print-kernel.ts";

export { mostCounted, mostWorkgroups, overflowOf, tooMany, workgroupsOf } from "../src/launch/counts.ts";

/** Invocations that a workgroup has at most, whatever the target allows. */
export const mostInvocations = 256;

/** Steps that a block adds up. */
export const blockSteps = 16;
/** Blocks around a lane's steps. SwiftShader takes minutes to compile a nest of one loop more around eight rows. */
export const blockDepth = 2;
/** Steps that a block of blocks adds up at most. */
export const mostBlockSteps = 1024;

/** The uniform buffer of these fields. @param printed the text that reads it, or does not. */
export function uniformsOf(
  binding: number,
  fields: readonly UniformField[],
  { readsUniforms }: Pick<Printed, "readsUniforms">,
): LaunchUniforms {
  const size = roundUp(fields.length * 4, 16);
  return { binding, fields, size, ...(!readsUniforms && { unread: true }) };
}
