/**
 * What is computed otherwise after the passes, told in tensors of the model.
 *
 * - imported: the function as it was read, in which every tensor of the model is a value of its name.
 * - before: after the norms were found, before centerings moved. A name still stands for the same numbers.
 * - after: the end. A value of the same name may be the centered one, if all that read it take it so.
 * - vanished: a value that is not in `after`; what is read instead is its stand-in.
 */

import { constantValue, type Fn, type Op, presentOperands, type Result, type Value } from "../ir/ir.ts";
import type { Imported } from "../onnx/import.ts";
import type { Passed } from "./passes.ts";

export interface Stages {
  readonly imported: Imported;
  readonly merged: Passed["merged"];
  readonly before: Fn;
  readonly after: Fn;
}

type Pair = readonly [Value, Value];

function namedValues(fn: Fn): Map<string, Value> {
  const values = [...fn.params, ...fn.ops.filter(({ name }) => name !== "global").flatMap((op) => op.results)];
  return new Map(values.flatMap((value) => (value.name === undefined ? [] : [[value.name, value]])));
}

interface Walk {
  /** Where it ends: values of the one side, and of the other. */
  readonly isInput: (value: Value) => boolean;
  readonly isTensor: (value: Value) => boolean;
  readonly found: Pair[];
}

/**
 * Walks two ops down to values that are inputs of the first, and notes what stands in the other op in their place.
 * @returns whether all else is the same.
 */
function pairs(a: Op, b: Op, walk: Walk): boolean {
  if (a.name !== b.name || a.operands.length !== b.operands.length) return false;
  return a.operands.every((x, i) => {
    const y = b.operands[i];
    if (x === undefined || y === undefined) return x === y;
    if (walk.isInput(x)) return walk.found.push([x, y]) > 0;
    if (x.def === undefined || y.def === undefined || x.index !== y.index || walk.isTensor(y)) return false;
    return constantValue(x) === constantValue(y) && pairs(x.def, y.def, walk);
  });
}

export class Comparison {
  private readonly imported: Imported;
  private readonly before: ReadonlyMap<string, Value>;
  private readonly after: ReadonlyMap<string, Value>;
  private readonly loaded: ReadonlySet<string>;
  private readonly standIns = new Map<string, Value>();
  private readonly moved: ReadonlySet<Value>;
  /** How many centerings are left. */
  readonly centers: number;
  private readonly positions: ReadonlyMap<Op, number>;

  constructor({ imported, merged, before, after }: Stages) {
    this.imported = imported;
    this.before = namedValues(before);
    this.after = namedValues(after);
    this.loaded = new Set(imported.module.consts.map(({ name }) => name));
    this.positions = new Map(after.ops.map((op, i) => [op, i]));
    this.moved = this.downstream(after);
    this.centers = after.ops.filter(({ name }) => name === "center").length;
    for (const [name, value] of this.before) {
      const now = this.after.get(name);
      if (value.def !== undefined && now?.def !== undefined) this.findStandIns(this.operands(value.def, now.def).found);
    }
    for (const [i, { value }] of after.results.entries()) {
      this.findStandIns([[(before.results[i] as Result).value, value]]);
    }
    for (const [name, stays] of merged) {
      const value = this.after.get(stays) ?? this.standIns.get(stays);
      if (value !== undefined && this.moved.has(value)) this.standIns.set(name, value);
    }
  }

  /** The tensor of the model that a value of `after` is, if it is one. */
  tensorOf(value: Value): string | undefined {
    const { tensors } = this.imported;
    if (value.def?.name === "global") {
      const name = value.def.attributes.name as string;
      return this.loaded.has(name) ? tensors.get(name) : undefined;
    }
    return value.name !== undefined && this.before.has(value.name) ? tensors.get(value.name) : undefined;
  }

  private readonly isTensor = (value: Value) => this.tensorOf(value) !== undefined;

  /** The value of the imported function that a tensor is, and nothing where it is one of another name. */
  private own(tensor: string): Value | undefined {
    const value = this.imported.values.get(tensor);
    return value?.name !== undefined && this.imported.tensors.get(value.name) === tensor ? value : undefined;
  }

  /** For sorting: what is computed first. */
  readonly inOrder = (a: Value, b: Value) => this.position(a) - this.position(b);

  private position({ def }: Value): number {
    return def === undefined ? -1 : (this.positions.get(def) ?? -1);
  }

  /** What a tensor is now; nothing where no op is left that computes it, or it never had a value of its own. */
  now(tensor: string): { readonly value: Value; readonly vanished: boolean } | undefined {
    const name = this.own(tensor)?.name;
    const kept = name !== undefined && this.before.has(name) ? this.after.get(name) : undefined;
    const value = kept ?? this.standIns.get(name ?? "");
    return value && { value, vanished: kept === undefined };
  }

  /** Whether the op of a tensor takes what it took before the centerings moved. */
  isSame(tensor: string): boolean {
    const name = this.own(tensor)?.name as string;
    const [was, is] = [this.before.get(name)?.def, this.after.get(name)?.def];
    if (was === undefined || is === undefined) return was === is;
    const { same, found } = this.operands(was, is);
    return same && found.every(([x, y]) => this.isUnchanged(x, y));
  }

  /**
   * What the node of a tensor must take instead of inputs that it has, by their values; nothing where other inputs are
   * not all that changes.
   */
  exchanged(tensor: string): ReadonlyMap<Value, Value> | undefined {
    const { tensors } = this.imported;
    const was = this.own(tensor);
    const now = this.after.get(was?.name as string);
    if (was?.def === undefined || now?.def === undefined) return undefined;
    const found: Pair[] = [];
    const isNamed = (value: Value) => value.name !== undefined && tensors.has(value.name);
    if (!pairs(was.def, now.def, { isInput: isNamed, isTensor: this.isTensor, found })) return undefined;
    const result = new Map<Value, Value>();
    const kept = new Set<Value>();
    for (const [x, y] of found) {
      // Of values that were computed twice one is left; the node may go on to take the other, unless that one moved.
      const isMerged = x.def?.name !== "global" && !this.before.has(x.name as string);
      if (isMerged ? !this.moved.has(y) : this.isUnchanged(x, y)) kept.add(x);
      else if (result.has(x) && result.get(x) !== y) return undefined;
      else result.set(x, y);
    }
    return [...result.keys()].some((x) => kept.has(x)) ? undefined : result;
  }

  /** Whether `y` stands in `after` where `x` stood, and is it or its stand-in. */
  private isUnchanged(x: Value, y: Value): boolean {
    const name = x.name as string;
    if (this.tensorOf(y) === this.imported.tensors.get(name)) return true;
    return x.def?.name !== "global" && this.before.has(name) && !this.after.has(name);
  }

  private operands(was: Op, is: Op): { same: boolean; found: Pair[] } {
    const found: Pair[] = [];
    const isInput = (value: Value) =>
      value.def?.name === "global" || (value.name !== undefined && this.before.has(value.name));
    return { same: pairs(was, is, { isInput, isTensor: this.isTensor, found }), found };
  }

  private findStandIns(found: readonly Pair[]): void {
    for (const [{ name, def }, y] of found) {
      const isGone = name !== undefined && def?.name !== "global" && this.before.has(name) && !this.after.has(name);
      if (isGone && !this.standIns.has(name)) this.standIns.set(name, y);
    }
  }

  /** New values and what is normalized, and all that is computed from them. */
  private downstream({ ops }: Fn): Set<Value> {
    const moved = new Set<Value>();
    for (const op of ops) {
      const isNew = op.results.some((result) => this.tensorOf(result) === undefined) && op.name !== "constant";
      if (!isNew && op.name !== "rmsnorm" && !presentOperands(op).some((operand) => moved.has(operand))) continue;
      for (const result of op.results) moved.add(result);
    }
    return moved;
  }
}
