/** The statements of a fold: what a lane accumulates, how lanes merge, and what a reduction reads of the result. */

import { computedType, printConstant, wgslType } from "./expression.ts";
import { known, printExtent } from "./extent.ts";
import { combine, type Fold } from "./folds.ts";
import type { Node } from "./graph.ts";
import { isMean } from "./graph.ts";
import { type Merge, mergeLanes, type Scratch } from "./lanes.ts";
import type { BodyContext, Place } from "./place.ts";
import type { Writer } from "./writer.ts";

/** Endings of the names of a fold's variables. */
export const foldParts = ["", "_lane", "_shift", "_mean", "_m2", "_rest"];

/** From so many steps on a lane's sums are compensated, and its shifts are the medians of three elements. */
export const manySteps = 8;

/** How far an element may lie above the shift of a sum of exponentials. */
const headroom = 8;
const lowest = -(2 - 2 ** -23) * 2 ** 127;

/** Folds whose states are plain values. */
type PlainKind = Exclude<Fold["kind"], "moments" | "exps">;
const plain = (kind: Exclude<Fold["kind"], "moments">): PlainKind => (kind === "exps" ? "sum" : kind);

/** Variables that all folds of a loop share: how many units the lane has seen, and one over that. */
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

  declare({ kind, name, operand, variance }: Fold): void {
    const { width } = this.context.schedule;
    const type = wgslType(operand.value.element, width);
    if (kind !== "moments") {
      this.writer.line(`var ${name}_lane = ${type}(${this.identity(plain(kind), operand)});`);
      if (kind === "exps") this.writer.line(`var ${name}_shift = ${type}(${this.float(lowest)});`);
      if (this.isCompensated(kind, operand)) this.writer.line(`var ${name}_rest = ${type}();`);
      return;
    }
    for (const part of variance ? ["shift", "mean", "m2", "rest"] : ["shift", "mean"]) {
      this.writer.line(`var ${name}_${part} = ${type}();`);
    }
  }

  /** Whether additions round, and are many enough for that to matter. */
  private isCompensated(kind: Fold["kind"], { value }: Node): boolean {
    const { steps = Infinity } = this.context.schedule;
    return (kind === "sum" || kind === "exps") && computedType(value.element) === "f32" && steps >= manySteps;
  }

  private float(value: number): string {
    return printConstant(value, "f32", 1, this.context.require);
  }

  private identity(kind: PlainKind, { value: { element } }: Node): string {
    const computed = computedType(element);
    const extremes = {
      f32: [-Infinity, Infinity],
      i32: [-(2 ** 31), 2 ** 31 - 1],
      u32: [0, 2 ** 32 - 1],
      bool: [0, 1],
    };
    const [low, high] = extremes[computed] as [number, number];
    return printConstant({ sum: 0, prod: 1, max: low, min: high }[kind], element, 1, this.context.require);
  }

  /** One of three elements, of which the last leaves their median as the shift; `mean` holds the second until then. */
  shift({ name, operand }: Fold, place: Place, third: number): void {
    const { width } = this.context.schedule;
    const arg = place.argument(operand, width);
    const x = arg.width === width ? arg.text : `${wgslType(arg.element, width)}(${arg.text})`;
    if (third < 2) this.writer.line(`${name}_${third === 0 ? "shift" : "mean"} = ${x};`);
    if (third < 2) return;
    const [a, b] = [`${name}_shift`, `${name}_mean`];
    this.writer.line(`${a} = max(min(${a}, ${b}), min(max(${a}, ${b}), ${x}));`);
    this.writer.line(`${b} = ${wgslType(operand.value.element, width)}();`);
  }

  accumulate({ kind, name, operand, variance }: Fold, place: Place, counter: Counter): void {
    const { width } = this.context.schedule;
    const arg = place.argument(operand, width);
    const text = arg.width === width ? arg.text : `${wgslType(arg.element, width)}(${arg.text})`;
    const w = this.writer;
    if (kind === "exps") {
      this.addExp(name, operand, text, place);
      return;
    }
    if (this.isCompensated(kind, operand)) {
      this.add(`${name}_lane`, `${name}_rest`, text, place);
      const zero = `${wgslType(operand.value.element, width)}()`;
      // Nothing is left of an infinity.
      w.line(`${name}_rest = select(${zero}, ${name}_rest, ${name}_rest == ${name}_rest);`);
      return;
    }
    if (kind !== "moments") {
      w.line(`${name}_lane = ${combine[kind](`${name}_lane`, text)};`);
      return;
    }
    const x = place.names.define("shifted");
    const delta = place.names.define("delta");
    if (!counter.isShifted) w.line(`${name}_shift = select(${name}_shift, ${text}, ${counter.count} == 1.0);`);
    w.line(`let ${x} = ${text} - ${name}_shift;`);
    w.line(`let ${delta} = ${x} - ${name}_mean;`);
    w.line(`${name}_mean += ${delta} * ${counter.inverse};`);
    if (!variance) return;
    this.add(`${name}_m2`, `${name}_rest`, `${delta} * (${x} - ${name}_mean)`, place);
  }

  /** Where an element is too far above the shift it becomes the shift, and what there is of the sum is scaled. */
  private addExp(name: string, operand: Node, x: string, place: Place): void {
    const { names } = place;
    const [delta, isAbove] = [names.define("delta"), names.define("isAbove")];
    const [e, sum] = [names.define("e"), names.define("sum")];
    const w = this.writer;
    const type = wgslType(operand.value.element, this.context.schedule.width);
    w.line(`let ${delta} = ${x} - ${name}_shift;`);
    w.line(`let ${isAbove} = ${delta} > ${type}(${this.float(headroom)});`);
    w.line(`let ${e} = exp(select(${delta}, -${delta}, ${isAbove}));`);
    w.line(`let ${sum} = ${name}_lane * ${e} + 1.0;`);
    if (this.isCompensated("exps", operand)) {
      this.add(`${name}_lane`, `${name}_rest`, e, place);
      w.line(`${name}_rest = select(${name}_rest, ${type}(), ${isAbove});`);
    } else w.line(`${name}_lane += ${e};`);
    w.line(`${name}_lane = select(${name}_lane, ${sum}, ${isAbove});`);
    w.line(`${name}_shift = select(${name}_shift, ${x}, ${isAbove});`);
  }

  /** Kahan's summation (1965): what an addition rounds off goes into the next. */
  private add(sum: string, rest: string, summand: string, place: Place): void {
    const [term, total] = [place.names.define("term"), place.names.define("total")];
    const w = this.writer;
    w.line(`let ${term} = ${summand} - ${rest};`);
    w.line(`let ${total} = ${sum} + ${term};`);
    w.line(`${rest} = (${total} - ${sum}) - ${term};`);
    w.line(`${sum} = ${total};`);
  }

  /** The lane's vectors to one state, then the states of the row's lanes to one. */
  finish(fold: Fold, counter: Counter): void {
    const { kind, name, max } = fold;
    if (kind === "moments") this.context.requireMoments();
    if (kind === "exps") this.writer.line(`${name}_lane *= exp(${name}_shift - ${max?.name});`);
    const state = kind === "moments" ? this.laneMoments(fold, counter) : this.laneValue(plain(kind), `${name}_lane`);
    this.writer.line(`var ${name} = ${state};`);
    mergeLanes(this.mergeOf(fold), this.context.schedule, this.scratch, this.writer);
  }

  private laneMoments({ name, operand, variance }: Fold, { count }: Counter): string {
    const { width } = this.context.schedule;
    const m2 = variance ? `${name}_m2` : `${wgslType(operand.value.element, width)}()`;
    const state = `(${count}, ${name}_shift, ${name}_mean, ${m2})`;
    return width === 1 ? `vec4f${state}` : `lane_moments${state}`;
  }

  private laneValue(kind: PlainKind, lane: string): string {
    const { width } = this.context.schedule;
    if (width === 1) return lane;
    const [low, high] = [combine[kind](`${lane}.x`, `${lane}.y`), combine[kind](`${lane}.z`, `${lane}.w`)];
    if (width === 2) return low;
    return kind === "sum" || kind === "prod" ? combine[kind](`(${low})`, `(${high})`) : combine[kind](low, high);
  }

  private mergeOf({ kind, name, operand }: Fold): Merge {
    if (kind === "moments") {
      return { state: name, type: "vec4f", combine: (a, b) => `merge_moments(${a}, ${b})`, commutes: false };
    }
    const type = computedType(operand.value.element) as "f32" | "i32" | "u32";
    return { state: name, type, combine: combine[plain(kind)], commutes: true };
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
