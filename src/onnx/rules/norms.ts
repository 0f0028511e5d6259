/** LayerNorm, RMSNorm, GroupNorm and InstanceNorm, in ONNX and in onnxruntime (`com.microsoft`). */

import type { Value } from "../../ir/ir.ts";
import { type ElementType, isFloat, sameShape } from "../../ir/types.ts";
import { decline, extentOf, type NodeView, type Rule } from "../node.ts";

/** The axes from `axis` on, counted from the front. */
function axesFrom(at: NodeView, x: Value): number[] {
  const rank = x.shape.length;
  const first = at.axis(at.int("axis", -1), rank);
  return Array.from({ length: rank - first }, (_, i) => first + i);
}

interface Norm {
  readonly op: "layernorm" | "rmsnorm";
  readonly x: Value;
  readonly axes: readonly number[];
  readonly eps: number;
  readonly gamma: Value | undefined;
  readonly beta?: Value | undefined;
}

/**
 * The norm over `axes` with its gamma and beta. ONNX broadcasts these; if they do not have the shape of the row, they are
 * applied by ops behind the norm. If types differ, the norm is computed in f32 and the result has the type of the scale:
 * opset 23 specifies this for RMSNormalization, and onnxruntime does it for all of these ops.
 */
function normalized(at: NodeView, norm: Norm): Value {
  const { x, gamma, beta } = norm;
  const element = gamma?.element ?? x.element;
  const all = [x, gamma, beta].flatMap((value) => value ?? []);
  const isMixed = all.some((value) => value.element !== element) && all.every((value) => isFloat(value.element));
  if (!isMixed) return affineNorm(at, norm);
  const wide = (value: Value) => converted(at, value, "f32");
  const operands = { x: wide(x), gamma: gamma && wide(gamma), beta: beta && wide(beta) };
  return converted(at, affineNorm(at, { ...norm, ...operands }), element);
}

const converted = (at: NodeView, value: Value, to: ElementType): Value =>
  value.element === to ? value : at.emit("cast", [value], { to });

function affineNorm(at: NodeView, { op, x, axes, eps, gamma, beta }: Norm): Value {
  const row = axes.map((axis) => x.shape[axis] as number | string);
  const fits = (value: Value | undefined) => value === undefined || sameShape(value.shape, row);
  if (fits(gamma) && fits(beta)) {
    if (op === "layernorm") return at.emit(op, [x, gamma, beta], { axes, eps });
    const scaled = at.emit(op, [x, gamma], { axes, eps });
    return beta === undefined ? scaled : at.emit("add", [scaled, beta]);
  }
  const plain = at.emit(op, [x], { axes, eps });
  const scaled = gamma === undefined ? plain : at.emit("mul", [plain, gamma]);
  const result = beta === undefined ? scaled : at.emit("add", [scaled, beta]);
  return sameShape(result.shape, x.shape) ? result : decline("its scale or bias has more elements than its input");
}

/** The mean and the inverse standard deviation if those outputs are used, in f32 whatever the type of x. */
function statistics(
  at: NodeView,
  input: Value,
  axes: readonly number[],
  eps: number,
  first: number,
): (Value | undefined)[] {
  if (!at.wants(first) && !at.wants(first + 1)) return [undefined, undefined];
  if (at.int("stash_type", 1) !== 1) decline("its statistics are not f32");
  const x = converted(at, input, "f32");
  const reduced = (op: "mean" | "var") => at.emit(op, [x], { axes, keepdims: true });
  const inverse = () => at.emit("rsqrt", [at.emit("add", [reduced("var"), at.constant(x.element, eps)])]);
  return [at.wants(first) ? reduced("mean") : undefined, at.wants(first + 1) ? inverse() : undefined];
}

const layerNorm: Rule = (at) => {
  const x = at.input(0);
  const axes = axesFrom(at, x);
  const eps = at.float("epsilon", 1e-5);
  const rest = statistics(at, x, axes, eps, 1);
  return [normalized(at, { op: "layernorm", x, axes, eps, gamma: at.optional(1), beta: at.optional(2) }), ...rest];
};

const rmsNorm: Rule = (at) => {
  if (at.wants(1)) decline("its second output is used");
  const x = at.input(0);
  const eps = at.float("epsilon", 1e-5);
  return normalized(at, { op: "rmsnorm", x, axes: axesFrom(at, x), eps, gamma: at.optional(1) });
};

/** The norm of the sum of two streams and a bias, and the sum itself. */
function skip(op: "layernorm" | "rmsnorm"): Rule {
  return (at) => {
    const [bias, gamma] = [at.optional(op === "layernorm" ? 4 : 3), at.input(2)];
    const sum = at.emit("add", [at.input(0), at.input(1)]);
    const stream = bias === undefined ? sum : at.emit("add", [sum, bias]);
    const axes = [stream.shape.length - 1];
    const eps = at.float("epsilon", 1e-12);
    const beta = op === "layernorm" ? at.optional(3) : undefined;
    if (op === "rmsnorm" && (at.wants(1) || at.wants(2))) decline("its mean or its inverse deviation is used");
    const rest = op === "layernorm" ? statistics(at, stream, axes, eps, 1) : [undefined, undefined];
    return [normalized(at, { op, x: stream, axes, eps, gamma, beta }), ...rest, stream];
  };
}

/** Before opset 21, gamma and beta have an element per group: repeat it for each channel of the group. */
function perChannel(at: NodeView, value: Value, groups: number, channels: number): Value {
  if (at.opset >= 21) return value;
  const column = at.reshape(value, [groups, 1]);
  return at.reshape(at.emit("broadcast", [column], { shape: [groups, channels / groups] }), [channels]);
}

const groupNorm: Rule = (at) => {
  const x = at.input(0);
  const groups = at.int("num_groups", 1);
  const eps = at.float("epsilon", 1e-5);
  const channels = at.opset >= 21 ? 0 : extentOf(x, 1);
  const [gamma, beta] = [at.input(1), at.input(2)].map((value) => perChannel(at, value, groups, channels));
  return at.emit("groupnorm", [x, gamma, beta], { groups, eps });
};

/** Each channel is a group of its own. */
const instanceNorm: Rule = (at) => {
  const x = at.input(0);
  const eps = at.float("epsilon", 1e-5);
  return at.emit("groupnorm", [x, at.input(1), at.input(2)], { groups: extentOf(x, 1), eps });
};

export const normRules: Readonly<Record<string, Rule>> = {
  ":LayerNormalization": layerNorm,
  ":RMSNormalization": rmsNorm,
  ":SimplifiedLayerNormalization": rmsNorm,
  "com.microsoft:SimplifiedLayerNormalization": rmsNorm,
  "com.microsoft:SkipLayerNormalization": skip("layernorm"),
  "com.microsoft:SkipSimplifiedLayerNormalization": skip("rmsnorm"),
  ":GroupNormalization": groupNorm,
  ":InstanceNormalization": instanceNorm,
};
