/**
 * Throws where the compiler has built what no kernel can be: a fault of its own, never of the program.
 * @param words or what makes them: they are needed where it does not hold alone.
 */
export function invariant(holds: boolean, words: string | (() => string)): asserts holds {
  if (!holds) throw new Error(`kernel: ${typeof words === "string" ? words : words()}`);
}
