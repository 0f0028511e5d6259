/**
 * Sums over rows in a kernel that also computes each row: a team of lanes iterates over the rows of a tile, and each lane adds
 * the elements of its columns to sums of its own, which it stores after the last row. No lane needs another's sums.
 *
 *   for each row of the tile:
 *     reduce the row, store its results
 *     sums[step] += d_y * y                    the lane's columns
 *   store the sums
 *
 * Tiles are short (src/plan/mixed.ts), so that a sum passes through few additions. Teams that share a workgroup all take the
 * same number of turns, since merges of lanes have barriers; a turn beyond the last row adds 0.
 *
 * On a GPU, a lane has its sums in registers, in an array with an element for each step. On a processor it adds to them where
 * they are stored, in its caches: SwiftShader takes many seconds to compile long arrays private to a lane.
 */

import type { Atom } from "../src/ir/atoms.ts";
import { grouped } from "../src/ir/groups.ts";
import {
  add,
  allOf,
  binary,
  call,
  construct,
  count,
  dimension,
  divide,
  type Expression,
  item,
  multiply,
  remainder,
  select,
  subtract,
  type Variable,
  widened,
} from "../src/kernel/expression.ts";
import type { Running, RunningReduction } from "../src/kernel/running.ts";
import { target } from "../src/kernel/statement.ts";
import { f32 } from "../src/kernel/types.ts";
import { laneType } from "./expression.ts";
import { divisorValue, type Extent, extentOf, extentValue, known, times, timesExtent } from "./extent.ts";
import type { TiledRows, TileSum } from "./graph.ts";
import { hintOf, makeStrip, Place, type PlaceContext, type Strip } from "./place.ts";

/** The axes by which teams of lanes are numbered: tiles, and the rows that are not summed. */
export const teamsOf = ({ tiles, before, behind }: TiledRows): readonly Atom[] => [tiles, ...before, ...behind];

const extentOfAll = (atoms: readonly Atom[]): Extent => times(...atoms.map(({ extent }) => extentOf(extent)));

export class TileSums {
  private readonly context: PlaceContext;
  private readonly tiled: TiledRows;
  private readonly arrays = new Map<TileSum, Variable>();
  /** The results of each reduction, by the first of them. */
  private readonly groups: ReadonlyMap<TileSum, readonly TileSum[]>;
  /** For each row of the turn: one over the number of the tile's rows up to it. */
  private inverses: readonly Expression[] = [];
  /** The tile as a row, in which sums are stored. */
  private strip: Strip | undefined;

  constructor(context: PlaceContext, tiled: TiledRows) {
    this.context = context;
    this.tiled = tiled;
    const byOp = grouped(tiled.sums, ({ node }) => node.op);
    this.groups = new Map([...byOp.values()].map((group) => [group[0] as TileSum, group]));
  }

  private name(value: string, of: Expression): Expression {
    const { to, names } = this.context;
    return to.define(names.define(value), of);
  }

  /** @param writeRows computes the rows of one iteration, given its number, which starts at 0. */
  write(team: Expression, writeRows: (rows: readonly Strip[], turn: Expression) => void): void {
    const { schedule, tile, to } = this.context;
    const { rowsPerLane } = schedule;
    const { before, behind, summed } = this.tiled;
    const total = extentValue(extentOfAll(teamsOf(this.tiled)));
    const isTile = this.name("isTile", binary("<", team, total));
    const index = this.name("tileIndex", call("min", team, subtract(call("max", total, count(1)), 1)));
    const [outer, inner] = [extentOfAll(before), extentOfAll(behind)];
    const [first, ...others] = summed.map(({ extent }) => extentOf(extent)) as [Extent, ...Extent[]];
    const perCut = times(...others);
    const rows = timesExtent(extentValue(first), perCut);
    const size = timesExtent(dimension((tile as NonNullable<typeof tile>).size), perCut);
    const within = known(inner) === 1 ? index : divide(index, divisorValue(inner));
    const number = known(outer) === 1 ? within : divide(within, divisorValue(outer));
    const start = this.name("tileStart", multiply(number, size));
    const end = this.name("tileEnd", call("min", add(start, size), rows));
    // The row of the iteration space at position 0 of the summed axes, as terms.
    const offsets = [
      ...(known(outer) === 1 ? [] : [timesExtent(multiply(remainder(within, divisorValue(outer)), rows), inner)]),
      ...(known(inner) === 1 ? [] : [remainder(index, divisorValue(inner))]),
    ];
    const offset =
      offsets.length === 0
        ? undefined
        : this.name(
            "tileRow",
            offsets.reduce((a, b) => add(a, b)),
          );
    this.strip = makeStrip(team, index, isTile);
    for (const group of this.groups.values()) this.declare(group);
    const own = select(count(0), subtract(end, start), isTile);
    const turns = this.name("turns", this.isAlone ? own : call("min", size, rows));
    to.loop("turn", count(0), turns, rowsPerLane, (turn) => {
      const strips = Array.from({ length: rowsPerLane }, (_, i): Strip => {
        const named = (name: string, value: Expression) => (i === 0 ? to.define(name, value) : this.name(name, value));
        const at = this.name("at", i === 0 ? add(start, turn) : add(add(start, turn), i));
        const rowOf = (of: Expression) => {
          const along = timesExtent(of, inner);
          return offset === undefined ? along : add(along, offset);
        };
        // The only team of a workgroup takes no turn without a row.
        if (this.isAlone && i === 0) return makeStrip(named("index", rowOf(at)));
        const isIn = [...(this.isAlone ? [] : [isTile]), binary("<", at, end)];
        const isRow = named("isRow", allOf(isIn) as Expression);
        const row = named("row", rowOf(call("min", at, subtract(rows, 1))));
        return makeStrip(named("index", rowOf(at)), row, isRow);
      });
      const counted = this.tiled.sums.some(({ running }) => running.merge === undefined) ? strips : [];
      this.inverses = counted.map((_, i) => this.name("seen", inverseOf(add(turn, i + 1))));
      writeRows(strips, rowsPerLane === 1 ? turn : divide(turn, rowsPerLane));
    });
    this.storeAll(own);
  }

  private declare(group: readonly TileSum[]): void {
    const { to, schedule } = this.context;
    const [{ running, node }] = group as readonly [TileSum];
    const type = laneType(node.value.element, schedule.width);
    const zero = running.identity(type);
    if (this.isStored) {
      this.eachUnit((_, unit) => this.store(group, unit, () => zero));
      return;
    }
    for (const [i, sum] of group.entries()) {
      const { name = "sum" } = sum.node.value;
      const array = to.array(this.context.names.define(`${name}_tile`), type, schedule.steps as number);
      this.arrays.set(sum, array);
      this.eachStep((step) => to.assign(target(array, step), zero[i] as Expression));
    }
  }

  /** Whether sums are accumulated in their result buffers. */
  private get isStored(): boolean {
    return this.context.cacheIsMemory && this.isAlone;
  }

  /** Whether the team is the only one in its workgroup. */
  private get isAlone(): boolean {
    const { rowsPerWorkgroup, rowsPerLane } = this.context.schedule;
    return rowsPerWorkgroup === rowsPerLane;
  }

  private eachStep(write: (step: Expression) => void): void {
    this.context.to.loop("step", count(0), count(this.context.schedule.steps as number), 1, write);
  }

  private eachUnit(write: (step: Expression, unit: Expression) => void): void {
    const { to, lane, schedule } = this.context;
    const { lanes, units, steps } = schedule;
    this.eachStep((step) => {
      const unit = to.define("unit", lanes === 1 ? step : add(multiply(step, lanes), lane()));
      const isWhole = known(units) === (steps as number) * lanes;
      to.when(isWhole ? undefined : binary("<", unit, known(units) as number), () => write(step, unit));
    });
  }

  /** Adds the current rows to the sums of a lane's columns: all results of a reduction when called with its first. */
  add(sum: TileSum, rows: readonly Place[], step: Expression, unit: Expression): void {
    const group = this.groups.get(sum);
    if (group === undefined) return;
    const { merge } = sum.running;
    this.context.to.at(sum.node.value.span, () => {
      if (merge === undefined) this.addEach(group, rows, step, unit);
      else this.addMerged(sum, merge, rows, step, unit);
    });
  }

  private elementIn(sum: TileSum, place: Place): Expression {
    return widened(place.argument(sum.operand).value, this.context.schedule.width);
  }

  private addMerged(
    sum: TileSum,
    merge: NonNullable<RunningReduction["merge"]>,
    rows: readonly Place[],
    step: Expression,
    unit: Expression,
  ): void {
    const { to } = this.context;
    const values = rows.map((place) => {
      const value = this.elementIn(sum, place);
      const isRow = place.strip?.isRow;
      return isRow === undefined ? value : select(sum.running.identity(value.type)[0] as Expression, value, isRow);
    });
    const all = pairwise(values, merge);
    const array = this.arrays.get(sum);
    if (array === undefined) {
      this.store([sum], unit, ([before]) => [merge(before as Expression, all)], true);
      return;
    }
    const before = item(array, step);
    const merged = merge(before, all);
    const isAdded = merged.kind === "binary" && merged.operator === "+" && merged.left === before;
    to.assign(target(array, step), isAdded ? all : merged, isAdded ? "+" : undefined);
  }

  /** Adds one row after the other. */
  private addEach(group: readonly TileSum[], rows: readonly Place[], step: Expression, unit: Expression): void {
    const { to } = this.context;
    const [sum] = group as readonly [TileSum];
    const elements = rows.map((place) => this.elementIn(sum, place));
    const after = (before: Running): Running => {
      const state = before.map((value, i) =>
        to.variable(this.context.names.define(hintOf((group[i] as TileSum).node)), value),
      );
      for (const [i, element] of elements.entries()) {
        to.when(rows[i]?.strip?.isRow, () => {
          const next = sum.running.step(state, element, this.inverses[i] as Expression);
          const values = next.map((value) => this.name("next", value));
          for (const [j, value] of values.entries()) to.assign(state[j] as Expression, value);
        });
      }
      return state;
    };
    const arrays = group.map((one) => this.arrays.get(one));
    if (arrays.includes(undefined)) {
      this.store(group, unit, after, true);
      return;
    }
    to.scope(() => {
      const state = after(arrays.map((array) => item(array as Variable, step)));
      for (const [i, array] of arrays.entries()) to.assign(target(array as Variable, step), state[i] as Expression);
    });
  }

  /** @param rows the number of rows in the tile. */
  private storeAll(rows: Expression): void {
    const groups = [...this.groups].filter(([{ running }]) => !this.isStored || running.finish !== undefined);
    if (groups.length === 0) return;
    const isCounted = groups.some(([{ running }]) => running.finish !== undefined);
    const inverse = isCounted ? this.name("inverse", inverseOf(call("max", rows, count(1)))) : undefined;
    this.eachUnit((step, unit) => {
      for (const [{ running }, group] of groups) {
        const finish = (state: Running) => running.finish?.(state, inverse as Expression) ?? state;
        const kept = group.flatMap((sum) => this.arrays.get(sum) ?? []);
        if (kept.length === 0) this.store(group, unit, finish);
        else this.store(group, unit, () => finish(kept.map((array) => item(array, step))));
      }
    });
  }

  /** @param isMore whether `after` reads the stored values. */
  private store(
    group: readonly TileSum[],
    unit: Expression,
    after: (before: Running) => Running,
    isMore = false,
  ): void {
    const { schedule } = this.context;
    const rows = teamsOf(this.tiled).map((atom) => ({ atom, extent: extentOf(atom.extent) }));
    const context: PlaceContext = { ...this.context, schedule: { ...schedule, rows } };
    // A team that is alone takes turns only if it has a tile.
    const isSure = isMore && this.isAlone;
    const strip = this.strip && { ...this.strip, ...(isSure && { isRow: undefined }) };
    new Place(context, { names: this.context.names, strip, unit }, []).update(group, after);
  }
}

/** One over a count, in f32. */
const inverseOf = (of: Expression): Expression => divide(1, construct(f32, of));

function pairwise(values: readonly Expression[], merge: (a: Expression, b: Expression) => Expression): Expression {
  if (values.length === 1) return values[0] as Expression;
  const half = Math.ceil(values.length / 2);
  return merge(pairwise(values.slice(0, half), merge), pairwise(values.slice(half), merge));
}
