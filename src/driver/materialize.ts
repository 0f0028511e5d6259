/** Evaluates computed constants, so that a program can be run without its original weights. */

import * as constErrors from "../diagnostics/areas/consts.ts";
import { checkArgument } from "../diagnostics/arguments.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { checkModule } from "../ir/arguments.ts";
import { roundTo } from "../ir/float16.ts";
import type { Constants } from "../ir/interpret.ts";
import { type Const, type Module, makeModule } from "../ir/ir.ts";
import { meanTolerance, rowMeans } from "../ir/row-means.ts";
import type { Tensor } from "../ir/tensor.ts";

/** An evaluated constant that passes have added. */
export interface NewConstant {
  readonly name: string;
  /** Evaluated in float64, then rounded to its element type. */
  readonly tensor: Tensor;
  /** For a centered constant: the largest mean that remains after rounding, relative to the largest element of its row. */
  readonly residual: number | undefined;
}

/** A module without computed constants, and the constants that it reads instead. */
export interface Materialized {
  /** Computed constants that a function reads are loaded from `file` now, under their names. Others are removed. */
  readonly module: Module;
  readonly constants: readonly NewConstant[];
}

/** A computed constant, which is evaluated on demand. */
interface ComputedConstant {
  readonly constant: Const;
  /** Throws TircError E0671 if it is centered, but has a row whose mean is not zero after rounding. */
  readonly compute: () => NewConstant;
}

/** The computed constants that a function reads. */
export function computedConstants(module: Module, constants: Constants): ComputedConstant[] {
  const read = readConstants(module);
  const byName = new Map(module.consts.map((constant) => [constant.name, constant]));
  return module.consts
    .filter(({ name, data }) => data.kind === "computed" && read.has(name))
    .map((constant) => ({ constant, compute: () => computed(constant, byName, constants) }));
}

function computed(constant: Const, byName: ReadonlyMap<string, Const>, constants: Constants): NewConstant {
  const { name, data } = constant;
  const tensor = rounded(constants(name));
  // A constant that was centered in another shape, head by head, has a mean of zero in that shape.
  const isReshaped = data.kind === "computed" && data.op === "reshape";
  const inner = isReshaped ? byName.get(data.operands[0] as string) : constant;
  const isCenter = inner?.data.kind === "computed" && inner.data.op === "center";
  const axes = isCenter ? (inner.data.attributes.axes as readonly number[]) : constant.centered;
  const seen = isCenter ? { ...tensor, shape: inner.type.shape as number[] } : tensor;
  return { name, tensor, residual: axes.length === 0 ? undefined : residualOf(constant, seen, axes) };
}

/**
 * Replaces computed constants by constants that are loaded from a file.
 * @param constants returns the tensors of the module's constants: `constantsOf(module, load)`.
 * @throws TircError E0671 if a centered constant has a row whose mean is not zero after rounding.
 * @param file the name by which the new module refers to the file of the new constants, which the caller writes.
 */
export function materialize(module: Module, constants: Constants, file: string): Materialized {
  checkModule("materialize", module);
  checkArgument("the second argument", "materialize", constants, {
    what: "a function that gives the tensors of constants",
    holds: (value) => typeof value === "function",
    help: () => ["`constantsOf(module, load)` makes one"],
  });
  const read = readConstants(module);
  const made = computedConstants(module, constants).map(({ compute }) => compute());
  const consts = module.consts.flatMap((constant): Const[] => {
    const { name, data } = constant;
    if (data.kind !== "computed") return [constant];
    if (!read.has(name)) return [];
    const centered = data.op === "center" ? (data.attributes.axes as readonly number[]) : constant.centered;
    return [{ ...constant, centered, data: { kind: "load", file, tensor: name } }];
  });
  return { module: makeModule(module.fns, withoutUnread(consts, read, module)), constants: made };
}

/** The names of all constants that functions read. */
export function readConstants(module: Module): Set<string> {
  const globals = module.fns.flatMap((fn) => fn.ops.filter((op) => op.name === "global"));
  return new Set(globals.map((op) => op.attributes.name as string));
}

/** Removes the constants that only computed constants read. */
function withoutUnread(consts: readonly Const[], read: ReadonlySet<string>, module: Module): Const[] {
  const operands = module.consts.flatMap(({ data }) => (data.kind === "computed" ? data.operands : []));
  return consts.filter(({ name }) => read.has(name) || !operands.includes(name));
}

function rounded(tensor: Tensor): Tensor {
  return { ...tensor, data: tensor.data.map(roundTo[tensor.element]) };
}

function residualOf({ name, span }: Const, tensor: Tensor, axes: readonly number[]): number {
  const { means, sizes } = rowMeans(tensor, { axes });
  const parts = means.map((mean, row) => (mean === 0 ? 0 : Math.abs(mean) / (sizes[row] as number)));
  const row = parts.findIndex((part) => !(part <= meanTolerance[tensor.element as keyof typeof meanTolerance]));
  if (row >= 0) fail(constErrors.notCentered(span, name, row, means[row] as number));
  return parts.reduce((most, part) => Math.max(most, part), 0);
}
