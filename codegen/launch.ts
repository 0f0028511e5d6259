/** Limits of workgroups, loops and counts. */

export { mostCounted, mostWorkgroups, overflowOf, tooMany, workgroupsOf } from "../src/launch/counts.ts";

/** The most invocations in a workgroup, even if the target allows more: processors execute them in a loop. */
export const mostInvocations = { cpu: 256, gpu: 1024 };

/** The number of steps that a block sums. */
export const blockSteps = 16;
/** The depth to which blocks nest. SwiftShader takes minutes to compile one more loop around eight rows. */
export const blockDepth = 2;
/** The most steps that a block of blocks sums. */
export const mostBlockSteps = 1024;
