/**
 * Softmax and its logarithm written in primitive ops.
 *
 *   softmax:      exp(x - m) / sum(exp(x - m))
 *   log_softmax:  (x - m) - log(sum(exp(x - m))),  x - (m + log(sum(exp(x - m))))
 *
 * with m = max(x). Without m it is the same function of real numbers, but stays as written: there exp overflows from 89
 * on, and the NaN or infinity that finite values give would be lost.
 */

import type { Miss } from "../src/diagnostics/areas/rewrites.ts";
import type { Builder } from "../src/ir/builder.ts";
import { definedBy, type Op, type Value } from "../src/ir/ir.ts";
import { sameType } from "../src/ir/types.ts";
import { layOf, meetsItsRow, orders, peel, type Read, readOf, sameNumbers } from "./match.ts";
import { canMultiply, timesTheRest } from "./norm-patterns.ts";
import type { Raising } from "./raising.ts";
import { alignmentMiss, printAxes, type Statistic, sameAxes, statisticOf } from "./statistics.ts";

/** `fold(of)` alone, not a multiple of it. */
function reductionOf(name: "sum" | "max", read: Read, raising: Raising): Statistic | undefined {
  const stat = statisticOf(read, raising.products);
  return stat?.op.name === name && stat.scale === 1 && stat.rounded === undefined ? stat : undefined;
}

/** x, where `value` is `x - max(x)`. */
function unshifted(value: Value, axes: readonly number[], raising: Raising): Value | undefined {
  const shift = definedBy(value, "sub");
  if (shift === undefined) return undefined;
  const x = shift.operand(0);
  const top = reductionOf("max", readOf(shift.operand(1)), raising);
  const isMax = top !== undefined && sameNumbers(top.of, x) && sameAxes(top.axes, axes);
  return isMax && meetsItsRow(top.lay, x.shape, axes) && sameType(x.type, value.type) ? x : undefined;
}

const noMaximum = (axes: readonly number[]): Miss => ({
  because: `no maximum over axes ${printAxes(axes)} is subtracted, so exp overflows where softmax does not`,
  help: `call the op, or subtract \`max(x, axes = ${printAxes(axes)}, keepdims = true)\` first`,
});

/** `e / sum(e)` with `e = exp(...)`. */
export function raiseSoftmax(op: Op, builder: Builder, raising: Raising): Value | undefined {
  if (op.name !== "mul" && op.name !== "div") return undefined;
  const product = raising.products.of(readOf(op.result));
  for (const divisor of product.factors) {
    const total = divisor.exponent === -1 ? reductionOf("sum", divisor.read, raising) : undefined;
    if (total === undefined) continue;
    const factor = product.factors.find((f) => f.exponent === 1 && f.read.value === total.of);
    const exponential = definedBy(factor?.read.value, "exp");
    if (factor === undefined || exponential === undefined || factor.read.lay !== undefined) continue;
    const miss = alignmentMiss(total, total.of);
    if (miss !== undefined) raising.missed(total.value, op, "a softmax", miss);
    if (miss !== undefined) continue;
    const used = [factor, divisor];
    if (total.of.element !== op.result.element || !canMultiply(product, used)) continue;
    const x = unshifted(exponential.operand(0), total.axes, raising);
    if (x === undefined) raising.missed(total.value, op, "a softmax", noMaximum(total.axes));
    if (x === undefined) continue;
    raising.raised(total.value, "softmax");
    return timesTheRest(builder.emit("softmax", [x], { axes: total.axes }), product, used, op, builder);
  }
  return undefined;
}

/** The sum in `log(sum(exp(of)))`, and `of`. */
function logOfSum(read: Read, raising: Raising): { readonly total: Statistic; readonly of: Value } | undefined {
  const { value, lay } = peel(read);
  const log = definedBy(value, "log");
  const total = log && reductionOf("sum", { value: log.operand(0), lay }, raising);
  const of = definedBy(total?.of, "exp")?.operand(0);
  return total && of && { total, of };
}

/** `x - log(sum(exp(x)))`, where x may be shifted by its maximum. */
export function raiseLogSoftmax(op: Op, builder: Builder, raising: Raising): Value | undefined {
  if (op.name !== "sub") return undefined;
  const [x, right] = [op.operand(0), op.operand(1)];
  if (!sameType(x.type, op.result.type)) return undefined;
  const found = logOfSum(readOf(right), raising);
  const inside = found !== undefined && sameNumbers(found.of, x) ? found.total : undefined;
  const total = inside ?? shiftedOutside(x, right, raising);
  if (total === undefined) return undefined;
  const miss = alignmentMiss(total, x);
  const row = inside === undefined ? x : unshifted(x, total.axes, raising);
  if (miss !== undefined || row === undefined) {
    raising.missed(total.value, op, "a log_softmax", miss ?? noMaximum(total.axes));
    return undefined;
  }
  raising.raised(total.value, "log_softmax");
  return builder.emit("log_softmax", [row], { axes: total.axes });
}

/** The sum in `m + log(sum(exp(x - m)))` with m the maximum of x. */
function shiftedOutside(x: Value, right: Value, raising: Raising): Statistic | undefined {
  const { value, lay } = peel(readOf(right));
  const sum = definedBy(value, "add");
  for (const [top, log] of sum === undefined ? [] : orders(sum)) {
    const maximum = reductionOf("max", { value: top, lay }, raising);
    if (maximum === undefined || !sameNumbers(maximum.of, x)) continue;
    const { total, of } = logOfSum({ value: log, lay }, raising) ?? {};
    if (total === undefined || of === undefined || of === x || unshifted(of, total.axes, raising) !== x) continue;
    const sameRows = sameAxes(total.axes, maximum.axes) && meetsItsRow(maximum.lay, x.shape, maximum.axes);
    if (sameRows) return { ...total, lay: layOf({ value: total.value, lay: total.lay }) };
  }
  return undefined;
}
