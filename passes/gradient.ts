/**
 * Adds for a function another one that computes its gradients, by the column `vjp` of the op table.
 *
 *   fn f(x: f32[n]) -> (y: f32[n]) {
 *     return sin(x)
 *   }
 *   -> also
 *   fn f_grad(x: f32[n], d_y: f32[n]) -> (d_x: f32[n]) {
 *     return d_y * cos(x)
 *   }
 *
 * Reverse accumulation: the ops of f in order, then back through them, where each value's cotangent is the sum of the
 * contributions of its users (after the loop in tinygrad's `compute_gradient`). f itself stays. f_grad recomputes the values of
 * f that it needs.
 */

import * as gradientMessages from "../src/diagnostics/areas/gradients.ts";
import { type Diagnostic, fail } from "../src/diagnostics/diagnostic.ts";
import { Builder, Copies, copyOp } from "../src/ir/builder.ts";
import { FreshNames } from "../src/ir/fresh-names.ts";
import { type Fn, makeFn, type Op, type Result, Value } from "../src/ir/ir.ts";
import { nameOf } from "../src/ir/naming.ts";
import { ops } from "../src/ir/ops/index.ts";
import { type Terms, termsOf } from "../src/ir/ops/vjp.ts";
import { isComputedFloat, printType } from "../src/ir/types.ts";
import { definePass, namesIn, type PassContext } from "../src/pass/define-pass.ts";
import { withoutDeadOps } from "./dce.ts";

interface Options {
  readonly fn: string;
  readonly wrt: string;
  readonly of: string;
}

/** Those in `all` that an option names; for the option `all`, the float ones. @throws TircError E0801 or E0802. */
function chosen(fn: Fn, what: "parameter" | "result", text: string, all: readonly Result[]): readonly Result[] {
  const names = namesIn(text);
  if (names === undefined) return all.filter(({ value }) => isComputedFloat(value.element) && !value.type.opaque);
  return names.map((name) => {
    const found = all.find((one) => one.name === name);
    const known = all.map((one) => one.name);
    if (found === undefined) return fail(gradientMessages.unknown(fn.span, fn.name, what, name, known));
    const { span, element, type } = found.value;
    return isComputedFloat(element) ? found : fail(gradientMessages.noFloat(span, what, name, printType(type)));
  });
}

function parametersOf(fn: Fn, text: string): Value[] {
  const params = fn.params.map((value) => ({ name: nameOf(value), value }));
  return chosen(fn, "parameter", text, params).map(({ value }) => value);
}

/** The values that depend on `from` differentiably: those through which gradients propagate. */
function activeValues(fn: Fn, from: readonly Value[], stops: (op: Op) => void): ReadonlySet<Value> {
  const active = new Set(from);
  for (const op of fn.ops) {
    const { vjp } = ops[op.name];
    const reads = op.operands.flatMap((operand, i) => (operand !== undefined && active.has(operand) ? [i] : []));
    if (reads.length === 0) continue;
    const passes = op.results.some(({ element, type }) => isComputedFloat(element) && !type.opaque);
    const goesOn = passes && ("none" in vjp || reads.some((i) => vjp.by[i] !== null));
    if (!goesOn) {
      if (op.name !== "stop_gradient") stops(op);
      continue;
    }
    for (const result of op.results) if (isComputedFloat(result.element)) active.add(result);
  }
  return active;
}

/** The function under construction: f's own ops, followed by the backward ops. */
class Backward {
  readonly builder: Builder;
  /** The replacement of each value of f. */
  private readonly copies = new Copies();
  private readonly cotangents = new Map<Value, Value>();
  private readonly terms: Terms;

  constructor(fn: Fn) {
    this.builder = new Builder(fn.span);
    this.terms = termsOf(this.builder);
    for (const param of fn.params) this.copies.param(param);
    for (const op of fn.ops) this.builder.add(this.copies.op(op, { kernel: undefined }));
  }

  now(value: Value): Value {
    return this.copies.of(value);
  }

  cotangentOf(value: Value): Value | undefined {
    return this.cotangents.get(value);
  }

  /** Adds to the cotangent of a value. */
  contribute(value: Value, contribution: Value): void {
    const before = this.cotangents.get(value);
    this.cotangents.set(value, before === undefined ? contribution : this.terms.add(before, contribution));
  }

  /** Names the last op after `mark` ops, if it computes this cotangent, after its value. */
  private named(value: Value, mark: number): void {
    if (this.builder.ops.length === mark) return;
    const cotangent = this.cotangents.get(value);
    const last = this.builder.ops.at(-1);
    if (value.name === undefined || last?.result !== cotangent || cotangent?.name !== undefined || last === undefined)
      return;
    const copy = copyOp(last, { resultNames: [`d_${value.name}`] });
    this.builder.ops[this.builder.ops.length - 1] = copy;
    this.cotangents.set(value, copy.result);
  }

  /** Propagates the cotangents of an op's results to its active operands. */
  through(op: Op, active: ReadonlySet<Value>, refused: (op: Op, why: string) => void): void {
    const cotangents = op.results.map((result) => this.cotangents.get(result));
    const wanted = op.operands.flatMap((operand, i) => (operand !== undefined && active.has(operand) ? [i] : []));
    if (wanted.length === 0 || cotangents.every((one) => one === undefined)) return;
    const { vjp } = ops[op.name];
    if ("none" in vjp) {
      refused(op, vjp.none);
      return;
    }
    this.builder.standAt({ span: op.span, kernel: undefined });
    const at = {
      operands: this.copies.operandsOf(op),
      results: op.results.map((result) => this.now(result)),
      attributes: op.attributes,
      cotangents,
      terms: this.terms,
    };
    for (const i of wanted) {
      const pullback = vjp.by[i];
      const operand = op.operands[i] as Value;
      if (pullback === undefined || pullback === null) continue;
      const mark = this.builder.ops.length;
      this.contribute(operand, this.terms.summedTo(pullback(at), operand.shape));
      this.named(operand, mark);
    }
  }
}

/**
 * The function that computes the gradients.
 * @throws TircError E0801 to E0804.
 */
function gradientOf(fn: Fn, { wrt, of }: Pick<Options, "wrt" | "of">, stops: (op: Op) => void = () => {}): Fn {
  const wanted = parametersOf(fn, wrt);
  const results = chosen(fn, "result", of, fn.results);
  const active = activeValues(fn, wanted, stops);
  const reached = results.filter(({ value }) => active.has(value));
  const fresh = new FreshNames(fn.params.map(nameOf));
  const backward = new Backward(fn);
  const seeds = reached.map(({ name, value }) => {
    const seed = new Value(value.type, fresh.next(`d_${name}`), value.span);
    backward.contribute(value, seed);
    return seed;
  });
  const refused: Diagnostic[] = [];
  for (const op of fn.ops.toReversed()) {
    backward.through(op, active, ({ span, name }, why) => refused.push(gradientMessages.noDerivative(span, name, why)));
  }
  if (refused.length > 0) fail(...refused.reverse());
  const gradients = wanted.flatMap((param) => {
    const value = backward.cotangentOf(param);
    if (value !== undefined) return [{ param, value }];
    if (namesIn(wrt) === undefined) return [];
    return fail(
      gradientMessages.independent(
        param.span,
        nameOf(param),
        results.map(({ name }) => name),
      ),
    );
  });
  if (gradients.length === 0) fail(gradientMessages.nothing(fn.span, fn.name));
  const names = new FreshNames();
  const full = makeFn({
    name: `${fn.name}_grad`,
    params: [...fn.params.map((param) => backward.now(param)), ...seeds],
    ops: backward.builder.ops,
    results: gradients.map(({ param, value }) => ({ name: names.next(`d_${nameOf(param)}`), value })),
    span: fn.span,
  });
  return withoutDeadOps(full).fn;
}

export const gradient = definePass({
  name: "gradient",
  summary: "Adds for a function another one that computes its gradients.",
  example: [
    "fn f(x: f32[n]) -> (y: f32[n]) {",
    "  return sin(x)",
    "}",
    "-> also",
    "fn f_grad(x: f32[n], d_y: f32[n]) -> (d_x: f32[n]) {",
    "  return d_y * cos(x)",
    "}",
  ].join("\n"),
  options: {
    fn: { type: "names", default: "all", summary: "Functions to differentiate, with `+` between them." },
    wrt: {
      type: "names",
      default: "all",
      summary: "Parameters to differentiate by; all float parameters that a result depends on by default.",
    },
    of: { type: "names", default: "all", summary: "Results to differentiate; all float results by default." },
  },
  run(fn, context: PassContext<Options>) {
    const { options } = context;
    const names = namesIn(options.fn);
    if (names !== undefined && !names.includes(fn.name)) return fn;
    const name = `${fn.name}_grad`;
    if (context.functions.includes(name)) fail(gradientMessages.taken(fn.span, name, fn.name));
    const stops = new Set<Op>();
    const backward = gradientOf(fn, options, (op) => stops.add(op));
    for (const param of parametersOf(fn, options.wrt)) {
      const { span, trained, centered } = param;
      if (trained && centered.length > 0)
        context.remark(gradientMessages.trainedPromise(span, nameOf(param), centered));
    }
    for (const op of stops) context.remark(gradientMessages.stops(op.span, op.name));
    return { fn, beside: [backward] };
  },
});
