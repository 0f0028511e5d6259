/** The steps of the loops along the rows of a lane: each computes the nodes of one or several units, and accumulates and stores them. */

import {
  add,
  binary,
  call,
  count,
  divide,
  type Expression,
  item,
  literal,
  multiply,
  select,
  subtract,
} from "../src/kernel/expression.ts";
import { target } from "../src/kernel/statement.ts";
import { f32 } from "../src/kernel/types.ts";
import type { Use } from "./access.ts";
import type { AccumulatorWriter, Counter } from "./accumulate.ts";
import { type Accumulator, isBlocked } from "./accumulators.ts";
import { extentValue, known } from "./extent.ts";
import type { Loop } from "./loops.ts";
import { Names } from "./names.ts";
import { bufferName, type Node, spanOf } from "./nodes.ts";
import { Place, type PlaceContext } from "./place.ts";
import type { RowCaches } from "./row-caches.ts";
import type { Scans, Step } from "./scans.ts";
import type { TileSums } from "./tile-sums.ts";

/** A loop along the row, and the accumulators of its reductions. */
export interface Nest {
  readonly loop: Loop;
  /** The accumulators of each row that a lane processes at once. */
  readonly perRow: readonly (readonly Accumulator[])[];
  readonly counter: Counter;
  /** Steps in the blocks around the loop, the largest first. */
  readonly blocks: readonly number[];
  /** The number of units that a lane processes in each step. */
  readonly each: number;
}

/** A unit of a lane in a step. */
interface UnitOfStep {
  /** The index of the step, if steps are counted. */
  readonly step: Expression | undefined;
  readonly unit: Expression;
  /** Whether the unit exists; `undefined` if it always does. */
  readonly isIn: Expression | undefined;
}

/** Where the nodes of a unit are computed: once for all rows, or for each. */
interface StepPlaces {
  readonly common: Place;
  readonly rows: readonly Place[];
  readonly step: Expression | undefined;
}

/** What the loops share with the rest of the kernel's body. */
export interface LaneRows {
  readonly accumulators: AccumulatorWriter;
  readonly caches: RowCaches;
  readonly tileSums: TileSums | undefined;
  readonly scans: Scans;
  /** Outside of loops: values that are the same in every row, then those of each row. */
  readonly common: Place;
  readonly rows: readonly Place[];
  /** Writes the statements that compute a node: only once if it is the same in every row. */
  readonly define: (node: Node, common: Place, rows: readonly Place[]) => void;
}

export class RowSteps {
  protected readonly context: PlaceContext;
  protected readonly given: LaneRows;
  protected inverseName = "";

  constructor(context: PlaceContext, given: LaneRows) {
    this.context = context;
    this.given = given;
  }

  protected get unitsOfRow(): Expression {
    return this.given.accumulators.limit ?? extentValue(this.context.schedule.units);
  }

  /** A step that all lanes of a row execute, including those without an element. */
  protected writeTogether(nest: Nest, depth: number, at: Step, isCounted: boolean): void {
    const { loop, each } = nest;
    const { lanes, units } = this.context.schedule;
    const { to } = this.context;
    const total = this.unitsOfRow;
    const number = known(units);
    const isWhole = number !== undefined && number % (lanes * each) === 0;
    const last = number === undefined ? subtract(total, 1) : count(Math.max(0, number - 1));
    const { first } = at;
    const lane = this.context.lane();
    const start = isCounted && lanes > 1 ? multiply(first, lanes) : first;
    const own = lanes === 1 ? start : add(start, each === 1 ? lane : multiply(lane, each));
    const names = new Names(this.context.names);
    const list = Array.from({ length: each }, (_, i): UnitOfStep => {
      const name = (hint: string, value: Expression) => to.define(names.define(hint), value);
      const position = name("place", i === 0 ? own : add(own, i));
      const isIn = isWhole ? undefined : name("isIn", binary("<", position, total));
      const nearest = isIn ? call("min", position, last) : position;
      const unit = loop.isReverse || isIn ? name("unit", loop.isReverse ? subtract(last, nearest) : nearest) : position;
      return { step: isCounted ? (i === 0 ? first : add(first, i)) : undefined, unit, isIn };
    });
    this.writeUnits(nest, depth, at, list, names);
  }

  private writeUnits(nest: Nest, depth: number, at: Step, list: readonly UnitOfStep[], names: Names): void {
    const { loop, perRow, counter } = nest;
    const { to } = this.context;
    const { rows: given, scans } = this.given;
    const all = list.map((one) => ({ ...one, ...this.stepPlaces(one.unit, names) }));
    this.writeNodes(loop, all, (scan) => {
      for (const r of given.keys()) {
        const places = all.map(({ rows, isIn }) => ({ place: rows[r] as Place, isIn }));
        scans.write(scan, places, at);
      }
    });
    for (const { isIn, rows } of all) {
      if (loop.stores.length > 0) {
        to.when(isIn, () => {
          for (const store of loop.stores) for (const place of rows) place.store(store);
        });
      }
      const own = counter.counts[depth];
      if (own !== undefined) {
        const [none, one] = [literal(f32, 0), literal(f32, 1)];
        to.assign(own, isIn ? select(none, one, isIn) : one, "+");
        counter.inverse = to.define(names.define(this.inverseName), divide(1, isIn ? call("max", own, one) : own));
      }
      this.accumulate(perRow, rows, counter, depth, isIn);
    }
  }

  /** Binds the parts of indices that are the same along the row to variables. */
  bindRowParts(loop: Loop, place: Place): void {
    const loads = loop.nodes.filter((node) => node.kind === "load");
    const uses = [
      ...loads.map((node) => ({ name: bufferName(node.value), use: node as Use, access: "read" as const })),
      ...loop.stores.map((store) => ({ name: store.name, use: store, access: "read_write" as const })),
    ];
    for (const { name, use, access } of uses) {
      place.bindRowPart(use, this.context.bufferOf(name, access), (part) =>
        this.context.to.define(this.context.names.define("start"), part),
      );
    }
  }

  stepPlaces(unit: Expression, names = new Names(this.context.names), of = this.given.rows) {
    const common = new Place(this.context, { names, strip: undefined, unit }, [this.given.common]);
    const rows: readonly Place[] = of.map(
      (place) => new Place(this.context, { names, strip: place.strip, unit }, [common, place, this.given.common]),
    );
    return { common, rows };
  }

  /** A node in a step: read from a cache, or computed. */
  protected readOrDefine(
    node: Node,
    loop: Loop,
    common: Place,
    rows: readonly Place[],
    step: Expression | undefined,
  ): void {
    if (!loop.reads.has(node)) this.given.define(node, common, rows);
    else
      for (const place of rows)
        place.bind(node, place.name(node, item(this.given.caches.of(node, place), step as Expression)));
  }

  /**
   * Computes the nodes of the units of a step, and caches those that later loops read.
   * @param writeScan computes a scan, whose elements depend on one another, for all units at once.
   */
  protected writeNodes(loop: Loop, units: readonly StepPlaces[], writeScan?: (node: Node) => void): void {
    const write = (node: Node) => {
      if (writeScan !== undefined && node.kind === "scan" && !loop.reads.has(node)) writeScan(node);
      else for (const { common, rows, step } of units) this.readOrDefine(node, loop, common, rows, step);
    };
    for (const node of loop.reads) write(node);
    for (const node of loop.nodes) {
      if (!loop.reads.has(node)) write(node);
      if (loop.keeps.has(node)) for (const { rows, step } of units) this.keep(node, rows, step);
    }
  }

  /** Accumulates a unit of each row. @param isIn the condition under which the unit exists, if any. */
  protected accumulate(
    perRow: readonly (readonly Accumulator[])[],
    rows: readonly Place[],
    counter: Counter,
    depth: number,
    isIn?: Expression,
  ): void {
    const { accumulators } = this.given;
    for (const [i, place] of rows.entries()) {
      for (const accumulator of perRow[i] as readonly Accumulator[]) {
        const within = isBlocked(accumulator) ? depth : 0;
        this.context.to.at(accumulator.span, () => {
          if (isIn === undefined) accumulators.accumulate(accumulator, place, counter, within);
          else accumulators.accumulateWhere(isIn, accumulator, place, counter, within);
        });
      }
    }
  }

  private keep(node: Node, rows: readonly Place[], step: Expression | undefined): void {
    for (const place of rows) {
      const cached = target(this.given.caches.of(node, place), step as Expression);
      this.context.to.assign(cached, place.valueOf(node), undefined, spanOf(node));
    }
  }

  /** Processes one unit of a lane's rows. */
  protected writeStep(
    { loop, perRow, counter }: Nest,
    depth: number,
    { step, unit }: { readonly step: Expression | undefined; readonly unit: Expression },
  ): void {
    const to = this.context.to;
    const { common, rows } = this.stepPlaces(unit);
    this.writeNodes(loop, [{ common, rows, step }]);
    for (const store of loop.stores) for (const place of rows) place.store(store);
    for (const sum of loop.sums) this.given.tileSums?.add(sum, rows, step as Expression, unit);
    const own = counter.counts[depth];
    if (own !== undefined) {
      to.assign(own, literal(f32, 1), "+");
      counter.inverse = to.define(this.inverseName, divide(1, own));
    }
    this.accumulate(perRow, rows, counter, depth);
  }
}
