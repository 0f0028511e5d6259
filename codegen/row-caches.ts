/** Arrays in which a lane caches values of its rows between loops. */

import { append, getOrInsert } from "../src/ir/groups.ts";
import type { Variable } from "../src/kernel/expression.ts";
import { roundUp } from "../src/launch/counts.ts";
import { laneType } from "./expression.ts";
import { type Node, spanOf } from "./nodes.ts";
import { hintOf, type Place, type PlaceContext } from "./place.ts";
import { printType } from "./print-wgsl.ts";

export class RowCaches {
  private readonly context: PlaceContext;
  /** Arrays that are no longer read, by row and type. */
  private readonly spare = new Map<Place, Map<string, Variable[]>>();

  constructor(context: PlaceContext) {
    this.context = context;
  }

  /** The array in which the lane caches a node of its row. */
  of(node: Node, place: Place): Variable {
    return place.strip?.caches.get(node) as Variable;
  }

  /** The number of steps of a row must be known. */
  declare(node: Node, place: Place): void {
    const { to, names, schedule } = this.context;
    const type = laneType(node.value.element, place.widthOf(node));
    const spare = this.spare.get(place)?.get(printType(type))?.pop();
    const steps = roundUp(schedule.steps as number, schedule.unitsInStep);
    const declare = () => to.array(names.define(`${hintOf(node)}_row`), type, steps, spanOf(node));
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
