/** Helpers of maps. */

/** Appends a value to the list of a key. */
export function append<K, V>(groups: Map<K, V[]>, key: K, value: V): void {
  getOrInsert(groups, key, () => []).push(value);
}

/** Items by their keys, in order. */
export function grouped<T, K>(items: Iterable<T>, keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) append(groups, keyOf(item), item);
  return groups;
}

/** The value of a key; `make` computes it if there is none. As `getOrInsertComputed` of later versions of ECMAScript. */
export function getOrInsert<K, V>(
  map: { get(key: K): V | undefined; set(key: K, value: V): unknown },
  key: K,
  make: () => V,
): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}

/** A list for each key where most keys have one item, which then takes no memory for a list. */
export class ShortLists<K, V extends object> {
  private readonly lists = new Map<K, V | V[]>();

  /** Appends a value, which is not an array, to the list of a key. */
  append(key: K, value: V): void {
    const known = this.lists.get(key);
    if (known === undefined) this.lists.set(key, value);
    else if (Array.isArray(known)) known.push(value);
    else this.lists.set(key, [known, value]);
  }

  /** The list of a key; empty if nothing was appended. */
  of(key: K): readonly V[] {
    const known = this.lists.get(key) ?? none;
    return Array.isArray(known) ? known : [known];
  }

  /** The values of all keys, keys in the order of their first values. */
  *values(): IterableIterator<V> {
    for (const known of this.lists.values()) {
      if (Array.isArray(known)) yield* known;
      else yield known;
    }
  }
}

const none: never[] = [];
