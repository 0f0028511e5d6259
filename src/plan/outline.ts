/**
 * Makes a plan of a function whose ops are grouped into kernels: each group becomes a function of its own.
 *
 *   fn f(x) -> (y) { kernel { let a = exp(x) }  kernel { let y = sum(a) } }
 *   ->
 *   alloc a;  launch f_1(x) -> (a);  launch f_2(a) -> (y);  free a
 *
 * An op that no kernel computes, such as a matrix product, is an opaque step between launches. It reads and writes buffers
 * through reshapes (src/ir/opaque.ts).
 *
 * A value that several kernels need is stored by the kernel that computes it. A later kernel may read the buffer of a result. A
 * parameter or constant that the function returns unchanged is copied by a kernel of its own.
 */

import { FreshNames } from "../ir/fresh-names.ts";
import { grouped } from "../ir/groups.ts";
import { type Fn, isLeaf, type Op, presentOperands, type Value } from "../ir/ir.ts";
import { firstMismatch } from "../ir/iteration.ts";
import { lastSums, type MixedOrder, mixedOrder } from "../ir/mixed-order.ts";
import { isOpaque, type Memory } from "../ir/opaque.ts";
import { reservedWords } from "../ir/print.ts";
import { splitRows } from "./long-rows.ts";
import { finish } from "./memory.ts";
import { mixedPieces } from "./mixed.ts";
import { Buffers, Outliner, type Piece, type Write } from "./outliner.ts";
import { valuesOf } from "./pieces.ts";
import { type Launch, launchesOf, type OpaqueStep, type Plan } from "./plan.ts";
import { splitGroup } from "./split.ts";

/**
 * The plan of a function whose ops are all in kernels, or are ops that no kernel computes.
 * @param taken names of other functions, which outlined functions must not reuse.
 */
export function outline(
  fn: Fn,
  taken: Iterable<string> = [],
  { split = true, longRow = Infinity, longColumn = 0, isUnknownLong = false }: OutlineOptions = {},
): Plan {
  const outliner = new Outliner(fn, new FreshNames([...reservedWords, ...taken, fn.name]));
  const { memory } = outliner.buffers;
  const groups = groupsOf(fn, memory);
  const needed = neededOutside(groups, memory);
  const isLast = lastSums(fn);
  const calls = groups.flatMap((ops): (Launch | OpaqueStep)[] => {
    const [first] = ops as [Op];
    if (isOpaque(first)) return outliner.opaque(first);
    const writes = outliner.writesOf(ops, needed);
    const how = { split, longRow, longColumn, isUnknownLong, isLast };
    return piecesOf(ops, writes, outliner, how).map((piece) => outliner.launch(piece));
  });
  const copied = fn.results.filter(({ value }) => value.def === undefined || isLeaf(value.def));
  const copies = copied.map((result) =>
    outliner.launch({ ops: [], writes: [{ buffer: outliner.buffers.ofResult(result), value: result.value }] }),
  );
  return finish(fn, outliner.extents, [...calls, ...copies], outliner.buffers.again);
}

/** The kernels of a group of ops. */
function piecesOf(
  ops: readonly Op[],
  writes: readonly Write[],
  outliner: Outliner,
  how: Required<OutlineOptions> & { readonly isLast: (op: Op) => boolean },
): readonly Piece[] {
  const { split, longRow, isLast } = how;
  const long = longRow === Infinity ? undefined : splitRows(ops, writes, outliner, longRow);
  if (long !== undefined) return long;
  const stored = valuesOf(writes);
  const found = firstMismatch(ops) === undefined ? undefined : mixedOrder(ops, stored, isLast);
  const mixed = found === "never" ? undefined : found;
  if (mixed === undefined) {
    return (split ? splitGroup(ops, writes, outliner, how) : undefined) ?? [{ ops, writes }];
  }
  const pieces = (split ? mixedPieces(mixed, writes, outliner) : undefined) ?? wholeSums(mixed, writes, outliner);
  return [...pieces.slice(0, -1), ...apart(pieces.at(-1) as Piece, outliner)];
}

/**
 * Splits the piece that merges sums into several kernels if its ops reduce different axes. Each op goes into the first kernel that
 * accepts it, not before those of its operands. More kernels cost little here, as the piece is small compared with what is summed.
 */
function apart(piece: Piece, outliner: Outliner): readonly Piece[] {
  if (firstMismatch(piece.ops) === undefined) return [piece];
  const kernels: Op[][] = [];
  const kernelOf = new Map<Value, number>();
  for (const op of piece.ops) {
    // Each kernel gets its own copies of constants.
    if (isLeaf(op)) continue;
    const from = Math.max(0, ...presentOperands(op).map((value) => kernelOf.get(value) ?? 0));
    const found = kernels.findIndex((ops, i) => i >= from && firstMismatch([...ops, op]) === undefined);
    const at = found < 0 ? kernels.length : found;
    kernels[at] = [...(kernels[at] ?? []), op];
    for (const result of op.results) kernelOf.set(result, at);
  }
  return kernels.map((ops, i) => {
    const own = piece.writes.filter(({ value }) => kernelOf.get(value) === i);
    const later = kernels.slice(i + 1).flatMap((others) => others.flatMap(presentOperands));
    const read = new Set(later.filter((value) => kernelOf.get(value) === i));
    for (const { value, buffer } of own) {
      outliner.buffers.keep(value, buffer);
      read.delete(value);
    }
    return { ops, writes: [...own, ...[...read].map((value) => ({ buffer: outliner.buffers.of(value), value }))] };
  });
}

/** A kernel that computes the summed values, and a kernel that sums them. */
function wholeSums({ body, sums, after }: MixedOrder, writes: readonly Write[], outliner: Outliner): readonly Piece[] {
  const own = new Set(body.flatMap((op) => op.results));
  const early = writes.filter(({ value }) => own.has(value));
  const summed = new Set(sums.map((op) => op.operand(0)).filter((value) => own.has(value)));
  for (const { value } of early) summed.delete(value);
  const between = [...summed].map((value) => ({ buffer: outliner.buffers.of(value), value }));
  return [
    { ops: body, writes: [...early, ...between] },
    { ops: [...sums, ...after], writes: writes.filter(({ value }) => !own.has(value)) },
  ];
}

/** How reductions are split. */
export interface OutlineOptions {
  /** Whether large reductions over rows become kernels over tiles of rows and kernels that merge the tiles. */
  readonly split?: boolean;
  /** A column is split only if it is known to have at least this many elements; with 0, the default, always. */
  readonly longColumn?: number;
  /** Whether columns of unknown length are long, however few there are. Otherwise they are taken to have 1024 elements. */
  readonly isUnknownLong?: boolean;
  /** A row is split into parts only if it is known to have at least this many elements; by default never. */
  readonly longRow?: number;
}

/** The plan of a function that is one kernel, with its reductions split; `undefined` if no reduction is worth splitting. */
export function splitOne(fn: Fn, taken: Iterable<string>, options: OutlineOptions): Plan | undefined {
  const [split, whole] = [options, {}].map((one) => outline(fn, taken, { split: false, ...one })) as [Plan, Plan];
  return launchesOf(split).length > launchesOf(whole).length ? split : undefined;
}

/** The plan of a function that is one kernel. */
export function planOfOne(fn: Fn): Plan {
  const buffers = new Buffers(fn);
  const reads = fn.params.map((param) => buffers.of(param));
  return finish(fn, [], [{ kind: "launch", fn, reads, writes: fn.results.map((result) => buffers.ofResult(result)) }]);
}

/** The ops of each kernel, in order; an op that no kernel computes is a group of its own. */
function groupsOf(fn: Fn, memory: Memory): (readonly Op[])[] {
  return [...grouped(memory.work(fn), (op): number | Op => op.kernel ?? op).values()];
}

/** Values that are read by another group than the one that computes them. */
function neededOutside(groups: readonly (readonly Op[])[], memory: Memory): Set<Value> {
  const needed = new Set<Value>();
  for (const group of groups) {
    const own = new Set(group.flatMap((op) => op.results));
    for (const op of group) for (const value of memory.operands(op)) if (!own.has(value)) needed.add(value);
  }
  return needed;
}
