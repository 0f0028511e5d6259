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
