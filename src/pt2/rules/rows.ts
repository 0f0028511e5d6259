/** Norms, reductions, and other ops along rows. */

import { type AtenRule, type AtenView, each } from "../aten-view.ts";

/** The first axis of a row, counted from the end. */
const rowAxis = (at: AtenView) => -at.ints("normalized_shape").length;

function layerNorm(at: AtenView, outputs: readonly string[]): void {
  const affine = [at.optionalTensor("weight") ?? "", at.optionalTensor("bias") ?? ""];
  const given = affine.slice(0, affine.findLastIndex((name) => name !== "") + 1);
  at.emitAs("LayerNormalization", [at.tensor("input"), ...given], outputs, {
    axis: rowAxis(at),
    epsilon: { float: at.float("eps", 1e-5) },
  });
}

/** The machine epsilon of each float type: the default eps of an RMSNorm. */
const machineEpsilon: Readonly<Record<number, number>> = { 6: 2 ** -10, 7: 2 ** -23, 8: 2 ** -52, 13: 2 ** -7 };

const rmsNorm: AtenRule = (at) => {
  const weight = at.optionalTensor("weight");
  const eps = at.float("eps", machineEpsilon[at.typeOf("input").number] ?? at.decline());
  at.emitAs("RMSNormalization", [at.tensor("input"), ...(weight === undefined ? [] : [weight])], [at.result()], {
    axis: rowAxis(at),
    epsilon: { float: eps },
  });
};

const groupNorm: AtenRule = (at) => {
  const [weight, bias] = [at.optionalTensor("weight"), at.optionalTensor("bias")];
  if (weight === undefined || bias === undefined) return at.decline();
  at.make("GroupNormalization", [at.tensor("input"), weight, bias], {
    num_groups: at.int("num_groups"),
    epsilon: { float: at.float("eps", 1e-5) },
  });
};

const batchNorm: AtenRule = (at) => {
  if (at.flag("training", false)) at.decline();
  const parts = ["weight", "bias", "running_mean", "running_var"].map((name) => at.tensor(name));
  at.make("BatchNormalization", [at.tensor("input"), ...parts], { epsilon: { float: at.float("eps", 1e-5) } });
};

const softmax =
  (opType: string): AtenRule =>
  (at) => {
    const x = at.operand("self", at.resultType());
    at.make(opType, [x], { axis: at.axis(at.int("dim"), at.rank("self")) });
  };

function axesOf(at: AtenView): number[] {
  const rank = at.rank("self");
  const given = at.ints("dim", []);
  return given.length === 0 ? Array.from({ length: rank }, (_, i) => i) : given.map((axis) => at.axis(axis, rank));
}

const reduced =
  (opType: string): AtenRule =>
  (at) => {
    const x = at.operand("self", at.resultType());
    // Counted from the end, as the axes of a norm.
    const axes = axesOf(at).map((axis) => axis - at.rank("self"));
    at.make(opType, [x, at.integers(axes)], { keepdims: Number(at.flag("keepdim", false)) });
  };

/** The mean square of the centered input, scaled if `correction` subtracts from the number of elements. */
function variance(at: AtenView, correction: number, keepdims: boolean, as?: string): string {
  const axes = axesOf(at);
  const count = axes.reduce((product, axis) => product * at.extent("self", axis), 1);
  const x = at.tensor("self");
  const list = at.integers(axes.map((axis) => axis - at.rank("self")));
  const centered = at.emit("Sub", [x, at.emit("ReduceMean", [x, list], { keepdims: 1 })]);
  const square = at.emit("Mul", [centered, centered]);
  const isPlain = correction === 0;
  const name = as ?? at.fresh("var");
  const mean = isPlain ? name : at.fresh("mean");
  at.emitAs("ReduceMean", [square, list], [mean], { keepdims: Number(keepdims) });
  if (!isPlain) at.emitAs("Mul", [mean, at.scalar(count / (count - correction), at.typeOf("self"))], [name]);
  return name;
}

const varianceOf: AtenRule = (at) => {
  variance(at, at.float("correction", 1), at.flag("keepdim", false), at.result());
};

const varianceAndMean: AtenRule = (at) => {
  const keepdims = at.flag("keepdim", false);
  variance(at, at.float("correction", 1), keepdims, at.result(0));
  const list = at.integers(axesOf(at).map((axis) => axis - at.rank("self")));
  at.emitAs("ReduceMean", [at.tensor("self"), list], [at.result(1)], { keepdims: Number(keepdims) });
};

const cumSum: AtenRule = (at) => {
  const x = at.operand("self", at.resultType());
  at.make("CumSum", [x, at.integers([at.axis(at.int("dim"), at.rank("self")) - at.rank("self")])]);
};

const globalMean: AtenRule = (at) => {
  if (at.ints("output_size").some((size) => size !== 1)) at.decline();
  at.make("GlobalAveragePool", [at.tensor("self")]);
};

const pooled =
  (opType: "AveragePool" | "MaxPool", space: number): AtenRule =>
  (at) => {
    if (at.flag("ceil_mode", false) || at.has("divisor_override")) at.decline();
    const kernel = at.perAxis("kernel_size", space, []);
    const pads = at.perAxis("padding", space, [0]);
    at.make(opType, [at.tensor("self")], {
      kernel_shape: kernel,
      strides: at.perAxis("stride", space, kernel),
      pads: [...pads, ...pads],
      ...(opType === "MaxPool"
        ? { dilations: at.perAxis("dilation", space, [1]) }
        : { count_include_pad: at.flag("count_include_pad", true) ? 1 : 0 }),
    });
  };

export const rowRules: Readonly<Record<string, AtenRule>> = {
  "layer_norm.default": (at) => layerNorm(at, [at.result()]),
  "native_layer_norm.default": (at) => layerNorm(at, [at.result(0), at.result(1), at.result(2)]),
  ...each("rms_norm.default _fused_rms_norm.default", rmsNorm),
  "group_norm.default": groupNorm,
  "batch_norm.default": batchNorm,
  ...each("softmax.int _softmax.default", softmax("Softmax")),
  ...each("log_softmax.int _log_softmax.default", softmax("LogSoftmax")),
  ...each("mean.dim mean.default", reduced("ReduceMean")),
  ...each("sum.dim_IntList sum.default", reduced("ReduceSum")),
  "amax.default": reduced("ReduceMax"),
  "amin.default": reduced("ReduceMin"),
  "var.correction": varianceOf,
  "var_mean.correction": varianceAndMean,
  "cumsum.default": cumSum,
  "adaptive_avg_pool2d.default": globalMean,
  "avg_pool2d.default": pooled("AveragePool", 2),
  "max_pool2d.default": pooled("MaxPool", 2),
};
