/**
 * Running sums along rows. The lanes of a row execute each step of its loop together, each on a few adjacent elements, and the
 * sum of all previous steps is carried along:
 *
 *   sums   = the running sums of the lane's own elements
 *   before = the sum of all lower lanes, all = the sum of all lanes
 *   y      = carried + (before + sums)
 *   carried += all
 *
 * Lanes exchange sums in a butterfly: each of two neighbouring groups of lanes adds the other group's sum to its own, and the
 * upper group also adds it to `before` (Hillis and Steele 1986, except that all lanes end with the total, which is carried).
 * Within the smallest subgroup that the device may choose, lanes exchange sums by shuffles, and beyond it through workgroup
 * memory, so that the order of the additions is the same for every subgroup size. Carried sums are nested in blocks of 16, like
 * the sums of reductions (Higham 2002, section 4.2), so that an element passes through few additions however long the row is.
 * No sum is computed as a difference, so an infinity affects only the elements after it.
 *
 * In Futhark's single-pass scan (`SegScan/SinglePass.hs`) workgroups wait for each other, for which WebGPU has no guarantee of
 * forward progress.
 */

import { getOrInsert } from "../src/ir/groups.ts";
import type { Op } from "../src/ir/ir.ts";
import { type Scan, scanOf } from "../src/ir/op-kinds.ts";
import {
  add,
  binary,
  component,
  construct,
  count,
  type Expression,
  equals,
  item,
  literal,
  local,
  remainder,
  select,
  shuffle,
  type Variable,
  widened,
} from "../src/kernel/expression.ts";
import { type Statements, type Target, target } from "../src/kernel/statement.ts";
import { type Type, typeOf } from "../src/kernel/types.ts";
import { laneType } from "./expression.ts";
import type { Names } from "./names.ts";
import { type Node, spanOf } from "./nodes.ts";
import { hintOf, type Place, type PlaceContext, type Strip } from "./place.ts";
import { printType } from "./print-wgsl.ts";
import { type Schedule, scannedPerLane } from "./schedule.ts";

/** The number of levels of carried blocks, and how many blocks of one level make one of the next. */
const blocks = 3;
const blockSize = 16;

/** The number of elements of a lane after which blocks of both of the two lowest levels are complete. */
export const elementsOfBlocks = scannedPerLane * blockSize ** 2;

/** A step of a row's loop: its position, and the distance between the positions of two steps. */
export interface Step {
  readonly first: Expression;
  readonly length: number;
}

/** The carried sum of all previous steps, as one sum per level of blocks, the smallest blocks first. */
class Carried {
  private readonly to: Statements;
  private readonly sums: readonly Target[];

  /** @param steps the number of steps in a row, if known: levels whose blocks are not shorter than the row are omitted. */
  constructor(to: Statements, type: Type, steps: number | undefined, nameOf: (hint: string) => string) {
    this.to = to;
    const sizes = Array.from({ length: blocks }, (_, i) => blockSize ** (i + 1));
    // Integer sums have no rounding errors, so they need no blocks.
    const closed = type.scalar === "f32" ? sizes.filter((size) => steps === undefined || size < steps) : [];
    this.sums = Array.from({ length: 1 + closed.length }, () => to.variable(nameOf("carried"), literal(type, 0)));
  }

  get value(): Expression {
    return this.sums.reduceRight<Expression | undefined>(
      (all, sum) => (all ? add(all, sum) : sum),
      undefined,
    ) as Expression;
  }

  add(sum: Expression, { first, length }: Step): void {
    const { to, sums } = this;
    to.assign(sums[0] as Target, sum, "+");
    const close = (i: number): void => {
      const [block, around] = [sums[i], sums[i + 1]];
      if (block === undefined || around === undefined) return;
      const size = length * blockSize ** (i + 1);
      to.when(equals(remainder(first, size), size - length), () => {
        to.assign(around, block, "+");
        to.assign(block, literal(block.type, 0));
        close(i + 1);
      });
    };
    close(0);
  }
}

export class Scans {
  private readonly context: PlaceContext;
  private readonly carried = new Map<Strip, Map<Node, Carried>>();
  private readonly arrays = new Map<string, readonly [Variable, Variable]>();

  constructor(context: PlaceContext) {
    this.context = context;
  }

  /** Workgroup memory in which lanes exchange sums. */
  get shared(): readonly Variable[] {
    return [...this.arrays.values()].flat();
  }

  /** Declares the carried sums of a row before its loop. @param steps the number of steps of the loop, if known. */
  declare(node: Node, strip: Strip, steps: number | undefined): void {
    const { to } = this.context;
    const own = getOrInsert(this.carried, strip, () => new Map<Node, Carried>());
    const nameOf = (hint: string) => this.context.names.define(`${hintOf(node)}_${hint}`);
    to.at(spanOf(node), () => own.set(node, new Carried(to, laneType(node.value.element, 1), steps, nameOf)));
  }

  /**
   * Computes the running sums of a lane's units of a row in one step.
   * @param places the units, in the order in which the loop visits them; `isIn` is the condition under which a unit exists, if any.
   */
  write(
    node: Node,
    places: readonly { readonly place: Place; readonly isIn: Expression | undefined }[],
    step: Step,
  ): void {
    const { to, schedule } = this.context;
    const { width } = schedule;
    const { direction, isExclusive } = scanOf(node.op as Op) as Scan;
    const { names, strip } = (places[0] as { readonly place: Place }).place;
    const name = (hint: string, value: Expression) => to.define(names.define(hint), value);
    const components = Array.from({ length: width }, (_, i) => (direction === "reverse" ? width - 1 - i : i));
    to.at(spanOf(node), () => {
      const sums: Expression[] = [];
      for (const { place, isIn } of places) {
        const value = widened(place.argument(node.operands[0] as Node).value, width);
        const own = isIn ? name("own", select(literal(value.type, 0), value, isIn)) : value;
        for (const i of components) {
          const element = width === 1 ? own : component(own, i);
          const before = sums.at(-1);
          sums.push(before ? name("sum", add(before, element)) : element);
        }
      }
      const carried = this.carried.get(strip as Strip)?.get(node) as Carried;
      const { before, all } = this.exchanged(sums.at(-1) as Expression, names);
      const base = name("base", before ? add(carried.value, before) : carried.value);
      for (const [i, { place }] of places.entries()) {
        const upTo = components.map((_, k) => sums[i * width + k - Number(isExclusive)]);
        const results = upTo.map((sum) => (sum ? add(base, sum) : base));
        const inOrder = direction === "reverse" ? results.toReversed() : results;
        const [only] = inOrder as [Expression];
        place.bind(node, place.name(node, width === 1 ? only : construct(typeOf(base.type.scalar, width), ...inOrder)));
      }
      carried.add(all, step);
    });
  }

  /** The sum of all lower lanes of the row, and the sum of all of its lanes. */
  private exchanged(sum: Expression, names: Names): { readonly before?: Expression; readonly all: Expression } {
    const { to, schedule, lane } = this.context;
    const { lanes, laneStride, subgroup } = schedule;
    if (lanes === 1) return { all: sum };
    const before = to.variable(names.define("before"), literal(sum.type, 0));
    const all = to.variable(names.define("all"), sum);
    const exchange = (mask: number, sumOfOther: () => Expression) =>
      to.scope(() => {
        const other = to.define("other", sumOfOther());
        const isUpper = binary(">", binary("&", lane(), count(mask)), 0);
        to.assign(before, select(literal(sum.type, 0), other, isUpper), "+");
        to.assign(all, other, "+");
      });
    for (let mask = 1; mask < subgroup; mask *= 2) exchange(mask, () => shuffle(all, mask));
    const through = Math.log2(lanes / subgroup);
    for (let i = 0; i < through; i++) {
      const mask = subgroup * 2 ** i;
      // Arrays alternate: lanes may still be reading the previous sums.
      const array = this.arraysOf(sum.type)[i % 2] as Variable;
      to.assign(target(array, local), all);
      to.barrier();
      exchange(mask, () => item(array, binary("^", local, count(mask * laneStride))));
    }
    if (through % 2 === 1) to.barrier();
    return { before, all };
  }

  private arraysOf(type: Type): readonly [Variable, Variable] {
    const key = printType(type);
    const made = (): Variable => ({
      ...{ name: this.context.names.define(`sums_${key}`), type, isMutable: true, isShared: true },
      length: invocationsOf(this.context.schedule),
    });
    return getOrInsert(this.arrays, key, () => [made(), made()] as const);
  }
}

const invocationsOf = ({ lanes, rowsPerWorkgroup, rowsPerLane }: Schedule) => (lanes * rowsPerWorkgroup) / rowsPerLane;
