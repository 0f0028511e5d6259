/** Nodes that fold axes. */

import type { Value } from "../../ir/ir.ts";
import type { OpName } from "../../ir/ops/index.ts";
import { decline, type NodeView, type Rule } from "../node.ts";

interface Kind {
  /** The newest operator set in which `axes` is an attribute. */
  readonly attributeUpTo: number;
  /** The folded op with what stands before and after it. */
  readonly fold: (at: NodeView, x: Value, fold: (op: OpName, x: Value) => Value) => Value;
}

/** The axes that a node folds, counted from the front; all of them where it names none. */
export function reducedAxes(at: NodeView, attributeUpTo: number): { axes: number[]; keepdims: boolean } {
  const rank = at.input(0).shape.length;
  const given = at.axesOf(attributeUpTo, 1);
  const isNoop = at.int("noop_with_empty_axes", 0) === 1;
  const isAll = (given === undefined || given.length === 0) && !isNoop;
  const axes = isAll ? [...Array(rank).keys()] : at.axes(given ?? [], rank);
  return { axes, keepdims: at.int("keepdims", 1) === 1 };
}

function reduction({ attributeUpTo, fold }: Kind): Rule {
  return (at) => {
    const x = at.input(0);
    const { axes, keepdims } = reducedAxes(at, attributeUpTo);
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

/** `ReduceSum` took its axes as an input before the others did. */
export const reductionKinds: Readonly<Record<string, Kind>> = {
  ReduceSum: { attributeUpTo: 12, fold: plain("sum") },
  ReduceMean: { attributeUpTo: 17, fold: plain("mean") },
  ReduceMax: { attributeUpTo: 17, fold: plain("max") },
  ReduceMin: { attributeUpTo: 17, fold: plain("min") },
  ReduceProd: { attributeUpTo: 17, fold: plain("prod") },
  ReduceL1: { attributeUpTo: 17, fold: after((at, x) => at.emit("abs", [x]), "sum") },
  ReduceL2: { attributeUpTo: 17, fold: after(squared, "sum", "sqrt") },
  ReduceSumSquare: { attributeUpTo: 17, fold: after(squared, "sum") },
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

export const reductionRules: Readonly<Record<string, Rule>> = {
  ...Object.fromEntries(Object.entries(reductionKinds).map(([name, kind]) => [`:${name}`, reduction(kind)])),
  ":Softmax": rowNorm("softmax"),
  ":LogSoftmax": rowNorm("log_softmax"),
};
