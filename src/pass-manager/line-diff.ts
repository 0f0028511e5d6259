/** The difference between two texts by lines (E. Myers, An O(ND) Difference Algorithm and Its Variations, 1986). */

type Kind = "same" | "added" | "removed";

interface DiffLine {
  readonly kind: Kind;
  readonly text: string;
}

/** With more edits than this, the whole text is replaced: the search takes time and memory quadratic in the edits. */
const mostEdits = 2000;

/**
 * The lines of both texts in one list, with removed lines before added ones. Changes of
 * indentation do not count.
 */
export function lineDiff(before: string, after: string): DiffLine[] {
  const a = before.split("\n");
  const b = after.split("\n");
  const keysA = a.map((line) => line.trim());
  const keysB = b.map((line) => line.trim());
  let start = 0;
  while (start < a.length && start < b.length && keysA[start] === keysB[start]) start++;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && keysA.at(-1 - end) === keysB.at(-1 - end)) end++;
  const steps = removedFirst(editScript(keysA.slice(start, a.length - end), keysB.slice(start, b.length - end)));
  const all = [...new Array<Kind>(start).fill("same"), ...steps, ...new Array<Kind>(end).fill("same")];
  let [i, j] = [0, 0];
  return all.map((kind) => {
    if (kind === "removed") return { kind, text: a[i++] as string };
    if (kind === "same") i++;
    return { kind, text: b[j++] as string };
  });
}

/**
 * The shortest edit script. `furthest[k]` is the furthest position in `a` of a path with a number of edits on the diagonal k = x
 * - y. The array of each round is saved for the traceback.
 */
function editScript(a: readonly string[], b: readonly string[]): Kind[] {
  const most = Math.min(a.length + b.length, mostEdits);
  const furthest = new Int32Array(2 * most + 3);
  const rounds: Int32Array[] = [];
  for (let edits = 0; edits <= most; edits++) {
    rounds.push(furthest.slice());
    for (let k = -edits; k <= edits; k += 2) {
      const from = furthest.subarray(most + k, most + k + 3) as unknown as [number, number, number];
      let x = isAdded(from, k, edits) ? from[2] : from[0] + 1;
      if (edits === 0) x = 0;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
      furthest[most + 1 + k] = x;
      if (x >= a.length && x - k >= b.length) return traceBack(a.length, b.length, rounds, most);
    }
  }
  return [...a.map((): Kind => "removed"), ...b.map((): Kind => "added")];
}

/**
 * Whether the path to diagonal `k` comes from k + 1, by a line of `b`. `around` has the furthest positions on k - 1, k and k + 1.
 */
function isAdded(around: readonly [number, number, number], k: number, edits: number): boolean {
  return k === -edits || (k !== edits && around[0] < around[2]);
}

function traceBack(endX: number, endY: number, rounds: readonly Int32Array[], most: number): Kind[] {
  const steps: Kind[] = [];
  let [x, y] = [endX, endY];
  for (let edits = rounds.length - 1; edits > 0; edits--) {
    const k = x - y;
    const around = rounds[edits]?.subarray(most + k, most + k + 3) as unknown as [number, number, number];
    const added = isAdded(around, k, edits);
    const fromX = added ? around[2] : around[0];
    const fromY = fromX - (added ? k + 1 : k - 1);
    for (; x > fromX && y > fromY; x--, y--) steps.push("same");
    steps.push(added ? "added" : "removed");
    [x, y] = [fromX, fromY];
  }
  for (; x > 0; x--) steps.push("same");
  return steps.reverse();
}

/** Sorts removed lines before added ones within a run of changes, which is easier to read. */
function removedFirst(steps: readonly Kind[]): Kind[] {
  const order = { removed: 0, added: 1, same: 2 };
  const runs: Kind[][] = [[]];
  for (const step of steps) {
    if (step === "same") runs.push([step], []);
    else runs.at(-1)?.push(step);
  }
  return runs.flatMap((run) => run.sort((p, q) => order[p] - order[q]));
}
