/** Elementwise ops. */

import { type AtenRule, type AtenView, each } from "../aten-view.ts";
import { bool, float32, type ScalarType, scalarTypes } from "../tensor-meta.ts";

const unary =
  (opType: string): AtenRule =>
  (at) =>
    at.make(opType, [at.operand("self", at.resultType())]);

/** The wider type of two operands; a number takes the type of the tensor, unless it is a fraction and the tensor integral. */
function promoted(at: AtenView): ScalarType {
  const order = [...scalarTypes.keys()];
  const given = ["self", "other"].flatMap((name) => (at.tensorName(name) === undefined ? [] : [at.typeOf(name)]));
  const [first] = given.toSorted((a, b) => order.indexOf(b.number) - order.indexOf(a.number));
  if (first === undefined) return at.decline();
  const isFraction = given.length === 1 && first.kind !== "float" && !Number.isInteger(at.float("other", 0));
  return isFraction ? float32 : first;
}

/** The operands are converted to the type of the result. */
const binary =
  (opType: string): AtenRule =>
  (at) => {
    const type = at.resultType();
    at.make(opType, [at.operand("self", type), at.operand("other", type)]);
  };

const sum =
  (opType: string): AtenRule =>
  (at) => {
    const type = at.resultType();
    const alpha = at.float("alpha", 1);
    const other = at.operand("other", type);
    const scaled = alpha === 1 ? other : at.emit("Mul", [other, at.scalar(alpha, type)]);
    at.make(opType, [at.operand("self", type), scaled]);
  };

const compared =
  (opType: string, isNegated = false): AtenRule =>
  (at) => {
    const type = promoted(at);
    const operands = [at.operand("self", type), at.operand("other", type)];
    if (isNegated) at.make("Not", [at.emit(opType, operands)]);
    else at.make(opType, operands);
  };

const logical =
  (opType: string): AtenRule =>
  (at) => {
    if (at.resultType().kind !== "bool") at.decline();
    at.make(opType, [at.operand("self", bool), at.operand("other", bool)]);
  };

const quotient: AtenRule = (at) => {
  if (at.has("rounding_mode")) at.decline();
  binary("Div")(at);
};

const power: AtenRule = (at) => {
  const type = at.resultType();
  if (at.has("exponent") && at.tensorName("exponent") === undefined && at.float("exponent") === 0.5) {
    at.make("Sqrt", [at.operand("self", type)]);
  } else at.make("Pow", [at.operand("self", type), at.operand("exponent", type)]);
};

/** A conversion; the identity if the type does not change. */
const converted: AtenRule = (at) => {
  const [from, to] = [at.typeOf("self"), at.resultType()];
  if (from.number === to.number) at.make("Identity", [at.tensor("self")]);
  else at.make("Cast", [at.tensor("self")], { to: to.onnx });
};

const same =
  (input: string): AtenRule =>
  (at) =>
    at.make("Identity", [at.tensor(input)]);

/** Only a dropout outside of training is supported. */
const dropout: AtenRule = (at) => {
  if (at.flag("train", false) && at.float("p", 0) !== 0) at.decline();
  at.make("Identity", [at.tensor("input")]);
};

const gelu: AtenRule = (at) =>
  at.make("Gelu", [at.tensor("self")], { approximate: { text: at.text("approximate", "none") } });

const silu: AtenRule = (at) => {
  const x = at.tensor("self");
  at.make("Mul", [x, at.emit("Sigmoid", [x])]);
};

const rsqrt: AtenRule = (at) => at.make("Reciprocal", [at.emit("Sqrt", [at.operand("self", at.resultType())])]);

const where: AtenRule = (at) => {
  const type = at.resultType();
  at.make("Where", [at.operand("condition", bool), at.operand("self", type), at.operand("other", type)]);
};

const masked: AtenRule = (at) => {
  const type = at.resultType();
  at.make("Where", [at.operand("mask", bool), at.operand("value", type), at.operand("self", type)]);
};

const clamp: AtenRule = (at) => {
  const type = at.resultType();
  const x = at.operand("self", type);
  const low = at.has("min") ? at.operand("min", type) : undefined;
  const high = at.has("max") ? at.operand("max", type) : undefined;
  const raised = low === undefined ? x : high === undefined ? undefined : at.emit("Max", [x, low]);
  if (raised === undefined) at.make("Max", [x, low as string]);
  else at.make("Min", [raised, high ?? at.decline()]);
};

const unaryOps = {
  ...{ relu: "Relu", sigmoid: "Sigmoid", tanh: "Tanh", exp: "Exp", log: "Log", sqrt: "Sqrt", neg: "Neg", abs: "Abs" },
  ...{ sin: "Sin", cos: "Cos", erf: "Erf", floor: "Floor", ceil: "Ceil", round: "Round", sign: "Sign" },
  ...{ reciprocal: "Reciprocal", hardswish: "HardSwish" },
};

export const elementwiseRules: Readonly<Record<string, AtenRule>> = {
  "add.Tensor": sum("Add"),
  "add.Scalar": sum("Add"),
  "sub.Tensor": sum("Sub"),
  "sub.Scalar": sum("Sub"),
  "mul.Tensor": binary("Mul"),
  "mul.Scalar": binary("Mul"),
  "div.Tensor": quotient,
  "div.Scalar": quotient,
  "maximum.default": binary("Max"),
  "minimum.default": binary("Min"),
  ...each("pow.Tensor_Scalar pow.Tensor_Tensor", power),
  ...each("eq.Tensor eq.Scalar", compared("Equal")),
  ...each("ne.Tensor ne.Scalar", compared("Equal", true)),
  ...each("gt.Tensor gt.Scalar", compared("Greater")),
  ...each("ge.Tensor ge.Scalar", compared("GreaterOrEqual")),
  ...each("lt.Tensor lt.Scalar", compared("Less")),
  ...each("le.Tensor le.Scalar", compared("LessOrEqual")),
  ...each("logical_and.default bitwise_and.Tensor __and__.Tensor", logical("And")),
  ...each("logical_or.default bitwise_or.Tensor __or__.Tensor", logical("Or")),
  ...each("logical_not.default bitwise_not.default", (at) => at.make("Not", [at.operand("self", bool)])),
  ...Object.fromEntries(Object.entries(unaryOps).map(([name, opType]) => [`${name}.default`, unary(opType)])),
  "square.default": (at) => at.make("Mul", [at.tensor("self"), at.tensor("self")]),
  "rsqrt.default": rsqrt,
  "gelu.default": gelu,
  "silu.default": silu,
  "leaky_relu.default": (at) =>
    at.make("LeakyRelu", [at.tensor("self")], { alpha: { float: at.float("negative_slope", 0.01) } }),
  "where.self": where,
  ...each("masked_fill.Scalar masked_fill.Tensor", masked),
  ...each("clamp.default clamp.Tensor clamp_min.default clamp_max.default", clamp),
  ...each("_to_copy.default to.dtype to.device to.dtype_layout to.other type_as.default", converted),
  ...each("clone.default contiguous.default detach.default detach_.default alias.default", same("self")),
  ...each("lift_fresh_copy.default lift_fresh.default positive.default", same("self")),
  ...each("dropout.default", dropout),
};
