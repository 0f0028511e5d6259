/**
 * Word-wise stores of halves and bytes whose rows are not whole words. A lane with a single element of a word could only store
 * it atomically. These results are therefore stored by a loop of their own after all others, in which a lane computes whole
 * words. Which elements these are depends on where the row starts. As the loop reduces nothing, no row's bits depend on it.
 * The stored values are recomputed.
 *
 *   for each word that has elements of the row:
 *     y, y_1 = the elements in it, or others of the row
 *     words[word] = pack(y, y_1)        for a word shared with a neighbouring row: only the row's part, atomically
 *
 * After the partial stores before and after a vectorized loop whose stores are misaligned (Eichenberger, Wu and O'Brien,
 * Vectorization for SIMD Architectures with Alignment Constraints, PLDI 2004).
 */

import { leavesOf } from "../src/ir/atoms.ts";
import { grouped } from "../src/ir/groups.ts";
import type { DimAtoms } from "../src/ir/iteration.ts";
import { type Buffer, elementsInWord, isPartOfWord } from "../src/kernel/buffer.ts";
import {
  add,
  binary,
  call,
  component,
  construct,
  count,
  divide,
  type Expression,
  multiply,
  remainder,
  subtract,
} from "../src/kernel/expression.ts";
import { typeOf } from "../src/kernel/types.ts";
import type { Use } from "./access.ts";
import { extentValue, known, lastIndex } from "./extent.ts";
import type { Graph, Store } from "./graph.ts";
import { columnNodes, type Loop } from "./loops.ts";
import { bufferName, type Node, spanOf } from "./nodes.ts";
import { type BodyContext, hintOf, type Place, type PlaceContext, type Strip } from "./place.ts";
import type { Schedule } from "./schedule.ts";

/** A loop over the words of results with the same layout. */
export interface WordLoop extends Loop {
  /** The number of units in a word. */
  readonly parts: number;
  /** Whether rows are stored in loop order. */
  readonly isInOrder: boolean;
  /** Loads by words, from inputs with the layout of the results. */
  readonly words: ReadonlySet<Node>;
}

/** The loops that store results by words, which come after all others. */
export function wordLoops({ graph, schedule, tile, bufferOf }: BodyContext): readonly WordLoop[] {
  if (tile !== undefined || graph.columns.length === 0) return [];
  const { width } = schedule;
  /** The units in a word and the order of the rows; `undefined` if rows are not stored by words, or are not contiguous. */
  const layoutOf = ({ dims }: Use, { storage, type }: Buffer): string | undefined => {
    const rows = rowsInOrder(dims, graph);
    const parts = elementsInWord(storage) / width;
    return rows === undefined || parts <= 1 || type.width > width ? undefined : `${parts} ${rows}`;
  };
  const byLayout = grouped(graph.stores, (store) => {
    // The loop over words does not go along the row.
    if (store.node.direction !== undefined) return undefined;
    const buffer = bufferOf(store.name, "read_write");
    return isPartOfWord(buffer) ? layoutOf(store, buffer) : undefined;
  });
  return [...byLayout].flatMap(([layout, stores]) => {
    if (layout === undefined) return [];
    const nodes = columnNodes(stores.map(({ node }) => node)) ?? [];
    const words = nodes.filter((node) => {
      const { kind, dims, moves, value } = node;
      return kind === "load" && dims && !moves && layoutOf({ dims }, bufferOf(bufferName(value), "read")) === layout;
    });
    const none = {
      sums: [],
      keeps: new Set<never>(),
      reads: new Set<never>(),
      frees: new Set<never>(),
      counts: false,
      isReverse: false,
      isTogether: false,
    };
    const [parts, rows] = layout.split(" ") as [string, string];
    const isInOrder = rows === [...graph.rows.keys()].join();
    return [{ stage: graph.stages, nodes, stores, parts: Number(parts), isInOrder, words: new Set(words), ...none }];
  });
}

/** The order of the rows in a tensor, if each is contiguous and the tensor has no other elements; else `undefined`. */
function rowsInOrder(dims: DimAtoms, { rows, columns }: Graph): string | undefined {
  const atoms = leavesOf(dims.flat());
  const own = atoms.slice(0, atoms.length - columns.length).map((atom) => rows.indexOf(atom));
  const isContiguous = columns.every((atom, i) => atoms[own.length + i] === atom);
  return isContiguous && own.length === rows.length && !own.includes(-1) ? own.join() : undefined;
}

/** The places in which a unit of each row is computed. */
interface UnitPlaces {
  readonly places: readonly Place[];
  /** For values that are the same in every row. */
  readonly common: Place;
  readonly define: (node: Node) => void;
}

export class WordStores {
  private readonly context: PlaceContext;

  constructor(context: PlaceContext) {
    this.context = context;
  }

  private name(hint: string, value: Expression): Expression {
    return this.context.to.define(this.context.names.define(hint), value);
  }

  /**
   * @param rows outside of the loop. Rows whose first words have the same number of units of the previous row share a loop,
   *   and the values that are the same in every row.
   */
  write(loop: WordLoop, rows: readonly Place[], at: (unit: Expression, rows: readonly Place[]) => UnitPlaces): void {
    const known = [...rows.keys()].map((row) => unitsBefore(row, loop, this.context.schedule));
    for (const [before, together] of grouped([...rows.entries()], ([row]) => known[row] ?? `row ${row}`)) {
      const own = together.map(([, place]) => place);
      this.context.to.scope(() => this.writeLoop(loop, own, typeof before === "number" ? before : undefined, at));
    }
  }

  private writeLoop(
    loop: WordLoop,
    rows: readonly Place[],
    before: number | undefined,
    at: (unit: Expression, rows: readonly Place[]) => UnitPlaces,
  ): void {
    const { to, schedule, lane } = this.context;
    const { parts, stores } = loop;
    const total = extentValue(schedule.units);
    const number = known(schedule.units);
    const last = lastIndex(schedule.units);
    const ends = rows.map((row) => this.endsOf(loop, row, last));
    const skipped = before === undefined ? (ends[0] as RowEnds).before : count(before);
    const step = (word: Expression) => {
      // The indices of units before the row wrap, and so are beyond its end.
      const first = multiply(word, parts);
      const unit = this.name("unit", before === 0 ? first : subtract(first, skipped));
      const all = Array.from({ length: parts }, (_, i) => (i === 0 ? unit : add(unit, i)));
      const isIn = all.map((one) => this.name("isIn", binary("<", one, total)));
      const loaded = ends.map((end) => this.loadWords(loop, end, word));
      const places = all.map((one, i) => {
        const { places, common, define } = at(this.name("nearest", call("min", one, last)), rows);
        for (const node of loop.nodes) {
          if (!loop.words.has(node)) define(node);
          else {
            // A row that is the only one, without row axes, is the same in every row.
            for (const [r, place] of (schedule.rows.length === 0 ? [common] : places).entries())
              place.bind(node, partOf(loaded[r]?.get(node) as Expression, i, schedule.width));
          }
        }
        return places;
      });
      for (const [r, end] of ends.entries()) {
        const own = places.map((one) => one[r] as Place);
        to.when((end.place.strip as Strip).isRow, () => {
          for (const store of stores) storeWord(this.context, store, own, add(end.firstWord, word), isIn);
        });
      }
    };
    // The trip count is the most words that have elements of one row.
    if (number === undefined) to.loop("word", lane(), divide(add(total, 2 * (parts - 1)), parts), schedule.lanes, step);
    else {
      const steps = Math.ceil(Math.floor((number + 2 * (parts - 1)) / parts) / schedule.lanes);
      to.loop("step", count(0), count(steps), 1, (at) =>
        step(this.name("word", add(multiply(at, schedule.lanes), lane()))),
      );
    }
  }

  private endsOf({ stores: [store], parts, words }: WordLoop, place: Place, last: Expression): RowEnds {
    const { name } = store as Store;
    const start = place.startOf(store as Store, this.context.bufferOf(name, "read_write"));
    const firstWord = this.name("firstWord", divide(start, parts));
    const before = this.name("before", remainder(start, parts));
    const lastWord = words.size === 0 ? undefined : this.name("lastWord", divide(add(before, last), parts));
    return { place, firstWord, before, lastWord };
  }

  /** Loads the words of the row at a word index, clamped to the last. */
  private loadWords({ words }: WordLoop, { place, firstWord, lastWord }: RowEnds, word: Expression) {
    if (lastWord === undefined) return new Map<Node, Expression>();
    const nearest = this.name("nearestWord", add(firstWord, call("min", word, lastWord)));
    return new Map(
      [...words].map((node) => {
        const name = this.context.names.define(`${hintOf(node)}_word`);
        return [node, this.context.to.define(name, place.loadWord(node, nearest), spanOf(node))];
      }),
    );
  }
}

/** Stores a word of values from several places. @param isIn which of them are elements of the result. */
export function storeWord(
  { to, bufferOf }: PlaceContext,
  store: Store,
  places: readonly Place[],
  word: Expression,
  isIn: readonly Expression[],
): void {
  const buffer = bufferOf(store.name, "read_write");
  const values = places.map((place) => place.storedValue(store, buffer));
  const type = typeOf(buffer.type.scalar, elementsInWord(buffer.storage));
  to.storeWord(buffer, word, construct(type, ...values), isIn, spanOf(store.node));
}

/** The words of a row. */
interface RowEnds {
  readonly place: Place;
  readonly firstWord: Expression;
  /** The units of the previous row in the first word. */
  readonly before: Expression;
  /** Counted from the first word; `undefined` if nothing is loaded by words. */
  readonly lastWord: Expression | undefined;
}

/**
 * The number of units of the previous row in the first word of a lane's nth row, if it is the same for all lanes, as it is if
 * the rows of a lane together are whole words. It does not hold for a row beyond the last.
 */
function unitsBefore(row: number, { parts, isInOrder }: WordLoop, { units, rowsPerLane }: Schedule) {
  const number = known(units);
  const isWhole = isInOrder && number !== undefined && (rowsPerLane * number) % parts === 0;
  return isWhole ? (row * number) % parts : undefined;
}

/** The unit of a word at an index. */
export function partOf(word: Expression, unit: number, width: number): Expression {
  const components = Array.from({ length: width }, (_, i) => component(word, unit * width + i));
  return width === 1 ? (components[0] as Expression) : construct(typeOf(word.type.scalar, width), ...components);
}
