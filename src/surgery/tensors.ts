/**
 * What is computed otherwise after the passes, told in tensors of the model.
 *
 * - imported: the function as it was read. A node is an op or several, from tensors to tensors.
 * - raised: with the norms found, before any of them is rewritten.
 * - made: the end. What stands for a value may hold its rows centered, where all that reads it takes them so.
 * - vanished: a tensor that no value of its own is computed for; what stands for it is another tensor, or a part of one.
 */

import { tensorsIn } from "../driver/model-tensors.ts";
import { constantValue, type Fn, type Op, presentOperands, type Value } from "../ir/ir.ts";
import type { Imported } from "../onnx/import.ts";
import { valuesOf } from "../pass/trail.ts";
import type { History } from "../pass-manager/history.ts";
import type { Passed, Raised } from "./passes.ts";

type Pair = readonly [Value, Value];

interface Pairing {
  /** Where it ends: values of the one side, and of the other. */
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
  /** How many centerings are left. */
  readonly centers: number;
  private readonly imported: Imported;
  private readonly history: History;
  /** How many passes ran before the norms were found. */
  private readonly found: number;
  /** The tensors that values are. */
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

  /** The tensor that a value made by the passes is, if it is one. */
  readonly tensorOf = (value: Value): string | undefined => this.made.get(value);

  /** For sorting: what is computed first. */
  readonly inOrder = (a: Value, b: Value) => this.position(a) - this.position(b);

  private position({ def }: Value): number {
    return def === undefined ? -1 : (this.positions.get(def) ?? -1);
  }

  /** The value of the imported function that a tensor is, and nothing where it is that of another tensor. */
  private own(tensor: string): Value | undefined {
    const value = this.imported.values.get(tensor);
    return value !== undefined && this.imported.tensors.get(value) === tensor ? value : undefined;
  }

  private standIn(value: Value, from = 0): Value | undefined {
    return this.history.trace(value, from).values[0];
  }

  /** Whether the value of a tensor was computed twice, or by the way, before the norms were found. */
  private isMerged(value: Value): boolean {
    const [then] = this.history.trace(value, 0, this.found).values;
    return then !== undefined && this.raised.get(then) !== this.imported.tensors.get(value);
  }

  /** What a tensor is now; nothing where its node can stay, for nothing that it is made of has changed. */
  now(tensor: string): TensorNow | undefined {
    const own = this.own(tensor);
    const value = own && this.standIn(own);
    if (own === undefined || value === undefined) return undefined;
    const vanished = this.tensorOf(value) !== tensor;
    return vanished && this.isMerged(own) && !this.changed.has(value) ? undefined : { value, vanished };
  }

  /** Whether the op of a tensor takes what it took when the norms had been found. */
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
   * What the node of a tensor must take instead of inputs that it has, by their values; nothing where other inputs are
   * not all that changes.
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

  /** Whether a node that takes the tensor of `x` may go on to do so where it should take `y`. */
  private isHeld(x: Value, y: Value): boolean {
    if (this.standIn(x) !== y) return false;
    // Of values that were computed twice one is left; the node may go on to take the other, unless that one changed.
    return isGlobal(x) || !this.isMerged(x) || !this.changed.has(y);
  }
}

/** New values and what is normalized, and all that is computed from them. */
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
