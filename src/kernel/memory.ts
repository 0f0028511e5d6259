/**
 * The memory of an interpreted kernel: buffers, workgroup memory and arrays private to a lane. It detects accesses on which
 * results would depend by chance: races, elements that are read before they are written, and indices out of bounds.
 */

import { getOrInsert } from "../ir/groups.ts";
import type { Dim } from "../ir/types.ts";
import { type Arithmetic, isVector, type Value, zeroOf } from "./arithmetic.ts";
import { type Buffer, elementsInWord } from "./buffer.ts";
import type { Variable } from "./expression.ts";
import type { Program } from "./statement.ts";
import { typeOf } from "./types.ts";

/** An array in workgroup memory, with the last lane to access each element, and the barrier interval in which it did. */
interface SharedArray<N> {
  readonly values: (Value<N> | undefined)[];
  readonly writer: Int32Array;
  readonly written: Int32Array;
  readonly reader: Int32Array;
  readonly read: Int32Array;
}

const severalLanes = -2;

export class Memory<N> {
  /** The stored elements of each buffer; elements that are never stored are missing. */
  readonly outputs = new Map<string, (N | undefined)[]>();
  readonly faults = new Set<string>();
  /** The number of accesses to buffers and workgroup memory. */
  accesses = 0;
  private readonly arithmetic: Arithmetic<N>;
  private readonly program: Program;
  private readonly inputs: ReadonlyMap<string, ArrayLike<N>>;
  private readonly arrays = new Map<Variable, Value<N>[][]>();
  private readonly shared = new Map<Variable, SharedArray<N>>();
  /** For each element of a stored buffer, the invocation that stored it; 0 if none has. */
  private readonly stored = new Map<string, Int32Array>();
  private group = 0;
  /** The number of the interval between two barriers. */
  private interval = 0;

  /** @param inputs the elements of each buffer that is read, by its name in the kernel. */
  constructor(
    arithmetic: Arithmetic<N>,
    program: Program,
    inputs: ReadonlyMap<string, ArrayLike<N>>,
    extents: Readonly<Record<string, number>>,
  ) {
    this.arithmetic = arithmetic;
    this.program = program;
    this.inputs = inputs;
    const extent = (dim: Dim) => (typeof dim === "number" ? dim : (extents[dim] as number));
    for (const { wgsl, shape, access } of program.buffers) {
      if (access !== "read_write") continue;
      const length = shape.reduce<number>((product, dim) => product * extent(dim), 1);
      this.outputs.set(wgsl, new Array<N | undefined>(length));
      this.stored.set(wgsl, new Int32Array(length));
    }
  }

  startGroup(group: number): void {
    this.group = group;
    this.interval++;
    for (const variable of this.program.shared) this.shared.set(variable, sharedArray(variable.length as number));
  }

  barrier(): void {
    this.interval++;
  }

  fault(words: string): void {
    if (this.faults.size < 20) this.faults.add(words);
  }

  declareArray(variable: Variable, lanes: readonly number[]): void {
    const arrays = getOrInsert(this.arrays, variable, () => []);
    for (const lane of lanes) arrays[lane] = [];
  }

  /** The number of the invocation among those of all workgroups, from 1. */
  private invocation(lane: number): number {
    return 1 + this.group * this.program.workgroupSize + lane;
  }

  /** @returns stores a value: `start` is the index of its first element, `isStored` whether its ith element is stored. */
  storer({ wgsl, element }: Buffer) {
    const output = this.outputs.get(wgsl) as (N | undefined)[];
    const stored = this.stored.get(wgsl) as Int32Array;
    return (start: number, lane: number, value: Value<N>, isStored: (i: number) => boolean): void => {
      const invocation = this.invocation(lane);
      for (const [i, number] of (isVector(value) ? value : [value]).entries()) {
        // A word is packed as a whole, even if only parts of it are stored.
        const packed = this.arithmetic.stored(number, element);
        if (!isStored(i)) continue;
        if (start + i >= output.length) {
          this.fault(`a store outside of ${wgsl}`);
          return;
        }
        if (stored[start + i] !== 0 && stored[start + i] !== invocation) {
          this.fault(`a race: an element of ${wgsl} is stored twice`);
        }
        stored[start + i] = invocation;
        output[start + i] = packed;
      }
    };
  }

  /** @returns loads `width` elements: `start` is the index of the first. */
  loader(buffer: Buffer, width: number): (start: number, lane: number) => Value<N> {
    const { wgsl, storage, access, type } = buffer;
    if (access === "read_write") return this.loaderOfStored(buffer);
    const elements = this.inputs.get(wgsl);
    if (elements === undefined) throw new Error(`kernel: there is no input ${wgsl}`);
    const isAccess = storage !== "uniform";
    // The last word of a tensor may have padding after the last element.
    const isWord = width > 1 && width === elementsInWord(storage);
    const padding = zeroOf(this.arithmetic, typeOf(type.scalar)) as N;
    return (start) => {
      if (isAccess) this.accesses++;
      if (start + width > elements.length && !(isWord && start < elements.length)) {
        this.fault(`a load outside of ${wgsl}`);
        return zeroOf(this.arithmetic, type);
      }
      if (width === 1) return elements[start] as N;
      return Array.from({ length: width }, (_, i) => elements[start + i] ?? padding);
    };
  }

  /** Loads elements of a result, which the lane itself must have stored. */
  private loaderOfStored({ wgsl, type }: Buffer): (start: number, lane: number) => Value<N> {
    const elements = this.outputs.get(wgsl) as (N | undefined)[];
    const stored = this.stored.get(wgsl) as Int32Array;
    return (start, lane) => {
      const values = Array.from({ length: type.width }, (_, i) => {
        if (stored[start + i] === this.invocation(lane)) return elements[start + i] as N;
        this.fault(`an element of ${wgsl} is read that the lane has not stored`);
        return zeroOf(this.arithmetic, typeOf(type.scalar)) as N;
      });
      return type.width === 1 ? (values[0] as N) : values;
    };
  }

  writeItem(variable: Variable, index: number, lane: number, value: Value<N>): void {
    if (index >= (variable.length as number)) {
      this.fault(`an element outside of ${variable.name}`);
      return;
    }
    if (variable.isShared !== true) {
      (this.arrays.get(variable)?.[lane] as Value<N>[])[index] = value;
      return;
    }
    this.accesses++;
    const array = this.shared.get(variable) as SharedArray<N>;
    const isWritten = array.written[index] === this.interval && array.writer[index] !== lane;
    const isRead = array.read[index] === this.interval && array.reader[index] !== lane;
    if (isWritten || isRead) this.fault(`a race on ${variable.name}`);
    array.values[index] = value;
    array.writer[index] = lane;
    array.written[index] = this.interval;
  }

  readItem(variable: Variable, index: number, lane: number): Value<N> {
    if (index >= (variable.length as number)) {
      this.fault(`an element outside of ${variable.name}`);
      return zeroOf(this.arithmetic, variable.type);
    }
    const value = variable.isShared
      ? this.readShared(variable, index, lane)
      : this.arrays.get(variable)?.[lane]?.[index];
    if (value === undefined) this.fault(`an element of ${variable.name} is read before it is written`);
    return value ?? zeroOf(this.arithmetic, variable.type);
  }

  private readShared(variable: Variable, index: number, lane: number): Value<N> | undefined {
    this.accesses++;
    const array = this.shared.get(variable) as SharedArray<N>;
    if (array.written[index] === this.interval && array.writer[index] !== lane) {
      this.fault(`a race on ${variable.name}`);
    }
    const isFirst = array.read[index] !== this.interval;
    array.reader[index] = isFirst || array.reader[index] === lane ? lane : severalLanes;
    array.read[index] = this.interval;
    return array.values[index];
  }
}

function sharedArray<N>(length: number): SharedArray<N> {
  const never = () => new Int32Array(length).fill(-1);
  return { values: [], writer: never(), written: never(), reader: never(), read: never() };
}
