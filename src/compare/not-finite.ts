/** Explains NaNs and infinities that the float64 reference computes from finite inputs: names the op, and better inputs. */

import * as compareMessages from "../diagnostics/areas/comparison.ts";
import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import { type Constants, dimsOfInputs, type Environment, evaluateFn } from "../ir/interpret.ts";
import { type Fn, isLeaf, type Op, type Value } from "../ir/ir.ts";
import { ops } from "../ir/ops/index.ts";
import { broadcastTo, type Tensor } from "../ir/tensor.ts";
import type { Reference } from "./compare.ts";
import { printFill } from "./fill.ts";
import type { InputSource } from "./inputs.ts";

type Tensors = Readonly<Record<string, Tensor>>;
type Test = (value: number) => boolean;

const isNotFinite: Test = (value) => !Number.isFinite(value);
const has = (tensor: Tensor | undefined, test: Test) => tensor?.data.some(test) === true;

interface Given {
  readonly inputs: Tensors;
  readonly constants: Constants;
  /** The sources of the inputs that were given. */
  readonly sources: ReadonlyMap<string, InputSource>;
  /** The tensor for a parameter from another source. */
  readonly fill: (param: Value, source: InputSource) => Tensor;
}

/** A warning for each output that is not finite although all inputs are. */
export function explainNotFinite(fn: Fn, references: Readonly<Record<string, Reference>>, given: Given): Diagnostic[] {
  const results = fn.results.filter(({ name }) => has(references[name]?.value, isNotFinite));
  if (results.length === 0 || Object.values(given.inputs).some((input) => has(input, isNotFinite))) return [];
  const evaluate = (inputs: Tensors) => evaluateFn(fn, inputs, dimsOfInputs(fn, inputs), given.constants);
  const values = evaluate(given.inputs);
  const seen = new Set<Op>();
  return results.flatMap(({ name, value }) => {
    const { data } = (references[name] as Reference).value;
    const test = data.some(Number.isNaN) ? Number.isNaN : isNotFinite;
    const op = firstOf(fn, value, values, test);
    if (op === undefined || seen.has(op)) return [];
    seen.add(op);
    const read = new Set(op.operands.flatMap((operand) => (operand ? upstream(operand) : [])));
    const params = fn.params.filter((param) => read.has(param));
    return [
      compareMessages.notFinite(op.span, op.name, {
        output: name,
        what: test === Number.isNaN ? "NaN" : "infinite",
        count: data.filter(test).length,
        total: data.length,
        operands: operandsAt(op, values, test),
        params: params.map((param) => param.name as string),
        instead: betterFill(params, given, (inputs) => !has(evaluate(inputs).get(value), isNotFinite)),
      }),
    ];
  });
}

/** Among the ops that `value` depends on, the first with a result that meets `test` and no operand that does. */
function firstOf(fn: Fn, value: Value, values: Environment, test: Test): Op | undefined {
  const needed = new Set(upstream(value));
  return fn.ops.find((op) => {
    const made = op.results.some((result) => needed.has(result) && has(values.get(result), test));
    return made && !isLeaf(op) && !op.operands.some((operand) => operand && has(values.get(operand), test));
  });
}

/** A value, and all values that it depends on. */
function upstream(value: Value): Value[] {
  const found = new Set([value]);
  for (const one of found) for (const operand of one.def?.operands ?? []) if (operand) found.add(operand);
  return [...found];
}

/** The operands of the first result element that meets `test`; empty unless the op is elementwise. */
function operandsAt(op: Op, values: Environment, test: Test): number[] {
  const { shape, data } = values.get(op.results[0] as Value) as Tensor;
  const operands = op.operands.map((operand) => operand && values.get(operand));
  const fits = operands.every((tensor) => tensor && tensor.shape.length <= shape.length);
  if (ops[op.name].kind !== "elementwise" || !fits) return [];
  const at = data.findIndex(test);
  return operands.map((tensor) => broadcastTo(tensor as Tensor, shape)[at] as number);
}

const candidates = ["rand", { name: "uniform", of: [0.5, 2] }, { name: "uniform", of: [-1, 1] }] as const;
const mostParams = 4;

/** Options that avoid such values, found by trying other fills for one randomly filled parameter, or else for all. */
function betterFill(params: readonly Value[], given: Given, isRight: (inputs: Tensors) => boolean): string | undefined {
  const random = params.filter((param) => given.sources.get(param.name as string)?.kind !== "file");
  if (random.length === 0 || random.length > mostParams) return undefined;
  const choices = [...random.map((param) => [param]), ...(random.length > 1 ? [random] : [])];
  for (const fill of candidates) {
    for (const chosen of choices) {
      const made = chosen.map((param) => [param.name as string, given.fill(param, { kind: "fill", fill })] as const);
      if (!isRight({ ...given.inputs, ...Object.fromEntries(made) })) continue;
      const text = printFill(fill);
      return chosen.map(({ name }) => (text === "rand" ? `--in ${name}=rand` : `--in '${name}=${text}'`)).join(" ");
    }
  }
  return undefined;
}
