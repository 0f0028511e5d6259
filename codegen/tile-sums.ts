/**
 * Sums over rows in a kernel that also computes each row: a team of lanes iterates over the rows of a tile, and each lane adds
 * what it has of its columns to sums of its own, which it stores behind the last row. No lane needs another's.
 *
 *   for each row of the tile:
 *     reduce the row, write what becomes of it
 *     sums[step] += d_y * y                    the lane's columns
 *   store the sums
 *
 * Tiles are short (src/plan/mixed.ts), so that a sum passes through few additions. Where several teams share a workgroup all of
 * them take as many turns, since merges of lanes have barriers; rows that there are not add 0.
 *
 * A GPU's lanes have the sums in registers, in an array of so many steps. A processor's add to them where they are stored, in its
 * caches: SwiftShader takes many seconds to compile long arrays of a lane's own.
 */

import type { Atom } from "../src/ir/atoms.ts";
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
import { grouped } from "./loops.ts";
import type { Names } from "./names.ts";
import { hintOf, Place, type PlaceContext, type Strip } from "./place.ts";

/** What teams of lanes are numbered by: tiles, and the rows that these do not sum over. */
export const teamsOf = ({ tiles, before, behind }: TiledRows): readonly Atom[] => [tiles, ...before, ...behind];

const extentOfAll = (atoms: readonly Atom[]): Extent => times(...atoms.map(({ extent }) => extentOf(extent)));

export class TileSums {
  private readonly context: PlaceContext;
  private readonly tiled: TiledRows;
  private readonly names: Names;
  private readonly arrays = new Map<TileSum, Variable>();
  /** The results of each reduction, by its first. */
  private readonly groups: ReadonlyMap<TileSum, readonly TileSum[]>;
  /** Of each row at hand: one over how many rows of the tile there were with it. */
  private inverses: readonly Expression[] = [];
  /** Where sums are stored: the tile as a row. */
  private strip: Strip | undefined;

  constructor(context: PlaceContext, tiled: TiledRows, names: Names) {
    this.context = context;
    this.tiled = tiled;
    this.names = names;
    const byOp = grouped(tiled.sums, ({ node }) => node.op);
    this.groups = new Map([...byOp.values()].map((group) => [group[0] as TileSum, group]));
  }

  private name(value: string, of: Expression): Expression {
    return this.context.to.define(this.names.define(value), of);
  }

  /** @param writeRows of some rows of the tile. */
  write(team: Expression, writeRows: (rows: readonly Strip[]) => void): void {
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
    // The row that is the tile's row 0.
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
    const tileMaps = { parts: new Map(), accumulatorOf: new Map(), caches: new Map() };
    this.strip = { index: team, row: index, isRow: isTile, ...tileMaps };
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
        const maps = { parts: new Map(), accumulatorOf: new Map(), caches: new Map() };
        // A team alone takes no turn without a row.
        if (this.isAlone && i === 0) {
          const index = named("index", rowOf(at));
          return { index, row: index, isRow: undefined, ...maps };
        }
        const isIn = [...(this.isAlone ? [] : [isTile]), binary("<", at, end)];
        const isRow = named("isRow", allOf(isIn) as Expression);
        const row = named("row", rowOf(call("min", at, subtract(rows, 1))));
        return { index: named("index", rowOf(at)), row, isRow, ...maps };
      });
      const counted = this.tiled.sums.some(({ running }) => running.merge === undefined) ? strips : [];
      this.inverses = counted.map((_, i) => this.name("seen", inverseOf(add(turn, i + 1))));
      writeRows(strips);
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
      const array = to.array(this.names.define(`${name}_tile`), type, schedule.steps as number);
      this.arrays.set(sum, array);
      this.eachStep((step) => to.assign(target(array, step), zero[i] as Expression));
    }
  }

  /** Whether lanes have their sums where they are stored. */
  private get isStored(): boolean {
    return this.context.cacheIsMemory && this.isAlone;
  }

  /** Whether no other team of lanes is in the workgroup. */
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

  /** The contributions of the current rows to a lane's columns, for all results of a reduction with its first. */
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

  /** One row after the other. */
  private addEach(group: readonly TileSum[], rows: readonly Place[], step: Expression, unit: Expression): void {
    const { to } = this.context;
    const [sum] = group as readonly [TileSum];
    const elements = rows.map((place) => this.elementIn(sum, place));
    const after = (before: Running): Running => {
      const state = before.map((value, i) => to.variable(this.names.define(hintOf((group[i] as TileSum).node)), value));
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

  /** @param rows of the tile. */
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

  /** @param isMore whether `after` reads what is there. */
  private store(
    group: readonly TileSum[],
    unit: Expression,
    after: (before: Running) => Running,
    isMore = false,
  ): void {
    const { schedule } = this.context;
    const rows = teamsOf(this.tiled).map((atom) => ({ atom, extent: extentOf(atom.extent) }));
    const context: PlaceContext = { ...this.context, schedule: { ...schedule, rows } };
    // In a turn of a team alone there is a tile.
    const isSure = isMore && this.isAlone;
    const strip = this.strip && { ...this.strip, ...(isSure && { isRow: undefined }) };
    new Place(context, { names: this.names, strip, unit }, []).update(group, after);
  }
}

/** One over a count. */
const inverseOf = (of: Expression): Expression => divide(1, construct(f32, of));

function pairwise(values: readonly Expression[], merge: (a: Expression, b: Expression) => Expression): Expression {
  if (values.length === 1) return values[0] as Expression;
  const half = Math.ceil(values.length / 2);
  return merge(pairwise(values.slice(0, half), merge), pairwise(values.slice(half), merge));
}
