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

import { append } from "../src/ir/groups.ts";
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

interface Node {
  readonly value: Value;
  readonly rows: Rows;
  readonly fixed: (Form & { readonly kind: "nothing" | "centered" | "constant" }) | undefined;
  /** The way in which its P is computed in place. */
  readonly way: Way | undefined;
  /** Why it cannot be in place, regardless of which other nodes are. */
  blocked: string | undefined;
  /** The nodes that must be in place if this one is. */
  readonly readers: Node[];
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
  const choices = new Choices();
  const region = new Region(centering, choices, fold);
  for (const op of centers) {
    choices.imply(choices.yes, region.discover(op.operand(0), { axes: attribute.axes(op.attributes) }).read);
  }
  // A stream that only such ops read may be in place for other readers of its operands.
  for (const op of fn.ops) {
    if (ops[op.name].facts.ignoresShift === true) {
      region.discover(op.operand(0), { axes: attribute.axes(op.attributes) });
    }
  }
  region.block(fn);
  // Centering all trained weights, once for all rows, costs less than centering the rows of one value.
  const rowsCost = fn.params.filter(({ trained }) => trained).length + 1;
  for (const node of region.nodes()) {
    if (node.fixed !== undefined) continue;
    const cost = node.value.trained ? 1 : rowsCost;
    choices.imply(node.read, node.inPlace, isPlain(node.rows) ? cost : undefined);
    for (const part of region.parts(node)) choices.imply(node.inPlace, part.read);
    for (const reader of node.readers) choices.imply(node.inPlace, reader.inPlace);
    if (node.blocked !== undefined) choices.imply(node.inPlace, choices.no);
  }
  const isTrue = choices.solve();
  const inPlace = region.nodes().filter((node) => isTrue(node.inPlace));
  const waysInPlace = new Map(inPlace.map(({ value, way, rows }) => [value, { way: way as Way, rows }]));
  const streamed = new Set(inPlace.flatMap((node) => region.parts(node)).map(({ value }) => value));
  return {
    form(value, rows) {
      const node = region.get(value, rows);
      if (node === undefined || !isTrue(node.read)) return undefined;
      if (node.fixed !== undefined) return node.fixed;
      if (isTrue(node.inPlace)) return inPlaceForm;
      return { kind: "converted", axes: node.rows.axes };
    },
    inPlace: (value) => waysInPlace.get(value),
    feedsStream: (value) => streamed.has(value),
    whyNot: (value, rows) => region.whyNot(region.get(value, rows) as Node),
  };
}

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
  private readonly byValue = new Map<Value, Node[]>();
  private nearest: { readonly reader: NearestBlocked; readonly part: NearestBlocked } | undefined;
  private readonly centering: Centering;
  private readonly choices: Choices;
  private readonly fold: boolean;

  constructor(centering: Centering, choices: Choices, fold: boolean) {
    this.centering = centering;
    this.choices = choices;
    this.fold = fold;
  }

  nodes(): Node[] {
    return [...this.byValue.values()].flat();
  }

  get(value: Value, rows: Rows): Node | undefined {
    const own = rowsFor(value, rows);
    return this.byValue.get(value)?.find((node) => sameRows(node.rows, own));
  }

  parts({ value, way }: Node): Node[] {
    if (way === undefined) return [];
    return zeroClaims(way).map(({ operand, rows }) => this.get((value.def as Op).operand(operand), rows) as Node);
  }

  /** The node of the value, and of everything it is computed from. */
  discover(value: Value, rows: Rows): Node {
    const open = [{ value, rows }];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (this.get(at.value, at.rows) !== undefined) continue;
      const { value: of, way } = this.add(at.value, rowsFor(at.value, at.rows));
      for (const claim of way === undefined ? [] : zeroClaims(way)) {
        open.push({ value: (of.def as Op).operand(claim.operand), rows: claim.rows });
      }
    }
    return this.get(value, rows) as Node;
  }

  private add(value: Value, rows: Rows): Node {
    const fixed = this.fixedForm(value, rows);
    const found = fixed === undefined ? this.inPlaceWay(value, rows) : undefined;
    const [way, blocked] = typeof found === "string" ? [undefined, found] : [found, undefined];
    const [read, inPlace] = [this.choices.add(), this.choices.add()];
    const node: Node = { value, rows, fixed, way, blocked, readers: [], read, inPlace };
    append(this.byValue, value, node);
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
    const name = quoted(value);
    const op = value.def;
    if (op === undefined) return `${name} is ${parameterOf(value)}`;
    if (op.name === "global") return `${name} is a constant`;
    if (isScaled(rows) && ownRows(value, rows) !== rows) return `${name} does not vary along the row`;
    const ways = waysOf(op, rows);
    const exact = "because" in ways ? [] : ways.filter((way) => way.exact);
    const holds = (way: Way) =>
      way.claims
        .filter((claim) => claim.kind === "constant")
        .every((claim) => this.centering.isConstantAlong(op.operand(claim.operand), claim.rows).proved);
    const way = exact.find(holds) ?? (this.fold ? scaledWays(op, rows)[0] : undefined);
    if (way !== undefined) return way;
    return exact.length > 0
      ? `${name} is a product${byOp(op, (by) => ` (${by})`)} of rows with what varies along them`
      : byOp(op, (by) => `${name} is the result of ${by}, through which no centering goes`) ||
          `no centering goes through ${name}`;
  }

  /** Finds for every node the readers of its value, and whether one of them would see the shift. */
  block(fn: Fn): void {
    for (const op of fn.ops) {
      for (const [i, operand] of op.operands.entries()) {
        const nodes = operand && this.byValue.get(operand);
        for (const node of nodes ?? []) this.reads(op, i, node);
      }
    }
    for (const { name, value } of fn.results) {
      const returned = fn.span.source.labels?.result(name) ?? name;
      for (const node of this.byValue.get(value) ?? []) block(node, `is returned as \`${returned}\``);
    }
  }

  /** The first blocked node among those that must be in place with this one; else among its operands. */
  whyNot(start: Node): string | undefined {
    if (start.way === undefined) return undefined;
    this.nearest ??= this.findNearest();
    const reader = this.nearest.reader.get(start);
    if (reader !== undefined) return reader;
    const part = this.nearest.part.get(start);
    return `centering its operands costs as much${part === undefined ? "" : `, for ${part}`}`;
  }

  private findNearest() {
    const nodes = this.nodes();
    const [readBy, madeInto] = [new Map<Node, Node[]>(), new Map<Node, Node[]>()];
    for (const node of nodes) {
      for (const reader of node.readers) append(readBy, reader, node);
      for (const part of this.parts(node)) if (part.fixed === undefined) append(madeInto, part, node);
    }
    const of = (map: ReadonlyMap<Node, Node[]>) => nearestBlocked(nodes, (node) => map.get(node) ?? []);
    return { reader: of(readBy), part: of(madeInto) };
  }

  private reads(op: Op, index: number, node: Node): void {
    if (ignoresShift(op, index, node)) return;
    const takes = (reader: Node) => {
      const claims = reader.way === undefined ? [] : zeroClaims(reader.way);
      return claims.some(({ operand, rows }) => operand === index && this.get(node.value, rows) === node);
    };
    const reader = this.byValue.get(op.result)?.find(takes);
    if (reader === undefined) block(node, `is read by ${quotedOp(op)}`);
    else node.readers.push(reader);
  }
}

function block(node: Node, who: string): void {
  node.blocked ??= `${quoted(node.value)} ${who}, which depends on shifts of its rows`;
}

/** Whether the result of the op does not change if operand `index` is shifted by a value constant along the node's axes. */
function ignoresShift(op: Op, index: number, { value, rows }: Node): boolean {
  if (ops[op.name].facts.ignoresShift !== true || index !== 0 || !isPlain(rows)) return false;
  return ownRows(value, { axes: attribute.axes(op.attributes) }).axes.every((axis) => rows.axes.includes(axis));
}

/** For each node, why the nearest blocked node among itself and those that it leads to is blocked. */
type NearestBlocked = ReadonlyMap<Node, string>;

/** @param from the nodes that lead to a node. */
function nearestBlocked(nodes: readonly Node[], from: (node: Node) => readonly Node[]): NearestBlocked {
  const nearest = new Map<Node, string>();
  // First operands were found last.
  for (const node of nodes.toReversed()) if (node.blocked !== undefined) nearest.set(node, node.blocked);
  for (const [node, why] of nearest) {
    for (const before of from(node)) if (!nearest.has(before)) nearest.set(before, why);
  }
  return nearest;
}
