/**
 * Finds the cheapest places for centerings, by the algebra of row-mean.ts. With P for the centering and a stream h that norms read:
 *
 * - read: P h, for every `center(h)` that is not proved to change nothing.
 * - in place: h itself is computed as P h, from centered operands. Then all readers of h get P h, so they must ignore the
 *   shift (facts of the op table: a centering, softmax, var) or be computed in place themselves.
 * - converted: h stays as it is, and P h is computed in addition: at no cost if h is a constant, whose centering is a
 * constant too, and otherwise at the cost of one `center`.
 * - scaled rows and blocks (rows.ts) are centered in place or in constants only: P (s h) for h = x W is x (P diag(s) W),
 * and if W is not constant the product with s stays, followed by a `center`.
 *
 * A minimum cut finds the assignment with the fewest `center`s, where those of trained weights count less than any
 * other; among equal ones it takes the assignment that changes least.
 */

import { append, ShortLists } from "../src/ir/groups.ts";
import type { Fn, Op, Value } from "../src/ir/ir.ts";
import { byOp, parameterOf, quoted, quotedOp } from "../src/ir/naming.ts";
import { attribute } from "../src/ir/ops/attributes.ts";
import { ops } from "../src/ir/ops/index.ts";
import type { Centering } from "./centering.ts";
import { Choices } from "./min-cut.ts";
import { scaledWays, type Way, waysOf } from "./row-mean.ts";
import { isPlain, isScaled, ownRows, type Rows, type Scale, sameRows } from "./rows.ts";

/** How P of a value is computed. */
type Form =
  /** It is 0: the value does not vary along the row. */
  | { readonly kind: "nothing" }
  /** It is the value: its rows are centered. */
  | { readonly kind: "centered" }
  | { readonly kind: "inPlace" }
  /** A constant: its `center` is computed once. */
  | { readonly kind: "constant"; readonly rows: Rows }
  | { readonly kind: "converted"; readonly axes: readonly number[] };

export interface Moves {
  /** For values whose P is read by a centering, or by a value in place. */
  form(value: Value, rows: Rows): Form | undefined;
  /** The rows for which P of the value is computed in its place, if it is, and the way. */
  inPlace(value: Value): { readonly way: Way; readonly rows: Rows } | undefined;
  /** Whether a value in place reads P of this value. */
  feedsStream(value: Value): boolean;
  /** Why `value` is not computed in place; `undefined` where its op does not commute with a centering. */
  whyNot(value: Value, rows: Rows): string | undefined;
}

/** There may be a million nodes: what follows from these fields is computed again where it is read. */
interface Node {
  readonly value: Value;
  readonly rows: Rows;
  readonly fixed: (Form & { readonly kind: "nothing" | "centered" | "constant" }) | undefined;
  /** Who would see the shift if it were in place: an op, or the name of a result. */
  seenBy: Op | string | undefined;
  /** Whether a value in place reads its P. */
  feeds: boolean;
  /** Variables: whether its P is read, and whether it is in place. */
  readonly read: number;
  readonly inPlace: number;
}

interface MoveOptions {
  /** Whether the centering of a constant may be a new constant. */
  readonly fold: boolean;
}

/** Plans where to center for the ops `centers`, none of which is proved to have no effect. */
export function planMoves(fn: Fn, centers: readonly Op[], centering: Centering, { fold }: MoveOptions): Moves {
  const region = new Region(fn, centering, fold);
  const isTrue = solved(region, fn, centers);
  for (const node of region.nodes()) {
    if (isTrue(node.inPlace)) for (const part of region.parts(node)) part.feeds = true;
  }
  return {
    form(value, rows) {
      const node = region.get(value, rows);
      if (node === undefined || !isTrue(node.read)) return undefined;
      if (node.fixed !== undefined) return node.fixed;
      if (isTrue(node.inPlace)) return inPlaceForm;
      return { kind: "converted", axes: node.rows.axes };
    },
    inPlace(value) {
      const node = region.of(value).findLast((one) => isTrue(one.inPlace));
      return node && { way: region.way(node) as Way, rows: node.rows };
    },
    feedsStream: (value) => region.of(value).some(({ feeds }) => feeds),
    whyNot: (value, rows) => region.whyNot(region.get(value, rows) as Node),
  };
}

/** Finds the nodes, and the cheapest assignment to their variables. */
function solved(region: Region, fn: Fn, centers: readonly Op[]): (variable: number) => boolean {
  const choices = new Choices();
  for (const op of centers) {
    choices.imply(choices.yes, region.discover(op.operand(0), rowsOf(op), choices).read);
  }
  // A stream that only such ops read may be in place for other readers of its operands.
  for (const op of fn.ops) {
    if (ops[op.name].facts.ignoresShift === true) region.discover(op.operand(0), rowsOf(op), choices);
  }
  region.readings((node, reader, by) => {
    if (reader === undefined) node.seenBy ??= by;
    else if (node.fixed === undefined) choices.imply(node.inPlace, reader.inPlace);
  });
  // Centering all trained weights, once for all rows, costs less than centering the rows of one value.
  const rowsCost = fn.params.filter(({ trained }) => trained).length + 1;
  for (const node of region.nodes()) {
    if (node.fixed !== undefined) continue;
    const cost = node.value.trained ? 1 : rowsCost;
    choices.imply(node.read, node.inPlace, isPlain(node.rows) ? cost : undefined);
    for (const part of region.parts(node)) choices.imply(node.inPlace, part.read);
    if (region.isBlocked(node)) choices.imply(node.inPlace, choices.no);
  }
  return choices.solve();
}

const rowsOf = ({ attributes }: Op): Rows => ({ axes: attribute.axes(attributes) });

/** The zero claims of a way: the operands that are centered if its op is in place. */
export function zeroClaims({ claims }: Way): Way["claims"] {
  const isZero = ({ kind }: Way["claims"][number]) => kind === "zero";
  return claims.every(isZero) ? claims : claims.filter(isZero);
}

const inPlaceForm: Form = { kind: "inPlace" };

/** Scaled rows are not the rows of another extent: a value that is constant along a row is not constant when scaled. */
const rowsFor = (value: Value, rows: Rows) => (isScaled(rows) ? rows : ownRows(value, rows));

/** Whether a vector along the rows of `value` is this one. */
const fits = ({ length, element }: Scale, value: Value, { axes }: Rows) =>
  value.shape.at(axes[0] as number) === length && value.element === element;

/** All nodes whose P is read, if every node that can be in place is. */
class Region {
  private readonly byValue = new ShortLists<Value, Node>();
  private nearest: { readonly reader: NearestBlocked; readonly part: NearestBlocked } | undefined;
  private readonly fn: Fn;
  private readonly centering: Centering;
  private readonly fold: boolean;

  constructor(fn: Fn, centering: Centering, fold: boolean) {
    this.fn = fn;
    this.centering = centering;
    this.fold = fold;
  }

  nodes(): Iterable<Node> {
    return this.byValue.values();
  }

  of(value: Value): readonly Node[] {
    return this.byValue.of(value);
  }

  get(value: Value, rows: Rows): Node | undefined {
    const own = rowsFor(value, rows);
    return this.of(value).find((node) => sameRows(node.rows, own));
  }

  /** The way in which P of the node is computed in place, or why there is none. */
  way({ fixed, value, rows }: Node): Way | string | undefined {
    return fixed === undefined ? this.inPlaceWay(value, rows) : undefined;
  }

  parts(node: Node): Node[] {
    return this.claims(node).map(
      ({ operand, rows }) => this.get((node.value.def as Op).operand(operand), rows) as Node,
    );
  }

  private claims(node: Node): Way["claims"] {
    const way = this.way(node);
    return typeof way === "object" ? zeroClaims(way) : [];
  }

  /** The node of the value, and of everything it is computed from, with variables of `choices`. */
  discover(value: Value, rows: Rows, choices: Choices): Node {
    const open = [{ value, rows }];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (this.get(at.value, at.rows) !== undefined) continue;
      const node = this.add(at.value, rowsFor(at.value, at.rows), choices);
      for (const { operand, rows } of this.claims(node)) {
        open.push({ value: (node.value.def as Op).operand(operand), rows });
      }
    }
    return this.get(value, rows) as Node;
  }

  private add(value: Value, rows: Rows, choices: Choices): Node {
    const fixed = this.fixedForm(value, rows);
    const [read, inPlace] = [choices.add(), choices.add()];
    const node: Node = { value, rows, fixed, seenBy: undefined, feeds: false, read, inPlace };
    this.byValue.append(value, node);
    return node;
  }

  private fixedForm(value: Value, rows: Rows): Node["fixed"] {
    if (rows.axes.length === 0) return { kind: "nothing" };
    if (!isScaled(rows) && this.centering.meanIsZero(value, rows).proved) return { kind: "centered" };
    if (!this.fold || value.def?.name !== "global") return undefined;
    return (rows.scales ?? []).every((scale) => fits(scale, value, rows)) ? { kind: "constant", rows } : undefined;
  }

  /** A way in which the value's op commutes with the centering, or the reason why there is none. */
  private inPlaceWay(value: Value, rows: Rows): Way | string {
    const op = value.def;
    if (op === undefined) return `${quoted(value)} is ${parameterOf(value)}`;
    if (op.name === "global") return `${quoted(value)} is a constant`;
    if (isScaled(rows) && ownRows(value, rows) !== rows) return `${quoted(value)} does not vary along the row`;
    const ways = waysOf(op, rows);
    const exact = "because" in ways ? [] : ways.filter((way) => way.exact);
    const holds = (way: Way) =>
      way.claims
        .filter((claim) => claim.kind === "constant")
        .every((claim) => this.centering.isConstantAlong(op.operand(claim.operand), claim.rows).proved);
    const way = exact.find(holds) ?? (this.fold ? scaledWays(op, rows)[0] : undefined);
    if (way !== undefined) return way;
    const name = quoted(value);
    return exact.length > 0
      ? `${name} is a product${byOp(op, (by) => ` (${by})`)} of rows with what varies along them`
      : byOp(op, (by) => `${name} is the result of ${by}, through which no centering goes`) ||
          `no centering goes through ${name}`;
  }

  /**
   * Calls `take` for each reader of the value of a node that depends on shifts of its rows: with the node that must be
   * in place if this one is, or without one.
   * @param take gets the reader: an op, or the name of a result.
   */
  readings(take: (node: Node, reader: Node | undefined, by: Op | string) => void): void {
    const { ops, results } = this.fn;
    for (const op of ops) {
      for (const [i, operand] of op.operands.entries()) {
        for (const node of operand === undefined ? [] : this.of(operand)) {
          if (!ignoresShift(op, i, node)) take(node, this.reader(op, i, node), op);
        }
      }
    }
    for (const { name, value } of results) for (const node of this.of(value)) take(node, undefined, name);
  }

  /** The node of the op's result that takes the node as this operand. */
  private reader(op: Op, index: number, node: Node): Node | undefined {
    return this.of(op.result).find((reader) =>
      this.claims(reader).some(({ operand, rows }) => operand === index && this.get(node.value, rows) === node),
    );
  }

  isBlocked(node: Node): boolean {
    return node.seenBy !== undefined || typeof this.way(node) === "string";
  }

  /** Why the node cannot be in place, regardless of which other nodes are. */
  private blocked(node: Node): string | undefined {
    const { value, seenBy } = node;
    const way = this.way(node);
    if (typeof way === "string") return way;
    if (seenBy === undefined) return undefined;
    const { labels } = this.fn.span.source;
    const how =
      typeof seenBy === "string"
        ? `returned as \`${labels?.result(seenBy) ?? seenBy}\``
        : `read by ${quotedOp(seenBy)}`;
    return `${quoted(value)} is ${how}, which depends on shifts of its rows`;
  }

  /** The first blocked node among those that must be in place with this one; else among its operands. */
  whyNot(start: Node): string | undefined {
    if (typeof this.way(start) !== "object") return undefined;
    this.nearest ??= this.findNearest();
    const reader = this.nearest.reader.get(start);
    if (reader !== undefined) return reader;
    const part = this.nearest.part.get(start);
    return `centering its operands costs as much${part === undefined ? "" : `, for ${part}`}`;
  }

  private findNearest() {
    const [readBy, madeInto] = [new Map<Node, Node[]>(), new Map<Node, Node[]>()];
    this.readings((node, reader) => {
      if (reader !== undefined) append(readBy, reader, node);
    });
    for (const node of this.nodes()) {
      for (const part of this.parts(node)) if (part.fixed === undefined) append(madeInto, part, node);
    }
    const blocked = [...this.nodes()].map((node) => [node, this.blocked(node)] as const);
    const of = (map: ReadonlyMap<Node, Node[]>) => nearestBlocked(blocked, (node) => map.get(node) ?? []);
    return { reader: of(readBy), part: of(madeInto) };
  }
}

/** Whether the result of the op does not change if operand `index` is shifted by a value constant along the node's axes. */
function ignoresShift(op: Op, index: number, { value, rows }: Node): boolean {
  if (ops[op.name].facts.ignoresShift !== true || index !== 0 || !isPlain(rows)) return false;
  return ownRows(value, { axes: attribute.axes(op.attributes) }).axes.every((axis) => rows.axes.includes(axis));
}

/** For each node, why the nearest blocked node among itself and those that it leads to is blocked. */
type NearestBlocked = ReadonlyMap<Node, string>;

/** @param blocked why each node is blocked. @param from the nodes that lead to a node. */
function nearestBlocked(
  blocked: readonly (readonly [Node, string | undefined])[],
  from: (node: Node) => readonly Node[],
): NearestBlocked {
  const nearest = new Map<Node, string>();
  // First operands were found last.
  for (const [node, why] of blocked.toReversed()) if (why !== undefined) nearest.set(node, why);
  for (const [node, why] of nearest) {
    for (const before of from(node)) if (!nearest.has(before)) nearest.set(before, why);
  }
  return nearest;
}
