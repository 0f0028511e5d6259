/**
 * Where an element of a buffer lies: its index as a function of the row and the column unit.
 *
 * - stride: how far apart in the buffer, in elements, two neighbours along an atom are.
 * - unit: what one lane handles at a time: `width` neighbours along the last atom that is walked (the vector atom).
 */

import { type Atom, leavesOf } from "../src/ir/atoms.ts";
import type { DimAtoms } from "../src/ir/iteration.ts";
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
import { divide, type Expression, equals, remainder } from "./kernel/expression.ts";

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

/**
 * Whether `vector` is the last axis of a buffer with these dimensions, or the buffer does not differ along it. An axis of
 * extent 1 behind it counts: it may be one of rows, of which there may be more another time.
 */
export function isLastAxis(vector: Atom, dims: DimAtoms): boolean {
  const holds = dims.findIndex((atoms) => leavesOf(atoms).includes(vector));
  return holds === -1 || holds === dims.length - 1;
}

/** Whether units of `width` along `vector` are neighbours in the buffer, and aligned. */
export function isVectorizable(strides: Strides, vector: Atom, width: number): boolean {
  return [...strides].every(([atom, stride]) =>
    atom === vector ? known(stride) === 1 : dividedBy(stride, width) !== undefined,
  );
}

/** The strides in units: those of a buffer whose elements are vectors. */
export function inUnits(strides: Strides, vector: Atom, width: number): Strides {
  const scale = (atom: Atom, stride: Extent) => (atom === vector ? stride : (dividedBy(stride, width) as Extent));
  return new Map([...strides].map(([atom, stride]) => [atom, scale(atom, stride)]));
}

/** Neighbouring axes of the walk that are also neighbours in the buffer: they are walked as one. */
interface Run {
  readonly extent: Extent;
  readonly stride: Extent;
  /** How many steps of the walk one step of the run takes. */
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

/** `(index / inner) % extent`, without the parts that change nothing. */
function coordinate({ inner, extent, isFirst }: Run, index: Expression): Expression {
  const quotient = known(inner) === 1 ? index : divide(index, divisorValue(inner));
  return isFirst ? quotient : remainder(quotient, divisorValue(extent));
}

/** Terms whose sum is the part of an element's index that `index`, the position in the walk along `axes`, decides. */
export function indexAlong(strides: Strides, axes: readonly Axis[], index: Expression): readonly Expression[] {
  return runsOf(strides, axes).map((run) => timesExtent(coordinate(run, index), run.stride));
}

/** Conditions that all hold where every axis of the walk that the buffer lacks stands at 0; none if it lacks none. */
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
