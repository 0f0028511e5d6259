/**
 * Sums over rows beside what a kernel computes of each row: a team of lanes walks over the rows of a tile, and each lane adds
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
  count,
  dimension,
  divide,
  type Expression,
  item,
  literal,
  multiply,
  remainder,
  select,
  subtract,
  type Variable,
  widened,
} from "../src/kernel/expression.ts";
import { target } from "../src/kernel/statement.ts";
import type { Type } from "../src/kernel/types.ts";
import { laneType } from "./expression.ts";
import { divisorValue, type Extent, extentOf, extentValue, known, times, timesExtent } from "./extent.ts";
import type { TiledRows, TileSum } from "./graph.ts";
import type { Names } from "./names.ts";
import { Place, type PlaceContext, type Strip } from "./place.ts";

/** What teams of lanes are numbered by: tiles, and the rows that these do not sum over. */
export const teamsOf = ({ tiles, before, behind }: TiledRows): readonly Atom[] => [tiles, ...before, ...behind];

const extentOfAll = (atoms: readonly Atom[]): Extent => times(...atoms.map(({ extent }) => extentOf(extent)));

export class TileSums {
  private readonly context: PlaceContext;
  private readonly tiled: TiledRows;
  private readonly names: Names;
  private readonly arrays = new Map<TileSum, Variable>();
  /** Where sums are stored: the tile as a row. */
  private strip: Strip | undefined;

  constructor(context: PlaceContext, tiled: TiledRows, names: Names) {
    this.context = context;
    this.tiled = tiled;
    this.names = names;
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
    // The row of the walk that is the tile's row 0.
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
    const tileMaps = { parts: new Map(), foldOf: new Map(), caches: new Map() };
    this.strip = { index: team, row: index, isRow: isTile, ...tileMaps };
    for (const sum of this.tiled.sums) this.declare(sum);
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
        const maps = { parts: new Map(), foldOf: new Map(), caches: new Map() };
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
      writeRows(strips);
    });
    this.storeAll();
  }

  private declare(sum: TileSum): void {
    const { to, schedule } = this.context;
    const { element, name = "sum" } = sum.node.value;
    const type = laneType(element, schedule.width);
    const zero = identityOf(sum, type);
    if (this.isStored) {
      this.eachUnit((_, unit) => this.store(sum, unit, zero));
      return;
    }
    const array = to.array(this.names.define(`${name}_tile`), type, schedule.steps as number);
    this.arrays.set(sum, array);
    this.eachStep((step) => to.assign(target(array, step), zero));
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

  /** What the rows at hand have of a lane's columns. */
  add(sum: TileSum, rows: readonly Place[], step: Expression, unit: Expression): void {
    const { to, schedule } = this.context;
    const values = rows.map((place) => {
      const value = widened(place.argument(sum.operand).value, schedule.width);
      const isRow = place.strip?.isRow;
      return isRow === undefined ? value : select(identityOf(sum, value.type), value, isRow);
    });
    const { merge } = sum.reduction;
    const all = pairwise(values, merge);
    const array = this.arrays.get(sum);
    to.at(sum.node.value.span, () => {
      if (array === undefined) return this.store(sum, unit, all, true);
      const before = item(array, step);
      const merged = merge(before, all);
      const isAdded = merged.kind === "binary" && merged.operator === "+" && merged.left === before;
      return to.assign(target(array, step), isAdded ? all : merged, isAdded ? "+" : undefined);
    });
  }

  private storeAll(): void {
    if (this.isStored) return;
    this.eachUnit((step, unit) => {
      for (const [sum, array] of this.arrays) this.store(sum, unit, item(array, step));
    });
  }

  private store(sum: TileSum, unit: Expression, value: Expression, isMore = false): void {
    const { schedule } = this.context;
    const rows = teamsOf(this.tiled).map((atom) => ({ atom, extent: extentOf(atom.extent) }));
    const context: PlaceContext = { ...this.context, schedule: { ...schedule, rows } };
    // In a turn of a team alone there is a tile.
    const isSure = isMore && this.isAlone;
    const strip = this.strip && { ...this.strip, ...(isSure && { isRow: undefined }) };
    const place = new Place(context, { names: this.names, strip, unit }, []);
    place.bind(sum.node, value);
    place.store(sum, isMore ? sum.reduction.merge : undefined);
  }
}

/** What changes no state that it is merged with. */
const identityOf = ({ reduction }: TileSum, type: Type): Expression => {
  const [identity] = Object.values(reduction.identity(type, undefined)) as [Expression];
  const [number] = identity.kind === "construct" ? identity.args : [];
  return number?.kind === "literal" ? literal(type, number.value) : identity;
};

function pairwise(values: readonly Expression[], merge: (a: Expression, b: Expression) => Expression): Expression {
  if (values.length === 1) return values[0] as Expression;
  const half = Math.ceil(values.length / 2);
  return merge(pairwise(values.slice(0, half), merge), pairwise(values.slice(half), merge));
}
