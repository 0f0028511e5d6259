/** Names that nothing else has. */

/** Hands out names, each once. */
export class FreshNames {
  private readonly taken: Set<string>;
  /** For each name that was wanted, the number with which the next is tried. */
  private readonly numbers = new Map<string, number>();

  /** @param taken names that are never handed out. */
  constructor(taken: Iterable<string> = []) {
    this.taken = new Set(taken);
  }

  /**
   * `wanted` itself, or with the first number that makes it a name of its own: `wanted_1`.
   * @param numbered how a number is added to it.
   */
  next(wanted: string, numbered = (n: number) => `${wanted}_${n}`): string {
    let name = wanted;
    let n = this.numbers.get(wanted) ?? 1;
    while (this.taken.has(name)) name = numbered(n++);
    this.numbers.set(wanted, n);
    this.taken.add(name);
    return name;
  }
}
