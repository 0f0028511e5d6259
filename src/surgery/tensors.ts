/**
 * Determines which tensors of the model the passes compute differently, by comparing three versions of the function.
 *
 * - imported: the function as imported. Each node is one or more ops between tensors.
 * - raised: after norms were recognized, before any is rewritten.
 * - made: the result. A value may be replaced by one with centered rows, if all its readers expect that.
 * - vanished: a tensor that has no value of its own any more: another tensor, or a part of one, replaces it.
 */

import { tensorsIn } from "../driver/model-tensors.ts";
import { constantValue, type Fn, type Op, presentOperands, type Value } from "../ir/ir.ts";
import type { Imported } from "../onnx/import.ts";
import { valuesOf } from "../pass/trail.ts";
import type { History } from "../pass-manager/history.ts";
import type { Passed, Raised } from "./passes.ts";

type Pair = readonly [Value, Value];

interface Pairing {
  /** The values of the first function, and of the second, at which the traversal ends. */
  readonly isInput: (value: Value) => boolean;
  readonly isTensor: (value: Value) => boolean;
  readonly found: Pair[];
}

/**
 * Traverses two ops in parallel down to inputs of the first, and records the corresponding values of the other.
 * @returns whether all else is the same.
 */
function pairs(a: Op, b: Op, pairing: Pairing): boolean {
  if (a.name !== b.name || a.operands.length !== b.operands.length) return false;
  return a.operands.every((x, i) => {
    const y = b.operands[i];
    if (x === undefined || y === undefined) return x === y;
    if (pairing.isInput(x)) return pairing.found.push([x, y]) > 0;
    if (x.def === undefined || y.def === undefined || x.index !== y.index || pairing.isTensor(y)) return false;
    return constantValue(x) === constantValue(y) && pairs(x.def, y.def, pairing);
  });
}

const isGlobal = ({ def }: Value) => def?.name === "global";

/** A tensor as it is after the passes. */
interface TensorNow {
  readonly value: Value;
  readonly vanished: boolean;
}

export class ModelTensors {
  /** The number of centerings. */
  readonly centers: number;
  private readonly imported: Imported;
  private readonly history: History;
  /** The number of passes up to the raised function. */
  private readonly found: number;
  /** The tensors of values in the raised function, and in the result. */
  private readonly raised: ReadonlyMap<Value, string>;
  private readonly made: ReadonlyMap<Value, string>;
  private readonly changed: ReadonlySet<Value>;
  private readonly positions: ReadonlyMap<Op, number>;

  constructor(imported: Imported, raised: Raised, { module, history }: Passed) {
    const fn = module.fns[0] as Fn;
    this.imported = imported;
    this.history = history;
    this.found = raised.history.runs.length;
    this.raised = raised.tensors;
    this.made = tensorsIn(fn, imported, history);
    this.changed = changedIn(fn, raised.fn);
    this.positions = new Map(fn.ops.map((op, i) => [op, i]));
    this.centers = fn.ops.filter(({ name }) => name === "center").length;
  }

  /** The tensor of a value of the result, if it has one. */
  readonly tensorOf = (value: Value): string | undefined => this.made.get(value);

  /** Compares values by their positions in the function. */
  readonly inOrder = (a: Value, b: Value) => this.position(a) - this.position(b);

  private position({ def }: Value): number {
    return def === undefined ? -1 : (this.positions.get(def) ?? -1);
  }

  /** The value of a tensor in the imported function; undefined if the tensor is an alias of another one. */
  private own(tensor: string): Value | undefined {
    const value = this.imported.values.get(tensor);
    return value !== undefined && this.imported.tensors.get(value) === tensor ? value : undefined;
  }

  private standIn(value: Value, from = 0): Value | undefined {
    return this.history.trace(value, from).values[0];
  }

  /** Whether the value of a tensor was merged with that of another one in the raised function. */
  private isMerged(value: Value): boolean {
    const [then] = this.history.trace(value, 0, this.found).values;
    return then !== undefined && this.raised.get(then) !== this.imported.tensors.get(value);
  }

  /** The value of a tensor after the passes; undefined if its node can stay, because nothing it depends on changed. */
  now(tensor: string): TensorNow | undefined {
    const own = this.own(tensor);
    const value = own && this.standIn(own);
    if (own === undefined || value === undefined) return undefined;
    const vanished = this.tensorOf(value) !== tensor;
    return vanished && this.isMerged(own) && !this.changed.has(value) ? undefined : { value, vanished };
  }

  /** Whether the op of a tensor has the same operands as in the raised function. */
  isSame(tensor: string): boolean {
    const own = this.own(tensor) as Value;
    const [was] = this.history.trace(own, 0, this.found).values;
    const is = this.standIn(own);
    if (was?.def === undefined || is?.def === undefined) return was === is;
    const found: Pair[] = [];
    const isInput = (value: Value) => this.raised.has(value);
    const same = pairs(was.def, is.def, { isInput, isTensor: (value) => this.made.has(value), found });
    return same && found.every(([x, y]) => this.standIn(x, this.found) === y);
  }

  /**
   * The replacements for inputs of a tensor's node, by their values; undefined if the node changes in another way.
   */
  exchanged(tensor: string): ReadonlyMap<Value, Value> | undefined {
    const was = this.own(tensor);
    const now = was && this.standIn(was);
    if (was?.def === undefined || now?.def === undefined) return undefined;
    const found: Pair[] = [];
    const isInput = (value: Value) => this.imported.tensors.has(value);
    if (!pairs(was.def, now.def, { isInput, isTensor: (value) => this.made.has(value), found })) return undefined;
    const result = new Map<Value, Value>();
    const kept = new Set<Value>();
    for (const [x, y] of found) {
      if (this.isHeld(x, y)) kept.add(x);
      else if (result.has(x) && result.get(x) !== y) return undefined;
      else result.set(x, y);
    }
    return [...result.keys()].some((x) => kept.has(x)) ? undefined : result;
  }

  /** Whether a node may keep the tensor of `x` as its input, although its value is now `y`. */
  private isHeld(x: Value, y: Value): boolean {
    if (this.standIn(x) !== y) return false;
    // A duplicate that was merged with y still has the same value in the model, unless y changed.
    return isGlobal(x) || !this.isMerged(x) || !this.changed.has(y);
  }
}

/** New values, results of RMSNorms, and everything that is computed from them. */
function changedIn(made: Fn, raised: Fn): ReadonlySet<Value> {
  const old = new Set(valuesOf(raised));
  const changed = new Set<Value>();
  for (const op of made.ops) {
    const isNew = op.name !== "constant" && op.results.some((result) => !old.has(result));
    if (!isNew && op.name !== "rmsnorm" && !presentOperands(op).some((operand) => changed.has(operand))) continue;
    for (const result of op.results) changed.add(result);
  }
  return changed;
}
