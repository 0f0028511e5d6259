/**
 * The sizes, in steps, of the blocks in which a lane sums a row.
 *
 * - depth: the number of blocks around a state; the lane's own state has depth 0.
 */

/** The number of steps that a block sums. */
const blockSteps = 16;
/** The depth to which blocks nest. SwiftShader takes minutes to compile one more loop around eight rows. */
const blockDepth = 2;
/** The most steps that a block of blocks sums. */
export const mostBlockSteps = 1024;

/**
 * The number of steps in a block at each depth from 1, the largest first.
 * @param steps of a lane, if known: a large block then has about as many small ones as the lane has large ones.
 */
export function blocksOf(steps?: number): number[] {
  if (steps !== undefined && steps <= blockSteps) return [];
  if (steps !== undefined && steps <= blockSteps ** 2) return [blockSteps];
  const balanced = steps === undefined ? usualBlocks : 2 ** Math.ceil(Math.log2(steps / blockSteps) / 2);
  return [Math.min(mostBlockSteps, blockSteps * Math.max(blockSteps, balanced)), blockSteps];
}

/** The same inside a loop over rows, where one loop fewer is nested: about as many steps in a block as there are blocks. */
export function blocksInRows(steps: number): number[] {
  return steps <= blockSteps ? [] : [Math.max(blockSteps, 2 ** Math.round(Math.log2(steps) / 2))];
}

/** Small blocks in a large one if the number of steps is not known. */
const usualBlocks = 32;

/** The suffix of the names of a block's variables. */
export const ofDepth = (depth: number) => (depth === 0 ? "" : depth === 1 ? "_block" : `_block${depth}`);

/** The suffixes of all depths. */
export const depthSuffixes = Array.from({ length: blockDepth + 1 }, (_, depth) => ofDepth(depth));
