/** Writes positions along axes as expressions of a lane's row and unit. */

import type { Atom } from "../src/ir/atoms.ts";
import {
  add,
  call,
  construct,
  count,
  divide,
  type Expression,
  literal,
  multiply,
  remainder,
  subtract,
} from "../src/kernel/expression.ts";
import { typeOf, u32 } from "../src/kernel/types.ts";
import { indexAlong } from "./access.ts";
import { extentValue, known, lastIndex, one, timesExtent } from "./extent.ts";
import type { Along, Node } from "./nodes.ts";
import { isAligned, strideAlong } from "./place-along.ts";
import type { Schedule } from "./schedule.ts";

/** Where a lane is in the iteration space. */
interface Where {
  readonly row: Expression | undefined;
  /** The unit along the row, inside a loop over it. */
  readonly unit: Expression | undefined;
  readonly valueOf: (node: Node) => Expression;
}

export class PlaceWriter {
  private readonly schedule: Schedule;
  private readonly where: Where;

  constructor(schedule: Schedule, where: Where) {
    this.schedule = schedule;
    this.where = where;
  }

  /** The position of the first element of the unit, in units or in elements. */
  value(place: Along, inUnits: boolean): Expression {
    const scale = inUnits ? this.schedule.width : 1;
    switch (place.kind) {
      case "atom":
        return this.indexOf(place.atom, inUnits);
      case "value":
        return call("min", this.asPlace(this.where.valueOf(place.node)), lastIndex(place.extent));
      case "sum":
        return this.sum(place, inUnits);
      case "within": {
        const number = known(place.extent);
        const end = number === undefined ? lastIndex(place.extent) : count(Math.max(0, number / scale - 1));
        return call("min", this.value(place.of, inUnits), end);
      }
      case "reverse":
        return subtract(lastIndex(place.extent), this.value(place.of, false));
      case "count":
        return extentValue(place.extent);
      case "quotient":
        return divide(this.value(place.of, false), place.by);
      case "remainder":
        return remainder(this.value(place.of, inUnits), place.by / scale);
      case "linear":
        return (
          place.parts.reduce<Expression | undefined>((number, { of, extent }) => {
            const own = this.value(of, false);
            return number === undefined ? own : add(timesExtent(number, extent), own);
          }, undefined) ?? count(0)
        );
      default:
        return place satisfies never;
    }
  }

  /** A position to compare, and the divisor of the numbers that it is compared with. */
  compared(place: Along): { readonly at: Expression; readonly scale: number } {
    const { vector, width } = this.schedule;
    const inUnits = vector !== undefined && width > 1 && strideAlong(place, vector, width) === 1;
    return { at: this.value(place, inUnits), scale: inUnits ? width : 1 };
  }

  /** The positions of a unit's elements, as integers of the language. */
  position(place: Along, element: "i32" | "u32", width: number): Expression {
    const first = this.value(place, false);
    if (width === 1) return element === "u32" ? first : construct(typeOf(element), first);
    const type = typeOf("u32", width);
    const isSteady = strideAlong(place, this.schedule.vector as Atom, width) === 0;
    const behind = Array.from({ length: width }, (_, i) => literal(u32, isSteady ? 0 : i));
    const places = add(construct(type, first), construct(type, ...behind));
    return element === "u32" ? places : construct(typeOf(element, width), places);
  }

  private asPlace(value: Expression): Expression {
    if (value.type.scalar === "u32") return value;
    return construct(u32, call("max", value, literal(value.type, 0)));
  }

  private indexOf(atom: Atom, inUnits: boolean): Expression {
    const { rows, columns, vector, width } = this.schedule;
    const along = new Map([[atom, one]]);
    const isRow = rows.some((axis) => axis.atom === atom);
    const index = (isRow ? this.where.row : this.where.unit) as Expression;
    const [at] = indexAlong(along, isRow ? rows : columns, index) as [Expression];
    return atom === vector && !inUnits && width > 1 ? multiply(at, width) : at;
  }

  /** Adds the positive terms first, so that no difference is negative: positions are unsigned. */
  private sum({ terms, offset }: Along & { kind: "sum" }, inUnits: boolean): Expression {
    const { vector, width } = this.schedule;
    const term = ({ of, factor }: (typeof terms)[number]) => {
      const ofUnits = inUnits && isAligned(of, vector as Atom, width);
      const times = Math.abs(inUnits && !ofUnits ? factor / width : factor);
      const value = this.value(of, ofUnits);
      return times === 1 ? value : multiply(value, times);
    };
    const shift = inUnits ? offset / width : offset;
    const added = terms.filter(({ factor }) => factor > 0).map(term);
    if (shift > 0 || added.length === 0) added.push(count(Math.max(0, shift)));
    const taken = terms.filter(({ factor }) => factor < 0).map(term);
    if (shift < 0) taken.push(count(-shift));
    const sum = added.reduce((all, one) => add(all, one));
    return taken.reduce((all, one) => subtract(all, one), sum);
  }
}
