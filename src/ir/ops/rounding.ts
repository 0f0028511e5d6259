/** Rows of the op table for rounding to integers and to other element types. */

import { call, construct, type Expression, equals, library as libraryCall, select } from "../../kernel/expression.ts";
import type { Elements } from "../field/prime.ts";
import { roundTo } from "../float16.ts";
import {
  type ByteType,
  type ElementType,
  elementInfo,
  isByte,
  isComputedFloat,
  isFloat,
  isInteger,
  isNarrow,
} from "../types.ts";
import { anyElement, type KernelContext } from "./def.ts";
import { builtin, by, jumps, unary } from "./elementwise.ts";
import { roundHalfEven } from "./math.ts";
import { exactly } from "./numerics.ts";

function rounding(name: "floor" | "ceil" | "round" | "trunc", summary: string, scalar: (x: number) => number) {
  return unary({
    summary,
    cost: "high",
    facts: { idempotent: true, jumps: true },
    scalar,
    kernel: builtin(name),
    numerics: { error: exactly, special: "nan inf -inf -0" },
    exact: (field, [x]) => field.round("whole", name, x),
    vjp: jumps,
  });
}

export const floor = rounding("floor", "Largest integer not above x.", Math.floor);
export const ceil = rounding("ceil", "Smallest integer not below x.", Math.ceil);
export const round = rounding("round", "Nearest integer, halves to the even one.", roundHalfEven);
export const trunc = rounding("trunc", "Integer part.", Math.trunc);

/**
 * WGSL's conversions: floats to integers truncate and saturate to what an f32 can hold; integers keep their bits, but to
 * bytes they saturate as well. Conversions to narrow floats round; f32 stays float64 here.
 */
function convert(x: number, from: ElementType, to: ElementType): number {
  if (to === "bool") return x === 0 ? 0 : 1;
  if (to === "f32") return x;
  if (isFloat(to)) return roundTo[to](x);
  if (isByte(to)) {
    const [least, most] = elementInfo[to].range;
    return Number.isNaN(x) ? 0 : Math.min(Math.max(Math.trunc(x), least), most);
  }
  if (isInteger(from)) return to === "i32" ? x | 0 : x >>> 0;
  const [low, high] = to === "i32" ? [-(2 ** 31), 2 ** 31 - 128] : [0, 2 ** 32 - 256];
  return Number.isNaN(x) ? 0 : Math.min(Math.max(Math.trunc(x), low), high);
}

/** Saturates to the range of a byte. NaN becomes 0. */
function toByte(x: Expression, to: ByteType, at: Pick<KernelContext, "element" | "type" | "literal">): Expression {
  const [least, most] = elementInfo[to].range;
  if (at.element === "bool") return construct(at.type(to), x);
  const number = at.element === "f32" ? select(at.literal(0), x, equals(x, x)) : x;
  const raised = at.element === "u32" ? number : call("max", number, at.literal(least));
  const limited = call("min", raised, at.literal(most));
  return at.element === elementInfo[to].computed ? limited : construct(at.type(to), limited);
}

export const cast = unary({
  summary:
    "Converts x to another element type. From float to integer it truncates and saturates; to a narrower float it rounds, and to f8e4m3 and f8e5m2 finite numbers saturate as well. Integers wrap, except to i8 and u8, where they saturate.",
  attributes: { to: { summary: "The element type of the result.", type: "element" } },
  elements: anyElement,
  result: "to",
  cost: "low",
  facts: { rowMeanZero: "sum" },
  scalar: (x, _b, _c, { element, attributes }) => convert(x, element, attributes.to),
  kernel: ([x], at) => {
    const { to } = at.attributes;
    if (isNarrow(to)) {
      const wide = at.element === "f32" ? x : construct(at.type("f32"), x);
      return libraryCall(`round_to_${to}`, wide);
    }
    if (isByte(to)) return toByte(x, to, at);
    // The conversion of NaN to an integer depends on the driver.
    if (isInteger(to) && at.element === "f32") return construct(at.type(to), select(at.literal(0), x, equals(x, x)));
    return isFloat(to) && at.element === "f32" ? x : construct(at.type(to), x);
  },
  numerics: {
    error: exactly,
    special: [
      ...["nan, f16: nan", "inf, f16: inf", "-0, f16: -0", "65520, f16: inf", "nan, bool: true", "-0, bool: false"],
      ...["nan, f8e4m3: nan", "inf, f8e4m3: 448", "500, f8e4m3: 448", "inf, f8e5m2: inf", "70000, f8e5m2: 57344"],
      ...["nan, i32: 0", "nan, u32: 0", "inf, i32: 2147483520", "-inf, i32: -2147483648"],
      ...["-inf, u32: 0", "inf, u32: 4294967040"],
    ],
  },
  // Between floats, a cast rounds to narrow types only; bools are 0 and 1; integers are whole, saturate to the range of a
  // byte, and wrap in a way that is uninterpreted.
  exact: (field, [x], { element, attributes: { to } }) => {
    if (element === "bool") return x;
    if (to === "bool") return field.not(field.equal(x, field.integer(0)));
    if (isNarrow(to)) return field.round(to, to, x);
    if (to === "f32") return x;
    const [from, wide] = [elementInfo[element].computed, elementInfo[to].computed];
    const converted = () => {
      if (from === wide) return x;
      return isFloat(element) ? field.round("whole", `to ${wide}`, x) : field.apply(`${from} to ${wide}`, [x]);
    };
    if (!isByte(to)) return converted();
    const [least, most] = elementInfo[to].range.map((end) => field.integer(end)) as [Elements, Elements];
    const limited = field.select(field.above(x, most), most, converted());
    return from === "u32" ? limited : field.select(field.below(x, least), least, limited);
  },
  // Between floats; integers have no derivative.
  vjp: by((t, { x, dy }) =>
    isComputedFloat(x.element) && x.element !== dy.element ? t.op("cast", [dy], { to: x.element }) : dy,
  ),
});
