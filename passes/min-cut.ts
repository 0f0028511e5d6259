/**
 * The cheapest assignment of true and false to variables under implications, as a minimum cut (Ford & Fulkerson 1956;
 * the reduction is that of Picard 1976).
 */

/** Larger than any sum of costs that occurs. */
const never = Number.MAX_SAFE_INTEGER;

interface Edge {
  readonly to: number;
  readonly back: number;
  capacity: number;
}

export class Choices {
  private readonly edges: Edge[][] = [[], []];

  /** A variable. */
  add(): number {
    this.edges.push([]);
    return this.edges.length - 1;
  }

  /** These are true, and false. */
  readonly yes = 0;
  readonly no = 1;

  /** If `a` is true then `b` is too; it costs `cost` where that is not so. */
  imply(a: number, b: number, cost = never): void {
    const [from, to] = [this.edges[a], this.edges[b]] as [Edge[], Edge[]];
    from.push({ to: b, back: to.length, capacity: cost });
    to.push({ to: a, back: from.length - 1, capacity: 0 });
  }

  /**
   * The cheapest assignment; among those of equal cost the one with the fewest true variables.
   * @returns whether a variable is true.
   */
  solve(): (variable: number) => boolean {
    let reached = this.search();
    while (reached[this.no] !== undefined) {
      this.augment(reached);
      reached = this.search();
    }
    return (variable) => reached[variable] !== undefined;
  }

  /** By which edge each variable is reached from `yes` over edges that have capacity left. */
  private search(): (Edge | "start" | undefined)[] {
    const reached = new Array<Edge | "start" | undefined>(this.edges.length).fill(undefined);
    reached[this.yes] = "start";
    const queue = [this.yes];
    for (const at of queue) {
      for (const edge of this.edges[at] as Edge[]) {
        if (edge.capacity === 0 || reached[edge.to] !== undefined) continue;
        reached[edge.to] = edge;
        queue.push(edge.to);
      }
    }
    return reached;
  }

  /** Fills the path that was found. */
  private augment(reached: readonly (Edge | "start" | undefined)[]): void {
    const path: Edge[] = [];
    for (let edge = reached[this.no]; edge !== undefined && edge !== "start"; ) {
      path.push(edge);
      edge = reached[this.opposite(edge).to];
    }
    const flow = path.reduce((least, edge) => Math.min(least, edge.capacity), Infinity);
    for (const edge of path) {
      edge.capacity -= flow;
      this.opposite(edge).capacity += flow;
    }
  }

  private opposite(edge: Edge): Edge {
    return (this.edges[edge.to] as Edge[])[edge.back] as Edge;
  }
}
