/** Throws where the compiler has built what no kernel can be: a fault of its own, never of the program. */
export function invariant(holds: boolean, words: string): asserts holds {
  if (!holds) throw new Error(`kernel: ${words}`);
}
