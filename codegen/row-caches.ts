/** Arrays in which a lane caches values of its rows between loops. */

import { append, getOrInsert } from "../src/ir/groups.ts";
import type { Variable } from "../src/kernel/expression.ts";
import type { Statements } from "../src/kernel/statement.ts";
import { laneType } from "./expression.ts";
import type { Names } from "./names.ts";
import { type Node, spanOf } from "./nodes.ts";
import { hintOf, type Place } from "./place.ts";
import { printType } from "./print-wgsl.ts";

export class RowCaches {
  private readonly to: Statements;
  private readonly names: Names;
  private readonly steps: number | undefined;
  /** Arrays that are no longer read, by row and type. */
  private readonly spare = new Map<Place, Map<string, Variable[]>>();

  /** @param steps of a row, if known: only then is anything cached. */
  constructor(to: Statements, names: Names, steps: number | undefined) {
    this.to = to;
    this.names = names;
    this.steps = steps;
  }

  /** The array in which the lane caches a node of its row. */
  of(node: Node, place: Place): Variable {
    return place.strip?.caches.get(node) as Variable;
  }

  declare(node: Node, place: Place): void {
    const type = laneType(node.value.element, place.widthOf(node));
    const spare = this.spare.get(place)?.get(printType(type))?.pop();
    const declare = () =>
      this.to.array(this.names.define(`${hintOf(node)}_row`), type, this.steps as number, spanOf(node));
    place.strip?.caches.set(node, spare ?? declare());
  }

  /** Makes the node's array available to later loops. */
  free(node: Node, place: Place): void {
    const type = printType(laneType(node.value.element, place.widthOf(node)));
    append(
      getOrInsert(this.spare, place, () => new Map<string, Variable[]>()),
      type,
      this.of(node, place),
    );
  }
}
