/** Unique names. */

/** Makes names, each only once. */
export class FreshNames {
  private readonly taken: Set<string>;
  /** For each requested name, the number with which the next is tried. */
  private readonly numbers = new Map<string, number>();

  /** @param taken names that are never returned. */
  constructor(taken: Iterable<string> = []) {
    this.taken = new Set(taken);
  }

  /**
   * `wanted` itself, or `wanted` with the first number that makes it unique: `wanted_1`.
   * @param numbered adds a number to the name.
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
