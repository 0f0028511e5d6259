/** WGSL expressions of elementwise ops, from their rows in the op table. */

import type { Op } from "../src/ir/ir.ts";
import type { ElementwiseDef, WgslContext } from "../src/ir/ops/def.ts";
import { ops, symbolOf } from "../src/ir/ops/index.ts";
import type { WgslFunction } from "../src/ir/ops/wgsl-functions.ts";
import { printNumber } from "../src/ir/print.ts";
import { type ElementType, isInteger } from "../src/ir/types.ts";

/** The type in which elements are computed: halves in f32. */
export type Computed = Exclude<ElementType, "f16">;

export function computedType(element: ElementType): Computed {
  return element === "f16" ? "f32" : element;
}

export function wgslType(element: ElementType, width: number): string {
  const scalar = computedType(element);
  if (width === 1) return scalar;
  return scalar === "bool" ? `vec${width}<bool>` : `vec${width}${scalar[0]}`;
}

/** A library function that the kernel calls, at a width. */
export type Require = (name: WgslFunction, width: number) => string;

/** A literal of the type in which `element` is computed. Negative ones stand in parentheses. */
export function printConstant(value: number, element: ElementType, width: number, require: Require): string {
  const text = scalarConstant(value, computedType(element), require);
  return width === 1 ? text : `${wgslType(element, width)}(${text})`;
}

function scalarConstant(value: number, element: Computed, require: Require): string {
  if (element === "bool") return String(value !== 0);
  if (element === "u32") return `${value}u`;
  if (element === "i32") return value < 0 ? `i32(${value})` : `${value}i`;
  if (Number.isNaN(value)) return `${require("nan", 1)}()`;
  if (!Number.isFinite(value)) return `${value < 0 ? "-" : ""}${require("infinity", 1)}()`.replace(/^-.*/, "($&)");
  const rounded = Math.fround(value);
  if (!Number.isFinite(rounded)) return scalarConstant(rounded, element, require);
  const text = printNumber(value);
  const float = /[.e]/.test(text) ? text : `${text}.0`;
  return value < 0 || Object.is(value, -0) ? `(${float})` : float;
}

/** An operand of the expression: its text, its element type and how wide it is; a constant has its number. */
export interface Argument {
  readonly text: string;
  readonly element: ElementType;
  readonly width: number;
  readonly constant?: number | undefined;
}

/** Operators that take a vector and a scalar. */
const mixesWidths: ReadonlySet<string | undefined> = new Set(["+", "-", "*", "/"]);

/** The op on these arguments, `width` elements at a time. */
export function printElementwise(op: Op, args: readonly Argument[], width: number, require: Require): string {
  const def = ops[op.name] as ElementwiseDef;
  const element = (args.at(-1) as Argument).element;
  const mixes = args.length === 2 && mixesWidths.has(symbolOf[op.name]) && args.some((arg) => arg.width === width);
  const texts = args.map((arg) =>
    arg.width === width || mixes ? arg.text : `${wgslType(arg.element, width)}(${arg.text})`,
  );
  const context: WgslContext = {
    element: computedType(element),
    declared: element,
    attributes: op.attributes,
    type: (of) => wgslType(of, width),
    literal: (value) => printConstant(value, element, width, require),
    call: (name, ...rest) => `${require(name, width)}(${rest.join(", ")})`,
    constant: (operand) => args[operand]?.constant,
  };
  return def.wgsl(texts, context);
}

/** Whether the constants of the op must be bound to names: WGSL computes constant expressions itself, and refuses some. */
export function bindsConstants(op: Op, args: readonly Argument[]): boolean {
  const { isPartial } = ops[op.name] as ElementwiseDef;
  return (isPartial && isInteger((args[0] as Argument).element)) || args.every((arg) => arg.constant !== undefined);
}
