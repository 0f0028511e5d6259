/** Nodes that fold axes. */

import type { Value } from "../../ir/ir.ts";
import type { OpName } from "../../ir/ops/index.ts";
import { decline, type NodeView, type Rule } from "../node.ts";
import { reducedAxes } from "../types/numbers.ts";

interface Kind {
  /** The folded op with what stands before and after it. */
  readonly fold: (at: NodeView, x: Value, fold: (op: OpName, x: Value) => Value) => Value;
}

function reduction({ fold }: Kind): Rule {
  return (at) => {
    const x = at.input(0);
    const { axes, keepdims } = reducedAxes(at);
    return fold(at, x, (op, value) => (axes.length === 0 ? value : at.emit(op, [value], { axes, keepdims })));
  };
}

const plain =
  (op: OpName): Kind["fold"] =>
  (_at, x, fold) =>
    fold(op, x);

/** Of what is folded first. */
const after =
  (first: (at: NodeView, x: Value) => Value, op: OpName, last?: OpName): Kind["fold"] =>
  (at, x, fold) => {
    const folded = fold(op, first(at, x));
    return last === undefined ? folded : at.emit(last, [folded]);
  };

const squared = (at: NodeView, x: Value) => at.emit("mul", [x, x]);

const reductionKinds: Readonly<Record<string, Kind>> = {
  ReduceSum: { fold: plain("sum") },
  ReduceMean: { fold: plain("mean") },
  ReduceMax: { fold: plain("max") },
  ReduceMin: { fold: plain("min") },
  ReduceProd: { fold: plain("prod") },
  ReduceL1: { fold: after((at, x) => at.emit("abs", [x]), "sum") },
  ReduceL2: { fold: after(squared, "sum", "sqrt") },
  ReduceLogSum: { fold: after((_, x) => x, "sum", "log") },
  ReduceLogSumExp: { fold: plain("logsumexp") },
  ReduceSumSquare: { fold: after(squared, "sum") },
};

/** Before operator set 13 the axes from `axis` on are one row. */
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

/** Sums of what comes before; the axis is an input. */
const cumSum: Rule = (at) => {
  const x = at.input(0);
  const axis = at.number(1)?.value ?? decline("its axis is not known before it runs");
  const flag = (name: string) => at.int(name, 0) === 1;
  const attributes = { axis: at.axis(axis, x.shape.length), exclusive: flag("exclusive"), reverse: flag("reverse") };
  return at.emit("cumsum", [x], attributes);
};

const placeOf =
  (op: "argmax" | "argmin"): Rule =>
  (at) => {
    const x = at.input(0);
    if (at.int("select_last_index", 0) === 1) decline("of equal elements it takes the last one");
    const axis = at.axis(at.int("axis", 0), x.shape.length);
    return at.emit(op, [x], { axes: [axis], keepdims: at.int("keepdims", 1) === 1 });
  };

export const reductionRules: Readonly<Record<string, Rule>> = {
  ":ArgMax": placeOf("argmax"),
  ":ArgMin": placeOf("argmin"),
  ":CumSum": cumSum,
  ...Object.fromEntries(Object.entries(reductionKinds).map(([name, kind]) => [`:${name}`, reduction(kind)])),
  ":Softmax": rowNorm("softmax"),
  ":LogSoftmax": rowNorm("log_softmax"),
};
