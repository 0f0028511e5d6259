/**
 * The statements of a fold: what a lane accumulates, how lanes merge, and what a reduction reads of the result.
 *
 * Sums that round are nested: a lane adds `blockSteps` elements into a block, the block into a larger one, and that into the
 * lane's own state (blocked summation: Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 4.2). A sum of
 * n elements then passes through about 16 + sqrt(n) / 2 additions instead of n, and an element that is far larger than the
 * others takes the digits of a few of them only. Unlike a compensated sum (Kahan 1965) it needs no promise of the driver:
 * WGSL allows (a + b) - a to be simplified to b, and Mesa does so.
 *
 * - depth: how many blocks are around a state; the lane's own has 0.
 */

import { type MonoidName, monoids } from "../src/ir/ops/monoids.ts";
import { ofDepth } from "./blocks.ts";
import { computedType, printConstant, wgslType } from "./expression.ts";
import { known, printExtent } from "./extent.ts";
import type { Fold } from "./folds.ts";
import type { Node } from "./graph.ts";
import { isMean } from "./graph.ts";
import { type Merge, mergeLanes, type Scratch } from "./lanes.ts";
import { blockDepth } from "./launch.ts";
import { opaque } from "./opaque.ts";
import type { BodyContext, Place } from "./place.ts";
import type { Writer } from "./writer.ts";

/** From so many steps on a lane's shifts are the medians of three elements. */
export const manySteps = 8;

/** Endings of the names of a fold's variables. */
export const foldParts = [
  "",
  ...["_lane", "_shift", "_mean", "_m2"].flatMap((part) => {
    return Array.from({ length: blockDepth + 1 }, (_, depth) => part + ofDepth(depth));
  }),
];

/** How far an element may lie above the shift of a sum of exponentials. */
const headroom = 8;
const lowest = -(2 - 2 ** -23) * 2 ** 127;

/** Folds whose states are plain values. */
const plain = (kind: Exclude<Fold["kind"], "moments">): MonoidName => (kind === "exps" ? "sum" : kind);

/** Variables that all folds of a loop share: how many units a lane has seen, and one over that. */
export interface Counter {
  readonly count: string;
  readonly inverse: string;
  /** Whether shifts are there before the loop; else a lane's first element is taken. */
  readonly isShifted: boolean;
}

export class FoldWriter {
  private readonly context: BodyContext;
  private readonly writer: Writer;
  private readonly scratch: Scratch;

  constructor(context: BodyContext, writer: Writer, scratch: Scratch) {
    this.context = context;
    this.writer = writer;
    this.scratch = scratch;
  }

  /** The state at a depth, before it has seen an element. */
  declare({ kind, name, operand, variance }: Fold, depth = 0): void {
    const { width } = this.context.schedule;
    const type = wgslType(operand.value.element, width);
    const end = ofDepth(depth);
    if (kind === "moments") {
      // A block's elements are taken off the lane's shift.
      const parts = [...(depth === 0 ? ["shift"] : []), "mean", ...(variance ? ["m2"] : [])];
      for (const part of parts) this.writer.line(`var ${name}_${part}${end} = ${type}();`);
      return;
    }
    this.writer.line(`var ${name}_lane${end} = ${type}(${this.identity(plain(kind), operand)});`);
    if (kind !== "exps") return;
    const shift = depth === 0 ? `${type}(${this.float(lowest)})` : `${name}_shift${ofDepth(depth - 1)}`;
    this.writer.line(`var ${name}_shift${end} = ${shift};`);
  }

  private float(value: number): string {
    return printConstant(value, "f32", 1, this.context.require);
  }

  private identity(kind: MonoidName, { value: { element } }: Node): string {
    return printConstant(monoids[kind].identity(computedType(element)), element, 1, this.context.require);
  }

  /** One of three elements, of which the last leaves their median as the shift; `mean` holds the second until then. */
  shift({ name, operand }: Fold, place: Place, third: number): void {
    const { width } = this.context.schedule;
    const arg = place.argument(operand, width);
    const x = arg.width === width ? arg.text : `${wgslType(arg.element, width)}(${arg.text})`;
    if (third < 2) this.writer.line(`${name}_${third === 0 ? "shift" : "mean"} = ${x};`);
    if (third < 2) return;
    const [a, b] = [`${name}_shift`, `${name}_mean`];
    const median = `max(min(${a}, ${b}), min(max(${a}, ${b}), ${x}))`;
    this.writer.line(`${a} = ${opaque(median, width)};`);
    this.writer.line(`${b} = ${wgslType(operand.value.element, width)}();`);
  }

  /** @param depth of the state that takes the element. */
  accumulate({ kind, name, operand, variance }: Fold, place: Place, counter: Counter, depth: number): void {
    const { width } = this.context.schedule;
    const arg = place.argument(operand, width);
    const text = arg.width === width ? arg.text : `${wgslType(arg.element, width)}(${arg.text})`;
    const w = this.writer;
    const end = ofDepth(depth);
    if (kind === "exps") {
      this.addExp(name, operand, text, place, end);
      return;
    }
    if (kind !== "moments") {
      w.line(`${name}_lane${end} = ${monoids[kind].combine(`${name}_lane${end}`, text)};`);
      return;
    }
    const x = place.names.define("shifted");
    const delta = place.names.define("delta");
    const mean = `${name}_mean${end}`;
    if (!counter.isShifted) {
      // The lane's first element: of the blocks around this one none has ended.
      const counts = Array.from({ length: depth }, (_, around) => `${counter.count}${ofDepth(around)} == 0.0`);
      const isFirst = [`${counter.count}${end} == 1.0`, ...counts].join(" && ");
      w.line(`${name}_shift = select(${name}_shift, ${opaque(text, width)}, ${isFirst});`);
    }
    w.line(`let ${x} = ${text} - ${name}_shift;`);
    w.line(`let ${delta} = ${x} - ${mean};`);
    w.line(`${mean} += ${delta} * ${counter.inverse};`);
    if (variance) w.line(`${name}_m2${end} += ${delta} * (${x} - ${mean});`);
  }

  /** Where an element is too far above the shift it becomes the shift, and what there is of the sum is scaled. */
  private addExp(name: string, operand: Node, x: string, place: Place, end: string): void {
    const { names } = place;
    const [delta, isAbove] = [names.define("delta"), names.define("isAbove")];
    const e = names.define("e");
    const w = this.writer;
    const type = wgslType(operand.value.element, this.context.schedule.width);
    const [sum, shift] = [`${name}_lane${end}`, `${name}_shift${end}`];
    w.line(`let ${delta} = ${x} - ${shift};`);
    w.line(`let ${isAbove} = ${delta} > ${type}(${this.float(headroom)});`);
    w.line(`let ${e} = exp(select(${delta}, -${delta}, ${isAbove}));`);
    w.line(`${sum} = select(${sum} + ${e}, ${sum} * ${e} + 1.0, ${isAbove});`);
    w.line(`${shift} = select(${shift}, ${x}, ${isAbove});`);
  }

  /**
   * A block's state into that around it; of moments by Chan's formula for a common shift.
   * @param weight one over the units of both, times those of the block.
   * @param before the units that the state around has seen.
   */
  addBlock({ kind, name, operand, variance }: Fold, depth: number, weight: string, before: string): void {
    const w = this.writer;
    const [inner, outer] = [ofDepth(depth), ofDepth(depth - 1)];
    const of = (part: string) => [`${name}_${part}${outer}`, `${name}_${part}${inner}`] as const;
    if (kind === "moments") {
      const [mean, blockMean] = of("mean");
      const [m2, blockM2] = of("m2");
      const type = wgslType(operand.value.element, this.context.schedule.width);
      w.block("", () => {
        w.line(`let blockDelta: ${type} = ${blockMean} - ${mean};`);
        w.line(`${mean} += blockDelta * ${weight};`);
        if (variance) w.line(`${m2} += ${blockM2} + blockDelta * blockDelta * (${before} * ${weight});`);
      });
      return;
    }
    const [sum, blockSum] = of("lane");
    if (kind !== "exps") {
      w.line(`${sum} += ${blockSum};`);
      return;
    }
    const [shift, blockShift] = of("shift");
    w.line(`${sum} = ${sum} * exp(${shift} - ${blockShift}) + ${blockSum};`);
    w.line(`${shift} = ${blockShift};`);
  }

  /** The lane's vectors to one state, then the states of the row's lanes to one. */
  finish(fold: Fold, counter: Counter): void {
    const { kind, name, max } = fold;
    if (kind === "moments") this.context.requireMoments();
    if (kind === "exps") {
      const exp = this.context.require("exp", this.context.schedule.width);
      const type = wgslType(fold.operand.value.element, this.context.schedule.width);
      this.writer.line(`${name}_lane *= ${exp}(${name}_shift - ${type}(${max?.name}));`);
    }
    const state = kind === "moments" ? this.laneMoments(fold, counter) : this.laneValue(plain(kind), `${name}_lane`);
    this.writer.line(`var ${name} = ${state};`);
    mergeLanes(this.mergeOf(fold), this.context.schedule, this.scratch, this.writer);
  }

  private laneMoments({ name, operand, variance }: Fold, { count }: Counter): string {
    const { width } = this.context.schedule;
    const m2 = variance ? `${name}_m2` : `${wgslType(operand.value.element, width)}()`;
    const state = `(${count}, ${name}_shift, ${opaque(`${name}_mean`, width)}, ${m2})`;
    return width === 1 ? `vec4f${state}` : `lane_moments${state}`;
  }

  private laneValue(kind: MonoidName, lane: string): string {
    const { width } = this.context.schedule;
    const { combine, isOperator } = monoids[kind];
    if (width === 1) return lane;
    const [low, high] = [combine(`${lane}.x`, `${lane}.y`), combine(`${lane}.z`, `${lane}.w`)];
    if (width === 2) return low;
    return isOperator ? combine(`(${low})`, `(${high})`) : combine(low, high);
  }

  private mergeOf({ kind, name, operand }: Fold): Merge {
    if (kind === "moments") {
      return { state: name, type: "vec4f", combine: (a, b) => `merge_moments(${a}, ${b})`, commutes: false };
    }
    const type = computedType(operand.value.element) as "f32" | "i32" | "u32";
    return { state: name, type, combine: monoids[plain(kind)].combine, commutes: true };
  }

  /** A reduction's value from the row's state. */
  result(node: Node, fold: Fold): string {
    const count = this.context.schedule.columnCount;
    const asFloat = (less: number) => {
      const number = known(count);
      if (number !== undefined) return printConstant(number - less, "f32", 1, this.context.require);
      const whole = `f32(${printExtent(count, this.context.dim)})`;
      return less === 0 ? whole : `(${whole} - ${less}.0)`;
    };
    if (fold.kind !== "moments") return isMean(node) ? `${fold.name} / ${asFloat(0)}` : fold.name;
    if (isMean(node)) return `${fold.name}.y + ${fold.name}.z`;
    return `${fold.name}.w / ${asFloat(Number(node.op?.attributes.correction ?? 0))}`;
  }
}
