/**
 * The index of an element in a buffer, as a function of the row and the column unit.
 *
 * - stride: the distance in the buffer, in elements, between two neighbours along an atom.
 * - unit: `width` consecutive elements along the innermost atom (the vector atom), which a lane processes at a time.
 */

import { type Atom, leavesOf } from "../src/ir/atoms.ts";
import type { DimAtoms } from "../src/ir/iteration.ts";
import { divide, type Expression, equals, remainder } from "../src/kernel/expression.ts";
import {
  dividedBy,
  divisorValue,
  type Extent,
  extentOf,
  known,
  one,
  sameExtent,
  times,
  timesExtent,
} from "./extent.ts";
import type { Along, Moves } from "./nodes.ts";
import { isAligned, strideAlong } from "./place-along.ts";

export interface Axis {
  readonly atom: Atom;
  readonly extent: Extent;
}

export type Strides = ReadonlyMap<Atom, Extent>;

/** The strides of a row-major buffer with these dimensions. */
export function stridesOf(dims: DimAtoms): Strides {
  const strides = new Map<Atom, Extent>();
  let stride = one;
  for (const atom of leavesOf(dims.flat()).reverse()) {
    strides.set(atom, stride);
    stride = times(stride, extentOf(atom.extent));
  }
  return strides;
}

/** How a buffer is read or written: its dimensions in the iteration space, and its indices along axes outside it. */
export interface Use {
  readonly dims: DimAtoms;
  readonly moves?: Moves;
}

/** Whether a tensor has one unit for each row, in the order of the rows. */
export function liesAsRows({ dims, moves }: Use, rows: readonly Atom[]): boolean {
  const atoms = leavesOf(dims.flat());
  return moves === undefined && atoms.length === rows.length && atoms.every((atom, i) => atom === rows[i]);
}

/** The index along an atom of the buffer. */
const placeOf = ({ moves }: Use, atom: Atom): Along => moves?.get(atom) ?? { kind: "atom", atom };

/**
 * Whether `vector` is the last axis of the buffer, or the buffer does not vary along it. An axis of extent 1 after it
 * counts as an axis: it may be the rows of another call.
 */
export function isLastAxis(vector: Atom, use: Use): boolean {
  const axis = axisOf(vector, use);
  return axis === undefined || axis === use.dims.length - 1;
}

/** The first axis of the buffer whose index depends on the vector atom, if there is one. */
export function axisOf(vector: Atom, use: Use): number | undefined {
  const differs = (atom: Atom) => strideAlong(placeOf(use, atom), vector, 1) !== 0;
  const axis = use.dims.findIndex((atoms) => leavesOf(atoms).some(differs));
  return axis < 0 ? undefined : axis;
}

/**
 * What a lane reads for a unit of `width` along `vector`: an aligned vector of the buffer (`unit`), or one element for all
 * (`element`). `undefined` if it is neither.
 */
export function accessOf(use: Use, vector: Atom, width: number): "unit" | "element" | undefined {
  let isUnit = false;
  const others: Extent[] = [];
  for (const [atom, stride] of stridesOf(use.dims)) {
    const place = placeOf(use, atom);
    const along = strideAlong(place, vector, width);
    if (along === 0) others.push(stride);
    else if (along === 1 && known(stride) === 1 && isAligned(place, vector, width)) isUnit = true;
    else return undefined;
  }
  if (!isUnit) return "element";
  return others.every((stride) => dividedBy(stride, width, vector.extent) !== undefined) ? "unit" : undefined;
}

/** A term of an index: a position along an axis outside the iteration space, and its stride. */
interface MovedTerm {
  readonly place: Along;
  readonly stride: Extent;
  /** Whether the position is counted in units. */
  readonly inUnits: boolean;
}

/**
 * The strides of a use along atoms of the iteration space, and its terms along other axes.
 * @param unit the vector atom and the width, if the index counts units.
 */
export function splitUse(
  use: Use,
  unit: { readonly vector: Atom; readonly width: number } | undefined,
): { readonly strides: Strides; readonly moved: readonly MovedTerm[] } {
  const strides = new Map<Atom, Extent>();
  const moved: MovedTerm[] = [];
  for (const [atom, stride] of stridesOf(use.dims)) {
    const place = placeOf(use, atom);
    const inUnits = unit !== undefined && strideAlong(place, unit.vector, unit.width) === 1;
    const scaled =
      unit === undefined || inUnits ? stride : (dividedBy(stride, unit.width, unit.vector.extent) as Extent);
    if (use.moves?.has(atom)) moved.push({ place, stride: scaled, inUnits });
    else strides.set(atom, scaled);
  }
  return { strides, moved };
}

/** Adjacent axes of the iteration space that are also adjacent in the buffer, and so are collapsed into one. */
interface Run {
  readonly extent: Extent;
  readonly stride: Extent;
  /** The number of iterations for each step along the run. */
  readonly inner: Extent;
  readonly isFirst: boolean;
}

function runsOf(strides: Strides, axes: readonly Axis[]): Run[] {
  const runs: Run[] = [];
  let inner = one;
  let open: Run | undefined;
  for (const [i, { atom, extent }] of [...axes.entries()].reverse()) {
    const stride = strides.get(atom);
    const isFirst = i === 0;
    if (stride === undefined) open = undefined;
    else if (open !== undefined && sameExtent(stride, times(open.stride, open.extent))) {
      open = { ...open, extent: times(open.extent, extent), isFirst };
      runs[0] = open;
    } else {
      open = { extent, stride, inner, isFirst };
      runs.unshift(open);
    }
    inner = times(inner, extent);
  }
  return runs;
}

/** `(index / inner) % extent`, without a division or remainder that changes nothing. */
function coordinate({ inner, extent, isFirst }: Run, index: Expression): Expression {
  const quotient = known(inner) === 1 ? index : divide(index, divisorValue(inner));
  return isFirst ? quotient : remainder(quotient, divisorValue(extent));
}

/** Terms whose sum is the part of an element's index determined by `index`, the position along `axes`. */
export function indexAlong(strides: Strides, axes: readonly Axis[], index: Expression): readonly Expression[] {
  return runsOf(strides, axes).map((run) => timesExtent(coordinate(run, index), run.stride));
}

/** Conditions under which every axis that the buffer lacks is at 0; empty if it has all axes. */
export function onceAlong(strides: Strides, axes: readonly Axis[], index: Expression): readonly Expression[] {
  const lacks = axes.map(({ atom }) => !strides.has(atom));
  if (!lacks.includes(true)) return [];
  if (!lacks.includes(false)) return [equals(index, 0)];
  const conditions: Expression[] = [];
  let inner = one;
  for (const [i, { extent }] of [...axes.entries()].reverse()) {
    const run = { extent, stride: one, inner, isFirst: i === 0 };
    if (lacks[i] === true) conditions.push(equals(coordinate(run, index), 0));
    inner = times(inner, extent);
  }
  return conditions;
}
