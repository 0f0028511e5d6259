/**
 * Word-wise stores of narrow results with one unit per row, which is all of them if nothing is reduced: neighbouring rows of a
 * lane are the elements of a word, which it stores at once. No other lane stores into that word, as tensors start at a word
 * boundary. Only the last word may have fewer rows; whatever follows the tensor in it is preserved. Inputs with the layout of
 * these results are loaded by words, too.
 */

import { type Buffer, elementsInWord } from "../src/kernel/buffer.ts";
import { divide, type Expression, equals, literal } from "../src/kernel/expression.ts";
import { bool } from "../src/kernel/types.ts";
import { liesAsRows, type Use } from "./access.ts";
import type { Store } from "./graph.ts";
import { bufferName, type Node, spanOf } from "./nodes.ts";
import { type BodyContext, hintOf, type Place, type PlaceContext, type Strip } from "./place.ts";
import { partOf, storeWord } from "./word-stores.ts";

export class RowWords {
  private readonly context: PlaceContext;
  /** Loads by words: only if results are stored by words, as otherwise a lane's rows need not be neighbours. */
  private readonly loads: ReadonlySet<Node>;

  constructor(context: PlaceContext) {
    this.context = context;
    const { stores, nodes } = context.graph;
    const isStored = stores.some((store) => this.rowsInWord(store, context.bufferOf(store.name, "read_write")) > 1);
    // Without row axes there is one row, whose values are computed with those that are the same in every row.
    const isLoaded = isStored && context.graph.rows.length > 0;
    const loads = nodes.filter(({ kind }) => isLoaded && kind === "load");
    this.loads = new Set(
      loads.filter((node) => this.rowsInWord(node as Use, context.bufferOf(bufferName(node.value), "read")) > 1),
    );
  }

  /** The number of rows in a word of the buffer; 1 if its elements are loaded and stored one by one. */
  private rowsInWord(use: Use, { storage, type }: Buffer): number {
    const { graph, schedule, tile }: BodyContext = this.context;
    const unit = graph.columns.length === 0 ? schedule.width : 1;
    const rows = elementsInWord(storage) / unit;
    const isWhole = rows > 1 && schedule.rowsPerLane % rows === 0 && type.width === unit;
    return isWhole && tile === undefined && graph.tiled === undefined && liesAsRows(use, graph.rows) ? rows : 1;
  }

  /** Binds the node in each of a lane's rows, if it is loaded by words. */
  load(node: Node, rows: readonly Place[]): boolean {
    if (!this.loads.has(node)) return false;
    const buffer = this.context.bufferOf(bufferName(node.value), "read");
    for (const places of inGroups(rows, this.rowsInWord(node as Use, buffer))) {
      const [first] = places as [Place];
      const name = this.context.names.define(`${hintOf(node)}_word`);
      const at = divide((first.strip as Strip).row, places.length);
      const word = this.context.to.define(name, first.loadWord(node, at), spanOf(node));
      for (const [i, place] of places.entries()) place.bind(node, partOf(word, i, buffer.type.width));
    }
    return true;
  }

  /** Stores the results of a lane's rows, if they are stored by words. */
  store(store: Store, rows: readonly Place[]): boolean {
    const { to, lane, schedule, bufferOf } = this.context;
    const inWord = this.rowsInWord(store, bufferOf(store.name, "read_write"));
    if (inWord === 1) return false;
    const isFirst = schedule.lanes > 1 ? equals(lane(), 0) : undefined;
    to.when(isFirst, () => {
      for (const places of inGroups(rows, inWord)) {
        const strips = places.map(({ strip }) => strip as Strip);
        const at = divide((strips[0] as Strip).index, inWord);
        storeWord(
          this.context,
          store,
          places,
          at,
          strips.map(({ isRow }): Expression => isRow ?? literal(bool, 1)),
        );
      }
    });
    return true;
  }
}

const inGroups = (rows: readonly Place[], size: number) =>
  Array.from({ length: rows.length / size }, (_, i) => rows.slice(size * i, size * (i + 1)));
