/**
 * The statements of a kernel. Values that do not vary along a row are computed once per row. Each stage is a loop over the
 * row's columns that accumulates the stage's reductions and stores its results, followed by the merge of the lanes.
 *
 * A lane may process several rows at once (strips). Values that are the same in every row are then loaded and computed
 * once for all of them.
 */

import { grouped } from "../src/ir/groups.ts";
import {
  add,
  binary,
  call,
  count,
  dimension,
  divide,
  type Expression,
  multiply,
  subtract,
} from "../src/kernel/expression.ts";
import { Statements } from "../src/kernel/statement.ts";
import { mostWorkgroups } from "../src/launch/counts.ts";
import { AccumulatorWriter } from "./accumulate.ts";
import type { Accumulator } from "./accumulators.ts";
import { aliasesOf } from "./aliases.ts";
import { divisorValue, extentValue, known, lastIndex, times, timesExtent } from "./extent.ts";
import { isColumnStore, type Store } from "./graph.ts";
import { type Loop, planLoops } from "./loops.ts";
import { Names } from "./names.ts";
import type { Node } from "./nodes.ts";
import { type BodyContext, makeStrip, Place, type PlaceContext, type Strip } from "./place.ts";
import { RowCaches } from "./row-caches.ts";
import { RowLoops } from "./row-loops.ts";
import { RowWords } from "./row-words.ts";
import { Scans } from "./scans.ts";
import { Scratch } from "./scratch.ts";
import { TileSums } from "./tile-sums.ts";
import { type WordLoop, WordStores, wordLoops } from "./word-stores.ts";

const structural = [
  ...["group", "groups", "local", "lane", "team", "row", "index", "isRow", "step", "turn", "unit", "dims", "main"],
  ...["left", "isLeft", "leftOrLast", "subgroupSize"],
  ...["blockStart", "blockStart2", "blockEnd", "blockEnd2", "blockWeight", "blockDelta", "blockDelta_y"],
  ...["merge_moments", "merge_means", "merge_comoments"],
];

export class Body {
  readonly statements = new Statements();
  readonly scratch: Scratch;
  /** For each result, the inputs that it may overwrite. */
  aliases: ReadonlyMap<string, readonly string[]> = new Map();
  private readonly context: PlaceContext;
  private lane: Expression = count(0);
  private readonly accumulators: AccumulatorWriter;
  /** Outside of loops: values that are the same in every row, then those of each row. */
  private readonly common: Place;
  private rows: readonly Place[] = [];
  private tileSums: TileSums | undefined;
  private wordLoops: readonly WordLoop[] = [];
  /** Nodes whose value is read. The mean of a centered row is not: it is part of `centered`. */
  private readonly read: ReadonlySet<Node>;
  /** By stage: nodes that do not vary along the row, and the results among them. */
  private readonly rowNodes: ReadonlyMap<number, readonly Node[]>;
  private readonly rowStores: ReadonlyMap<number, readonly Store[]>;
  private readonly caches: RowCaches;
  private readonly rowWords: RowWords;
  readonly scans: Scans;
  /** Nodes that are the same in every row. Accumulators never are. */
  private readonly same = new Set<Node>();

  constructor(context: BodyContext, taken: readonly string[]) {
    const to = this.statements;
    const names = new Names();
    this.scratch = new Scratch(context.schedule, context.schedule.spareMemory, names);
    this.accumulators = new AccumulatorWriter(context, to, this.scratch);
    this.context = {
      ...context,
      ...{ to, names },
      lane: () => this.lane,
      centered: (...of) => this.accumulators.centered(...of),
    };
    this.caches = new RowCaches(this.context);
    this.rowWords = new RowWords(this.context);
    this.scans = new Scans(this.context);
    for (const name of [...structural, ...taken]) names.define(name);
    this.common = this.place(undefined, []);
    const { nodes, stores, rows } = context.graph;
    for (const node of nodes) {
      const isAccumulated = ["reduction", "centered", "scan"].includes(node.kind);
      const differs = node.atoms.some((atom) => rows.includes(atom)) || !node.operands.every((x) => this.same.has(x));
      if (!isAccumulated && !differs) this.same.add(node);
    }
    const operands = nodes.flatMap((node) => (node.kind === "centered" ? node.operands.slice(0, 1) : node.operands));
    const summed = (context.graph.tiled?.sums ?? []).map(({ operand }) => operand);
    this.read = new Set([...operands, ...stores.map((store) => store.node), ...summed]);
    const isRowNode = (node: Node) => !node.isColumn && this.read.has(node);
    this.rowNodes = grouped(nodes.filter(isRowNode), ({ stage }) => stage);
    const rowStores = stores.filter((store) => !isColumnStore(store, context.graph));
    this.rowStores = grouped(rowStores, ({ node }) => node.stage);
  }

  private place(strip: Strip | undefined, around: readonly Place[]): Place {
    return new Place(this.context, { names: this.context.names, strip, unit: undefined }, around);
  }

  /** Writes the whole kernel, in the loops over workgroups, teams of lanes, and lanes. */
  write(): void {
    const { lanes, laneStride, rowsPerWorkgroup, rowsPerLane } = this.context.schedule;
    const teams = rowsPerWorkgroup / rowsPerLane;
    const teamStride = laneStride === 1 ? lanes : 1;
    const to = this.statements;
    to.bind("grid", "group", undefined, (group) => {
      to.bind("workgroup", "team", { extent: teams, stride: teamStride }, (team) => {
        to.bind("lane", "lane", { extent: lanes, stride: laneStride }, (lane) => {
          this.lane = lane;
          const groups = teams === 1 ? group : multiply(group, teams);
          this.writeRows(teams === 1 && lanes > 1 ? groups : add(groups, team));
        });
      });
    });
  }

  /** @param team the number of the team of lanes among those of all workgroups. */
  private writeRows(team: Expression): void {
    const { graph, schedule, cacheIsMemory, mostArrays } = this.context;
    this.wordLoops = wordLoops(this.context);
    const inWords = this.wordLoops.flatMap(({ stores }) => stores);
    const others = { ...graph, stores: graph.stores.filter((store) => !inWords.includes(store)) };
    const loops = planLoops(others, schedule, { elements: schedule.keep, arrays: mostArrays, isMemory: cacheIsMemory });
    this.aliases = aliasesOf(this.context, [...loops, ...this.wordLoops]);
    if (graph.tiled === undefined) {
      this.writeStages(this.writeIndices(team), loops);
      return;
    }
    this.tileSums = new TileSums(this.context, graph.tiled);
    this.tileSums.write(team, (strips, turn) => {
      this.scratch.inTurn(turn, this.statements, () => this.writeStages(strips, loops));
    });
  }

  /** All stages of the rows that a lane processes at once. */
  private writeStages(strips: readonly Strip[], loops: readonly (Loop | undefined)[]): void {
    const { graph } = this.context;
    this.rows = strips.map((strip) => this.place(strip, [this.common]));
    this.accumulators.limit = this.writeLimit();
    const { accumulators, caches, tileSums, scans, common, rows } = this;
    const define: Body["define"] = (...of) => this.define(...of);
    const rowLoops = new RowLoops(this.context, { accumulators, caches, tileSums, scans, common, rows, define });
    for (let stage = 0; stage < graph.stages; stage++) {
      this.writeRowValues(stage);
      const loop = loops[stage];
      if (loop !== undefined) rowLoops.write(loop);
    }
    for (const loop of this.wordLoops) this.writeWords(loop, rowLoops);
  }

  private writeWords(loop: WordLoop, rowLoops: RowLoops): void {
    for (const row of this.rows) rowLoops.bindRowParts(loop, row);
    const names = new Names(this.context.names);
    new WordStores({ ...this.context, names }).write(loop, this.rows, (unit, of) => {
      const { common, rows } = rowLoops.stepPlaces(unit, names, of);
      return { places: rows, common, define: (node) => this.define(node, common, rows) };
    });
  }

  /** The number of units per row in the tile that contains the lane's first row: the last tile may have fewer. */
  private writeLimit(): Expression | undefined {
    const { tile, schedule, graph } = this.context;
    if (tile === undefined || graph.tiled !== undefined) return undefined;
    const [first] = this.rows as [Place];
    const { row } = first.strip as Strip;
    const [count, ...inner] = schedule.rows;
    const within = times(...inner.map(({ extent }) => extent));
    const at = known(within) === 1 || count === undefined ? row : divide(row, divisorValue(within));
    const left = subtract(dimension(tile.dim), multiply(at, dimension(tile.size)));
    const length = call("min", dimension(tile.size), left);
    const units = times(...schedule.columns.slice(1).map(({ extent }) => extent));
    return this.statements.define(this.context.names.define("limit"), timesExtent(length, units));
  }

  private writeIndices(team: Expression): Strip[] {
    const { rowsPerWorkgroup, rowsPerLane, rows } = this.context.schedule;
    const to = this.statements;
    const extent = times(...rows.map(({ extent }) => extent));
    const total = extentValue(extent);
    const first = rowsPerLane === 1 ? team : multiply(team, rowsPerLane);
    const last = lastIndex(extent);
    const workgroups = (known(extent) ?? Infinity) / rowsPerWorkgroup;
    const isWhole = rowsPerLane > 1 && Number.isInteger(workgroups) && workgroups > 0 && workgroups <= mostWorkgroups;
    const strips: Strip[] = [];
    for (let i = 0; i < rowsPerLane; i++) {
      const named = (name: string) => (i === 0 ? name : this.context.names.define(name));
      const index = to.define(named("index"), strips[0] === undefined ? first : add(strips[0].index, i));
      if (isWhole) strips.push(makeStrip(index));
      else {
        const [isRowName, rowName] = [named("isRow"), named("row")];
        const isRow = to.define(isRowName, binary("<", index, total));
        strips.push(makeStrip(index, to.define(rowName, call("min", index, last)), isRow));
      }
    }
    return strips;
  }

  /** Constants, loads, ops and reductions that do not vary along the row, then the results among them. */
  private writeRowValues(stage: number): void {
    const { rows, rowWords } = this;
    for (const node of this.rowNodes.get(stage) ?? []) {
      if (!rowWords.load(node, rows)) this.define(node, this.common, rows);
    }
    for (const store of this.rowStores.get(stage) ?? []) {
      if (!rowWords.store(store, rows)) for (const place of rows) place.store(store);
    }
  }

  private define(node: Node, common: Place, rows: readonly Place[]): void {
    for (const place of this.same.has(node) ? [common] : rows) {
      place.define(node, (reduction) =>
        this.accumulators.result(reduction, place.strip?.accumulatorOf.get(reduction) as Accumulator),
      );
    }
  }
}
