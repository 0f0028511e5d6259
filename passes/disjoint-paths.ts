/**
 * A maximum flow in which an arc carries one unit (soft) or any number (hard): as many paths from `yes` to `no` as
 * possible, with each soft arc on at most one of them. Found by matching (Hopcroft & Karp 1973): a path is a sequence of soft arcs
 * connected by hard arcs alone, so that each arc's end is matched to the beginning of the next one.
 *
 * - open end: the end of an arc from `yes` that leads to no other arc yet; open begin: likewise for an arc to `no`.
 * - unused: an arc on no path is matched to itself, end to begin.
 * - layer: the number of arcs that lose their predecessor on the shortest way from an open end to a node. Hard arcs
 * have length zero, so that long chains of them need no extra rounds.
 *
 * The flow along hard arcs need not be known: it follows from the matching.
 */

export interface Core {
  /** Nodes, including `yes` and `no`. */
  readonly size: number;
  readonly yes: number;
  readonly no: number;
  readonly hardFrom: readonly number[];
  readonly hardTo: readonly number[];
  /** No arc leads to `yes`, from `no`, or from `yes` to `no`. */
  readonly softFrom: readonly number[];
  readonly softTo: readonly number[];
}

interface ReachedSide {
  /** 1 for nodes reachable from `yes` after a maximal flow: the smallest such side of all minimum cuts. */
  readonly reached: Uint8Array;
  /** The number of arcs visited. */
  readonly work: number;
}

export function reachedSide(core: Core): ReachedSide {
  return new Matching(core).run();
}

const none = -1;

/** The numbers of the arcs that leave each node: `list[starts[node]..starts[node + 1]]`. */
export interface Leaving {
  readonly starts: Int32Array;
  readonly list: Int32Array;
}

/** @param order 0 for the arcs that come first in a node's list, 1 for the others. */
export function leaving(size: number, from: readonly number[], order: (arc: number) => number = () => 0): Leaving {
  const starts = new Int32Array(size + 1);
  for (const node of from) (starts[node + 1] as number)++;
  for (let node = 0; node < size; node++) (starts[node + 1] as number) += starts[node] as number;
  const next = starts.slice();
  const list = new Int32Array(from.length);
  for (const turn of [0, 1]) {
    for (const [arc, node] of from.entries()) {
      if (order(arc) !== turn) continue;
      list[next[node] as number] = arc;
      (next[node] as number)++;
    }
  }
  return { starts, list };
}

class Matching {
  private readonly core: Core;
  private readonly hard: Leaving;
  private readonly soft: Leaving;
  /** For a soft arc: the arc whose begin its end is matched to, and the arc whose end its begin is matched to. */
  private readonly after: Int32Array;
  private readonly before: Int32Array;
  private readonly layerOfNode: Int32Array;
  private readonly layerOfBegin: Int32Array;
  private readonly layerOfEnd: Int32Array;
  /** For each node, the next soft arc and the next hard arc to try in this round. */
  private readonly nextSoft: Int32Array;
  private readonly nextHard: Int32Array;
  /** For a node with only one hard arc left to try: the end of that arc. */
  private readonly shortcut: Int32Array;
  private readonly isOnPath: Uint8Array;
  private work = 0;

  constructor(core: Core) {
    const { size, yes, no, hardFrom, hardTo, softFrom, softTo } = core;
    this.core = core;
    // Arcs with no alternative come first: then what remains last is a chain, which is traversed once.
    const isInner = new Uint8Array(size);
    for (const node of hardFrom) isInner[node] = 1;
    this.hard = leaving(size, hardFrom, (arc) => isInner[hardTo[arc] as number] as number);
    this.soft = leaving(size, softFrom);
    const count = softFrom.length;
    this.after = Int32Array.from({ length: count }, (_, arc) =>
      softFrom[arc] === yes || softTo[arc] === no ? none : arc,
    );
    this.before = this.after.slice();
    this.layerOfNode = new Int32Array(size);
    this.layerOfBegin = new Int32Array(count);
    this.layerOfEnd = new Int32Array(count);
    this.nextSoft = new Int32Array(size);
    this.nextHard = new Int32Array(size);
    this.shortcut = new Int32Array(size);
    this.isOnPath = new Uint8Array(size);
  }

  run(): ReachedSide {
    const { softFrom, yes, size } = this.core;
    let open = [...softFrom.keys()].filter((arc) => softFrom[arc] === yes);
    while (this.findLayers(open)) {
      this.nextSoft.set(this.soft.starts.subarray(0, size));
      this.nextHard.set(this.hard.starts.subarray(0, size));
      this.shortcut.fill(none);
      open = open.filter((arc) => !this.lengthen(arc));
    }
    const reached = new Uint8Array(size);
    for (let node = 0; node < size; node++) reached[node] = this.layerOfNode[node] === none ? 0 : 1;
    return { reached, work: this.work };
  }

  /** Breadth-first search from the open ends. Returns whether an open begin is reached. */
  private findLayers(open: readonly number[]): boolean {
    const { layerOfNode, layerOfBegin, layerOfEnd, before, hard, soft } = this;
    const { softFrom, softTo, hardTo, yes } = this.core;
    for (const layers of [layerOfNode, layerOfBegin, layerOfEnd]) layers.fill(none);
    let found = false;
    let ends: number[] = [...open];
    for (const end of ends) layerOfEnd[end] = 0;
    for (let layer = 0; ends.length > 0 && !found; layer++) {
      const further: number[] = [];
      const takeBegin = (begin: number) => {
        this.work++;
        if (layerOfBegin[begin] !== none) return;
        layerOfBegin[begin] = layer;
        const end = before[begin] as number;
        if (end === none) found = true;
        else if (layerOfEnd[end] === none) {
          layerOfEnd[end] = layer + 1;
          further.push(end);
        }
      };
      const nodes: number[] = [];
      const takeNode = (node: number) => {
        this.work++;
        if (layerOfNode[node] !== none) return;
        layerOfNode[node] = layer;
        nodes.push(node);
      };
      for (const end of ends) {
        // An arc may leave its path.
        if (softFrom[end] !== yes) takeBegin(end);
        takeNode(softTo[end] as number);
      }
      for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
        for (let i = soft.starts[node] as number; i < (soft.starts[node + 1] as number); i++) {
          takeBegin(soft.list[i] as number);
        }
        for (let i = hard.starts[node] as number; i < (hard.starts[node + 1] as number); i++) {
          takeNode(hardTo[hard.list[i] as number] as number);
        }
      }
      ends = further;
    }
    return found;
  }

  /** Adds a path from this open end, visiting each layer once. Returns whether there is one. */
  private lengthen(open: number): boolean {
    const ends = [open];
    const begins: number[] = [];
    while (ends.length > 0) {
      const begin = this.takeBegin(ends.at(-1) as number, ends.length - 1);
      if (begin === none) {
        ends.pop();
        begins.pop();
        continue;
      }
      begins.push(begin);
      const end = this.before[begin] as number;
      if (end !== none) {
        ends.push(end);
        continue;
      }
      for (const [i, from] of ends.entries()) {
        this.after[from] = begins[i] as number;
        this.before[begins[i] as number] = from;
      }
      return true;
    }
    return false;
  }

  /** A begin in the layer to which the end can be matched, and that no other end has taken in this round; `none` if there is none. */
  private takeBegin(end: number, layer: number): number {
    const { softTo } = this.core;
    if (this.layerOfBegin[end] === layer && this.after[end] !== end) return this.taken(end);
    return this.search(softTo[end] as number, layer);
  }

  private taken(begin: number): number {
    this.layerOfBegin[begin] = none;
    return begin;
  }

  private search(start: number, layer: number): number {
    const { hard, soft, nextSoft, nextHard, layerOfNode, layerOfBegin, shortcut } = this;
    const { hardTo } = this.core;
    // From an earlier layer all begins are in earlier layers too.
    if (layerOfNode[start] !== layer) return none;
    const path: number[] = [];
    const leave = (begin: number): number => {
      for (const node of path) this.isOnPath[node] = 0;
      return begin;
    };
    for (let node: number | undefined = this.skipped(start); node !== undefined; ) {
      for (let i = nextSoft[node] as number; i < (soft.starts[node + 1] as number); i = ++(nextSoft[node] as number)) {
        this.work++;
        const begin = soft.list[i] as number;
        if (layerOfBegin[begin] === layer) return leave(this.taken(begin));
      }
      const i = nextHard[node] as number;
      const end = hard.starts[node + 1] as number;
      this.work++;
      if (i >= end) {
        // Nothing is left here: the predecessor tries its next arc.
        layerOfNode[node] = none;
        node = path.pop();
        if (node !== undefined) this.isOnPath[node] = 0;
        continue;
      }
      const to: number = hardTo[hard.list[i] as number] as number;
      const next: number = layerOfNode[to] === layer ? this.skipped(to) : none;
      if (next === none || next === node || this.isOnPath[next] === 1 || layerOfNode[next] !== layer) {
        (nextHard[node] as number)++;
        continue;
      }
      if (i === end - 1) shortcut[node] = next;
      path.push(node);
      this.isOnPath[node] = 1;
      node = next;
    }
    return none;
  }

  /** Where the shortcuts of a node end; path compression shortens them. */
  private skipped(node: number): number {
    const { shortcut } = this;
    let at = node;
    while (shortcut[at] !== none) {
      this.work++;
      const next = shortcut[at] as number;
      const further = shortcut[next] as number;
      if (further !== none) shortcut[at] = further;
      at = next;
    }
    return at;
  }
}
