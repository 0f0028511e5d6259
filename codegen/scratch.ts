/** Workgroup memory through which lanes merge their states. */

import type { Variable } from "../src/kernel/expression.ts";
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

/** Arrays in workgroup memory, by type, that all merges of a kernel share. */
export class Scratch {
  private readonly arrays = new Map<string, Variable[]>();
  /** The arrays of the last merge, which lanes may still read: there has been a barrier since any earlier one. */
  private last: readonly Variable[] = [];
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
  take(types: readonly Type[], statements: Statements): readonly Variable[] {
    const taken: Variable[] = [];
    for (const type of types) {
      const array = this.free(type, taken);
      if (array === undefined) break;
      taken.push(array);
    }
    if (taken.some((array) => this.last.includes(array))) statements.barrier();
    this.last = taken;
    return taken;
  }

  /** Emits a barrier before code that runs again in a loop, so that no lane still reads the last states. */
  release(statements: Statements): void {
    if (this.last.length > 0) statements.barrier();
    this.last = [];
  }

  private free(type: Type, taken: readonly Variable[]): Variable | undefined {
    const own = this.arrays.get(memoryKey(type)) ?? [];
    const found = own.find((array) => !taken.includes(array));
    if (found !== undefined) return found;
    const bytes = padded(this.length * type.width * 4);
    if (own.length > 0 && bytes > this.spare) return undefined;
    if (own.length > 0) this.spare -= bytes;
    const name = this.names.define(`lanes_${printType(type)}`);
    const array: Variable = { name, type, length: this.length, isMutable: true, isShared: true };
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
