/** Workgroup memory through which lanes merge their states. */

import { add, type Expression, multiply, remainder, type Variable } from "../src/kernel/expression.ts";
import type { Statements } from "../src/kernel/statement.ts";
import type { Type } from "../src/kernel/types.ts";
import { roundUp } from "../src/launch/counts.ts";
import type { Accumulator } from "./accumulators.ts";
import { computedType } from "./expression.ts";
import type { Names } from "./names.ts";
import { printType } from "./print-wgsl.ts";

/** Equal for types whose states can share an array. */
const memoryKey = (type: Type) => `${printType(type)} ${type.fields}`;

/** How lanes are assigned to rows: see `Schedule`. */
interface RowShape {
  readonly lanes: number;
  readonly subgroup: number;
  readonly rowsPerWorkgroup: number;
  readonly rowsPerLane: number;
}

/** An array that a merge uses, and the offset of this iteration's states in it. */
export interface Taken {
  readonly array: Variable;
  readonly start: Expression | undefined;
}

/** The index in the array of a state of this iteration. */
export const stateIndex = ({ start }: Taken, index: Expression): Expression =>
  start === undefined ? index : add(start, index);

type SharedArray = Variable & { length: number };

/** Arrays in workgroup memory, by type, that all merges of a kernel share. */
export class Scratch {
  private readonly arrays = new Map<string, SharedArray[]>();
  /** The arrays of the last merge, which lanes may still read: there has been a barrier since any earlier one. */
  private last: readonly SharedArray[] = [];
  /** The iteration of the loop around the merges, if there is one. */
  private turn: Expression | undefined;
  private readonly length: number;
  private readonly names: Names;
  private spare: number;

  /** @param spare bytes that are available for more than one array of a type. */
  constructor(shape: RowShape, spare: number, names: Names) {
    this.names = names;
    this.length = scratchSize(shape);
    this.spare = spare;
  }

  /**
   * Arrays for states of these types, or for as many of the first as memory allows. Emits a barrier if lanes may still read
   * states of the last merge in them.
   */
  take(types: readonly Type[], statements: Statements): readonly Taken[] {
    const known = new Set<Variable>(this.all);
    const taken: SharedArray[] = [];
    for (const type of types) {
      const array = this.free(type, taken);
      if (array === undefined) break;
      taken.push(array);
    }
    if (this.turn) for (const array of taken) if (!known.has(array)) this.halve(array);
    if (taken.some((array) => this.last.includes(array))) statements.barrier();
    this.last = taken;
    return taken.map((array) => ({ array, start: this.startIn(array) }));
  }

  /**
   * Emits the body of a loop around merges. If memory allows, an array has two halves, which the iterations use alternately:
   * between two uses of a half, all lanes have passed a barrier of the iteration in between. Otherwise, a barrier ends the
   * iteration, so that no lane still reads the last states.
   */
  inTurn(turn: Expression, statements: Statements, write: () => void): void {
    this.turn = turn;
    write();
    if (this.last.some((array) => this.startIn(array) === undefined)) statements.barrier();
    this.last = [];
    this.turn = undefined;
  }

  /** Doubles a new array, so that it has two halves, if memory allows. */
  private halve(array: SharedArray): void {
    const bytes = this.bytesOf(array.type);
    if (bytes > this.spare) return;
    this.spare -= bytes;
    array.length *= 2;
  }

  private bytesOf({ width }: Type): number {
    return padded(this.length * width * 4);
  }

  private startIn({ length }: Variable): Expression | undefined {
    const hasHalves = length === 2 * this.length;
    return hasHalves && this.turn ? multiply(remainder(this.turn, 2), this.length) : undefined;
  }

  private free(type: Type, taken: readonly Variable[]): SharedArray | undefined {
    const own = this.arrays.get(memoryKey(type)) ?? [];
    const found = own.find((array) => !taken.includes(array));
    if (found !== undefined) return found;
    const bytes = this.bytesOf(type);
    if (own.length > 0 && bytes > this.spare) return undefined;
    if (own.length > 0) this.spare -= bytes;
    const name = this.names.define(`lanes_${printType(type)}`);
    const array: SharedArray = { name, type, length: this.length, isMutable: true, isShared: true };
    this.arrays.set(memoryKey(type), [...own, array]);
    return array;
  }

  get all(): readonly Variable[] {
    return [...this.arrays.values()].flat();
  }
}

/** The size of an array with padding to 16 bytes. */
const padded = (bytes: number) => roundUp(bytes, 16);

/** Bytes of workgroup memory for `states` states of each of these accumulators. */
export function scratchBytes(states: number, accumulators: readonly Accumulator[]): number {
  const types = accumulators.map(({ reduction, operand }) => reduction.type(computedType(operand.value.element)));
  const byKey = new Map(types.map((type) => [memoryKey(type), type.width * 4]));
  return [...byKey.values()].map((size) => padded(states * size)).reduce((sum, size) => sum + size, 0);
}

/** The bytes of workgroup memory in which lanes exchange running sums: two arrays for each type, used in turn. */
export const scanBytes = (lanes: number, types: number): number => types * 2 * padded(4 * lanes);

/** The number of states that a workgroup exchanges at a time. */
export function scratchSize({ lanes, subgroup, rowsPerWorkgroup, rowsPerLane }: RowShape): number {
  return ((lanes / subgroup) * rowsPerWorkgroup) / rowsPerLane;
}
