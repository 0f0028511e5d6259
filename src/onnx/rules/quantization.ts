/** Quantization and dequantization. */

import type { Value } from "../../ir/ir.ts";
import { elementInfo, type Float8, isByte, isFloat, isFloat8 } from "../../ir/types.ts";
import { typeName } from "../data-types.ts";
import { decline, type NodeView, type Rule } from "../node.ts";

/** A scale or a zero point, per tensor or per index along the axis, in a shape that broadcasts to x. */
function alongAxis(at: NodeView, x: Value, index: number): Value {
  const given = at.input(index);
  if (given.shape.length === 0) return given;
  if (at.int("block_size", 0) !== 0 || given.shape.length > 1) decline("its scales are per block");
  if (given.shape[0] === 1) return at.reshape(given, []);
  const axis = at.axis(at.int("axis", 1), x.shape.length);
  if (given.shape[0] !== x.shape[axis]) decline(`it does not have a scale for each index along axis ${axis}`);
  return at.reshape(
    given,
    x.shape.map((_, i) => (i === axis ? (given.shape[0] as number) : 1)),
  );
}

const inFloat = (at: NodeView, value: Value): Value => at.emit("cast", [value], { to: "f32" });

/** (x - zero) * scale, computed in f32 and rounded to the type of the scale. The zero point of an f8 is 0. */
const dequantize: Rule = (at) => {
  const x = at.input(0);
  if (isFloat(x.element) && !isFloat8(x.element)) decline("its input is a tensor of floats");
  const scale = alongAxis(at, x, 1);
  const moved =
    at.has(2) && !isFloat8(x.element)
      ? at.emit("sub", [inFloat(at, x), inFloat(at, alongAxis(at, x, 2))])
      : inFloat(at, x);
  const y = at.emit("mul", [moved, scale.element === "f32" ? scale : inFloat(at, scale)]);
  const to = at.elementOf(at.int("output_dtype", 0)) ?? scale.element;
  return to === "f32" ? y : at.emit("cast", [y], { to });
};

/** round(x / scale) + zero, rounding half to even and saturating, as a cast does. */
function quantized(at: NodeView, x: Value, scale: Value, zero: Value | undefined, to: "i8" | "u8"): Value {
  const rounded = at.emit("round", [at.emit("div", [x, scale])]);
  return at.emit("cast", [zero === undefined ? rounded : at.emit("add", [rounded, zero])], { to });
}

const quantize: Rule = (at) => {
  const x = at.input(0);
  const element = at.result().element;
  const to = element === undefined ? undefined : at.elementOf(element);
  if (to === undefined || !(isByte(to) || isFloat8(to)))
    decline(`its result has ${element === undefined ? "an unknown type" : `the type ${typeName(element)}`}`);
  if (x.element !== "f32") decline(`it quantizes ${x.element}, and not f32`);
  const scale = alongAxis(at, x, 1);
  if (scale.element !== "f32") decline(`its scale is ${scale.element}, and not f32`);
  if (isFloat8(to)) return toFloat8(at, at.emit("div", [x, scale]), to);
  return quantized(at, x, scale, at.has(2) ? inFloat(at, alongAxis(at, x, 2)) : undefined, to);
};

/** The scale and the zero point map [min(x, 0), max(x, 0)] to 0..255. */
const dynamicQuantize: Rule = (at) => {
  const x = at.input(0);
  const axes = [...x.shape.keys()];
  const end = (op: "min" | "max") => {
    const most = axes.length === 0 ? x : at.emit(op, [x], { axes });
    return at.emit(op === "min" ? "minimum" : "maximum", [most, at.constant("f32", 0)]);
  };
  const [low, high] = [end("min"), end("max")];
  const { range } = elementInfo.u8;
  const [least, most] = range.map((limit) => at.constant("f32", limit)) as [Value, Value];
  const width = at.emit("sub", [high, low]);
  // The standard leaves the scale of all zeros open; onnxruntime takes 1.
  const isEmpty = at.emit("eq", [width, at.constant("f32", 0)]);
  const scale = at.emit("where", [isEmpty, at.constant("f32", 1), at.emit("div", [width, most])]);
  const from = at.emit("neg", [at.emit("div", [low, scale])]);
  const zero = at.emit("round", [at.emit("clamp", [from, least, most])]);
  return [quantized(at, x, scale, zero, "u8"), scale, at.emit("cast", [zero], { to: "u8" })];
};

/** Converts to an f8, where ONNX makes the largest number of infinities too; a cast of the language does so only where f8 has none. */
export function toFloat8(at: NodeView, x: Value, to: Float8): Value {
  if (at.int("saturate", 1) === 0) decline("it does not saturate");
  const isLimited = isFloat(x.element) && elementInfo[to].noInfinity !== true;
  const number = isLimited && isFloat8(x.element) ? inFloat(at, x) : x;
  const [least, most] = [-1, 1].map((sign) => at.constant(number.element, sign * elementInfo[to].range[1]));
  const limited = isLimited ? at.emit("clamp", [number, least as Value, most as Value]) : x;
  return at.emit("cast", [limited], { to });
}

/** Converts an integer to a byte by truncation, as ONNX does; a cast of the language saturates. */
export function lastByte(at: NodeView, given: Value, to: "i8" | "u8"): Value {
  const number = (value: number) => at.constant("i32", value);
  // A cast between 32-bit integers keeps all bits.
  const x = given.element === "i32" ? given : at.emit("cast", [given], { to: "i32" });
  const [least, most] = elementInfo[to].range;
  let rest = at.emit("rem", [x, number(256)]);
  rest = at.emit("where", [at.emit("gt", [rest, number(most)]), at.emit("sub", [rest, number(256)]), rest]);
  rest = at.emit("where", [at.emit("lt", [rest, number(least)]), at.emit("add", [rest, number(256)]), rest]);
  return at.emit("cast", [rest], { to });
}

export const quantizationRules: Readonly<Record<string, Rule>> = {
  ":DequantizeLinear": dequantize,
  "com.microsoft:DequantizeLinear": dequantize,
  ":QuantizeLinear": quantize,
  "com.microsoft:QuantizeLinear": quantize,
  ":DynamicQuantizeLinear": dynamicQuantize,
};
