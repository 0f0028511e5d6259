/** The cost of an expression each time that a lane evaluates it. */

import { getOrInsert } from "../ir/groups.ts";
import { type WgslFunction, wgslFunctions } from "../ir/ops/wgsl-functions.ts";
import { elementInfo } from "../ir/types.ts";
import { type Buffer, bitsOf, isPartOfWord, numberOf } from "./buffer.ts";
import { builtinFunctions, type Expression, type ExpressionOf, type KernelFunction, withParts } from "./expression.ts";

/** The cost of one or more evaluations. */
export interface Cost {
  /** Operations on floats, integers and bools, counted by component. */
  readonly operations: number;
  /** Operations that take several times as long, counted by component: exponentials, roots, divisions except by powers of two. */
  readonly transcendentals: number;
  /** Loads, stores, accesses to workgroup memory and shuffles, of any width. */
  readonly accesses: number;
  readonly bytesLoaded: number;
  readonly bytesStored: number;
}

export const noCost: Cost = { operations: 0, transcendentals: 0, accesses: 0, bytesLoaded: 0, bytesStored: 0 };

/** `a + times * b`. */
export function addCost(a: Cost, b: Cost, times = 1): Cost {
  if (b === noCost) return a;
  return {
    operations: a.operations + times * b.operations,
    transcendentals: a.transcendentals + times * b.transcendentals,
    accesses: a.accesses + times * b.accesses,
    bytesLoaded: a.bytesLoaded + times * b.bytesLoaded,
    bytesStored: a.bytesStored + times * b.bytesStored,
  };
}

/** The size of an element in memory. */
export const bytesOf = ({ element }: Buffer) => elementInfo[element].bytes;

const componentwise = (width: number, operations: number, transcendentals = 0): Cost => {
  return { ...noCost, operations: width * operations, transcendentals: width * transcendentals };
};

const ofLibrary = (name: WgslFunction, width: number) => componentwise(width, ...wgslFunctions[name].cost);

/** The number of accesses of a store: a part of a word is first cleared and then set, atomically. */
export const accessesOfStore = (buffer: Buffer, width: number): number =>
  isPartOfWord(buffer) && width === buffer.type.width ? 2 : 1;

/** The cost of a store of this many elements, without those of the value and the index. */
export function costOfStore(buffer: Buffer, width: number): Cost {
  const library = bitsOf(buffer.element);
  const rounded = library === undefined ? noCost : ofLibrary(library, width);
  const accesses = accessesOfStore(buffer, width);
  // An atomic operation reads and writes its word in a cache that lanes share.
  if (accesses > 1) return { ...rounded, accesses, bytesLoaded: 4 * accesses, bytesStored: 4 * accesses };
  return { ...rounded, accesses, bytesStored: width * bytesOf(buffer) };
}

const costs = new WeakMap<KernelFunction, Cost>();

export function costOf(expression: Expression): Cost {
  let sum = noCost;
  for (const part of withParts(expression)) sum = addCost(sum, ownCost(part));
  return sum;
}

/** The cost of an expression without its parts. */
function ownCost(expression: Expression): Cost {
  const { width } = expression.type;
  switch (expression.kind) {
    case "literal":
    case "read":
    case "dimension":
    case "local":
    case "subgroupSize":
    case "component":
      return noCost;
    case "item":
      return { ...noCost, accesses: expression.variable.isShared ? 1 : 0 };
    case "load":
      return ofLoad(expression);
    case "unary":
    case "select":
    case "opaque":
      return componentwise(width, 1);
    case "binary":
      return isDivision(expression) ? componentwise(width, 0, 1) : componentwise(width, 1);
    case "call":
      return builtinFunctions[expression.name].isTranscendental ? componentwise(width, 0, 1) : componentwise(width, 1);
    case "library":
      return ofLibrary(expression.name, width);
    case "apply":
      return ofFunction(expression.callee);
    case "construct": {
      const converted = expression.args.filter(({ type }) => type.scalar !== expression.type.scalar);
      return componentwise(
        converted.reduce((sum, { type }) => sum + type.width, 0),
        1,
      );
    }
    case "shuffle":
      return { ...noCost, accesses: 1 };
    default:
      return expression satisfies never;
  }
}

/** Uniforms are as cheap as constants. The shifts that unpack an element are not counted, a conversion of its bits is. */
function ofLoad(load: ExpressionOf<"load">): Cost {
  const { buffer, type } = load;
  if (buffer.storage === "uniform") return noCost;
  const library = numberOf(buffer.element);
  const converted = library === undefined ? noCost : ofLibrary(library, type.width);
  return { ...converted, accesses: 1, bytesLoaded: bytesOfLoad(load) };
}

/** The bytes that a load reads from a storage buffer. */
export const bytesOfLoad = ({ buffer, type }: ExpressionOf<"load">) =>
  buffer.storage === "uniform" ? 0 : type.width * bytesOf(buffer);

function ofFunction(callee: KernelFunction): Cost {
  return getOrInsert(costs, callee, () =>
    callee.steps.reduce((sum, { value }) => addCost(sum, costOf(value)), costOf(callee.result)),
  );
}

/** Whether it is a division or remainder other than of an unsigned integer by a power of two, which is a shift or a mask. */
function isDivision({ operator, left, right }: ExpressionOf<"binary">): boolean {
  if (operator !== "/" && operator !== "%") return false;
  const isShift = right.kind === "literal" && Number.isInteger(Math.log2(right.value));
  return left.type.scalar !== "u32" || !isShift;
}
