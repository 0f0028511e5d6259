/**
 * Results of which rows start and end within words: halves and bytes where a row is no multiple of a word. A lane that has an
 * element of such a word can only put it in atomically. They are therefore stored by a loop of their own behind all others,
 * in which a lane has whole words. Which elements these are depends on where the row starts; as the loop reduces nothing, no
 * row's bits depend on it. What is stored is computed anew, from what the caches still have.
 *
 *   for each word that has elements of the row:
 *     y, y_1 = the elements in it, or others of the row
 *     words[word] = pack(y, y_1)        of words that the row shares with its neighbours its own part, atomically
 *
 * After the partial stores before and behind a vectorized loop whose stores are misaligned (Eichenberger, Wu and O'Brien,
 * Vectorization for SIMD Architectures with Alignment Constraints, PLDI 2004).
 */

import { leavesOf } from "../src/ir/atoms.ts";
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
import { extentValue, known } from "./extent.ts";
import type { Graph, Store } from "./graph.ts";
import { columnNodes, grouped, type Loop } from "./loops.ts";
import type { Names } from "./names.ts";
import { bufferName, type Node, spanOf } from "./nodes.ts";
import { type BodyContext, hintOf, type Place, type PlaceContext, type Strip } from "./place.ts";
import type { Schedule } from "./schedule.ts";

/** A loop over words, of results that lie alike. */
export interface WordLoop extends Loop {
  /** Units in a word. */
  readonly parts: number;
  /** Whether rows are stored in loop order. */
  readonly isInOrder: boolean;
  /** What is loaded in words, for it lies as the results do. */
  readonly words: ReadonlySet<Node>;
}

/** The results that are stored in words, by loops that come behind all others. */
export function wordLoops({ graph, schedule, tile, bufferOf }: BodyContext): readonly WordLoop[] {
  if (tile !== undefined || graph.columns.length === 0) return [];
  const { width } = schedule;
  /** How many units a word has, and how the rows lie; `undefined` where they are not stored in words, or no row is contiguous. */
  const layoutOf = ({ dims }: Use, { storage, type }: Buffer): string | undefined => {
    const rows = rowsInOrder(dims, graph);
    const parts = elementsInWord(storage) / width;
    return rows === undefined || parts <= 1 || type.width > width ? undefined : `${parts} ${rows}`;
  };
  const lieAlike = grouped(graph.stores, (store) => {
    const buffer = bufferOf(store.name, "read_write");
    return isPartOfWord(buffer) ? layoutOf(store, buffer) : undefined;
  });
  return [...lieAlike].flatMap(([layout, stores]) => {
    if (layout === undefined) return [];
    const nodes = columnNodes(stores.map(({ node }) => node)) ?? [];
    const words = nodes.filter((node) => {
      const { kind, dims, moves, value } = node;
      return kind === "load" && dims && !moves && layoutOf({ dims }, bufferOf(bufferName(value), "read")) === layout;
    });
    const none = { sums: [], keeps: new Set<never>(), reads: new Set<never>(), frees: new Set<never>(), counts: false };
    const [parts, rows] = layout.split(" ") as [string, string];
    const isInOrder = rows === [...graph.rows.keys()].join();
    return [{ stage: graph.stages, nodes, stores, parts: Number(parts), isInOrder, words: new Set(words), ...none }];
  });
}

/** In which order a tensor has the rows, if each of them is contiguous and there are no others; else `undefined`. */
function rowsInOrder(dims: DimAtoms, { rows, columns }: Graph): string | undefined {
  const atoms = leavesOf(dims.flat());
  const own = atoms.slice(0, atoms.length - columns.length).map((atom) => rows.indexOf(atom));
  const isContiguous = columns.every((atom, i) => atoms[own.length + i] === atom);
  return isContiguous && own.length === rows.length && !own.includes(-1) ? own.join() : undefined;
}

/** Where what the loop stores of a unit is computed, of each row. */
interface UnitPlaces {
  readonly places: readonly Place[];
  readonly define: (node: Node) => void;
}

export class WordStores {
  private readonly context: PlaceContext;
  private readonly names: Names;

  constructor(context: PlaceContext, names: Names) {
    this.context = context;
    this.names = names;
  }

  private name(hint: string, value: Expression): Expression {
    return this.context.to.define(this.names.define(hint), value);
  }

  /**
   * @param rows outside of the loop. Those whose first words have as many units of the row before share a loop, and what is
   * the same in all rows.
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
    const last = number === undefined ? subtract(total, 1) : count(number - 1);
    const ends = rows.map((row) => this.endsOf(loop, row, last));
    const skipped = before === undefined ? (ends[0] as RowEnds).before : count(before);
    const step = (word: Expression) => {
      // In front of the row the numbers of units wrap: they are beyond its end.
      const first = multiply(word, parts);
      const unit = this.name("unit", before === 0 ? first : subtract(first, skipped));
      const all = Array.from({ length: parts }, (_, i) => (i === 0 ? unit : add(unit, i)));
      const isIn = all.map((one) => this.name("isIn", binary("<", one, total)));
      const loaded = ends.map((end) => this.loadWords(loop, end, word));
      const places = all.map((one, i) => {
        const { places, define } = at(this.name("nearest", call("min", one, last)), rows);
        for (const node of loop.nodes) {
          if (!loop.words.has(node)) define(node);
          else {
            for (const [r, place] of places.entries())
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
    // So many words at most have elements of one row.
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

  /** Words of the current row, the last one for those beyond. */
  private loadWords({ words }: WordLoop, { place, firstWord, lastWord }: RowEnds, word: Expression) {
    if (lastWord === undefined) return new Map<Node, Expression>();
    const nearest = this.name("nearestWord", add(firstWord, call("min", word, lastWord)));
    return new Map(
      [...words].map((node) => {
        const name = this.names.define(`${hintOf(node)}_word`);
        return [node, this.context.to.define(name, place.loadWord(node, nearest), spanOf(node))];
      }),
    );
  }
}

/** Stores a word of what the places have. @param isIn which of them the word is of. */
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

/** Where a row lies in words. */
interface RowEnds {
  readonly place: Place;
  readonly firstWord: Expression;
  /** Units of the row before in the first word. */
  readonly before: Expression;
  /** Counted from the first; `undefined` where nothing is loaded in words. */
  readonly lastWord: Expression | undefined;
}

/**
 * How many units of the previous row are in the first word of a lane's nth row, if that is the same in all lanes: the rows
 * of a lane are then whole words. A row beyond the last may be elsewhere.
 */
function unitsBefore(row: number, { parts, isInOrder }: WordLoop, { units, rowsPerLane }: Schedule) {
  const number = known(units);
  const isWhole = isInOrder && number !== undefined && (rowsPerLane * number) % parts === 0;
  return isWhole ? (row * number) % parts : undefined;
}

/** One of the units of a word. */
export function partOf(word: Expression, unit: number, width: number): Expression {
  const components = Array.from({ length: width }, (_, i) => component(word, unit * width + i));
  return width === 1 ? (components[0] as Expression) : construct(typeOf(word.type.scalar, width), ...components);
}
