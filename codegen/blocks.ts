/**
 * The blocks in which a lane adds up a row: how many steps are in each.
 *
 * - depth: how many blocks are around a state; the lane's own has 0.
 */

import { blockDepth, blockSteps, mostBlockSteps } from "./launch.ts";

/**
 * The steps in the blocks of each depth but the lane's own, the largest first.
 * @param steps of a lane, if known: a large block is then about as many small ones as the lane has large ones.
 */
export function blocksOf(steps?: number): number[] {
  if (steps !== undefined && steps <= blockSteps) return [];
  if (steps !== undefined && steps <= blockSteps ** 2) return [blockSteps];
  const balanced = steps === undefined ? usualBlocks : 2 ** Math.ceil(Math.log2(steps / blockSteps) / 2);
  return [Math.min(mostBlockSteps, blockSteps * Math.max(blockSteps, balanced)), blockSteps];
}

/** The same where a loop over rows is around all of them, and they are one loop less: about as many steps as blocks. */
export function blocksInRows(steps: number): number[] {
  return steps <= blockSteps ? [] : [Math.max(blockSteps, 2 ** Math.round(Math.log2(steps) / 2))];
}

/** Blocks in a large one where it is not known how many steps there are. */
const usualBlocks = 32;

/** How the names end of what belongs to a block. */
export const ofDepth = (depth: number) => (depth === 0 ? "" : depth === 1 ? "_block" : `_block${depth}`);

/** Those of all depths. */
export const depthSuffixes = Array.from({ length: blockDepth + 1 }, (_, depth) => ofDepth(depth));
