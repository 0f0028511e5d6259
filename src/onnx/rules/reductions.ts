/** Reductions and scans. */

import type { Value } from "../../ir/ir.ts";
import type { OpName } from "../../ir/ops/index.ts";
import { decline, type NodeView, type Rule } from "../node.ts";
import { reducedAxes } from "../types/numbers.ts";

type Elementwise = (at: NodeView, x: Value) => Value;

/** A reduction by an op, with elementwise ops before and after it. */
const reduction =
  (op: OpName, before: Elementwise = (_, x) => x, after?: OpName): Rule =>
  (at) => {
    const input = at.input(0);
    const { axes, keepdims } = reducedAxes(at);
    const x = before(at, input);
    const reduced = axes.length === 0 ? x : at.emit(op, [x], { axes, keepdims });
    return after === undefined ? reduced : at.emit(after, [reduced]);
  };

const squared: Elementwise = (at, x) => at.emit("mul", [x, x]);
const absolute: Elementwise = (at, x) => at.emit("abs", [x]);

/** Before opset 13, a row consists of all axes from `axis` on. */
const rowNorm =
  (op: "softmax" | "log_softmax"): Rule =>
  (at) => {
    const x = at.input(0);
    const rank = x.shape.length;
    const isOld = at.opset < 13;
    if (rank === 0) decline("its input has no axis");
    const axis = at.axis(at.int("axis", isOld ? 1 : -1), rank);
    const axes = isOld ? Array.from({ length: rank - axis }, (_, i) => axis + i) : [axis];
    return at.emit(op, [x], { axes });
  };

const cumSum: Rule = (at) => {
  const x = at.input(0);
  const axis = at.number(1)?.value ?? decline("its axis is not a constant");
  const flag = (name: string) => at.int(name, 0) === 1;
  const attributes = { axis: at.axis(axis, x.shape.length), exclusive: flag("exclusive"), reverse: flag("reverse") };
  return at.emit("cumsum", [x], attributes);
};

const arg =
  (op: "argmax" | "argmin"): Rule =>
  (at) => {
    const x = at.input(0);
    if (at.int("select_last_index", 0) === 1) decline("it selects the last of equal elements");
    const axis = at.axis(at.int("axis", 0), x.shape.length);
    return at.emit(op, [x], { axes: [axis], keepdims: at.int("keepdims", 1) === 1 });
  };

export const reductionRules: Readonly<Record<string, Rule>> = {
  ":ArgMax": arg("argmax"),
  ":ArgMin": arg("argmin"),
  ":CumSum": cumSum,
  ":ReduceSum": reduction("sum"),
  ":ReduceMean": reduction("mean"),
  ":ReduceMax": reduction("max"),
  ":ReduceMin": reduction("min"),
  ":ReduceProd": reduction("prod"),
  ":ReduceL1": reduction("sum", absolute),
  ":ReduceL2": reduction("sum", squared, "sqrt"),
  ":ReduceLogSum": reduction("sum", undefined, "log"),
  ":ReduceLogSumExp": reduction("logsumexp"),
  ":ReduceSumSquare": reduction("sum", squared),
  ":Softmax": rowNorm("softmax"),
  ":LogSoftmax": rowNorm("log_softmax"),
};
