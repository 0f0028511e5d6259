/**
 * Throws if the compiler has built an invalid kernel. That is a fault of the compiler, never of the program.
 * @param words the message, or a function that makes it only if it is needed.
 */
export function invariant(holds: boolean, words: string | (() => string)): asserts holds {
  if (!holds) throw new Error(`kernel: ${typeof words === "string" ? words : words()}`);
}
