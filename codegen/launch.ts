/** Limits of workgroups, loops and counts, and the layout of the uniform buffer. */

import { roundUp } from "../src/launch/counts.ts";
import type { LaunchUniforms, UniformField } from "../src/launch/manifest.ts";
import type { Printed } from "./print-kernel.ts";

export { mostCounted, mostWorkgroups, overflowOf, tooMany, workgroupsOf } from "../src/launch/counts.ts";

/** The most invocations in a workgroup, even if the target allows more. */
export const mostInvocations = 256;

/** The number of steps that a block sums. */
export const blockSteps = 16;
/** The depth to which blocks nest. SwiftShader takes minutes to compile one more loop around eight rows. */
export const blockDepth = 2;
/** The most steps that a block of blocks sums. */
export const mostBlockSteps = 1024;

/** The uniform buffer of these fields. @param printed whether the kernel's text reads it. */
export function uniformsOf(
  binding: number,
  fields: readonly UniformField[],
  { readsUniforms }: Pick<Printed, "readsUniforms">,
): LaunchUniforms {
  const size = roundUp(fields.length * 4, 16);
  return { binding, fields, size, ...(!readsUniforms && { unread: true }) };
}
