/** Adds functions that compute the gradients of a module's functions. */

import { withSaved } from "../../passes/gradient-save.ts";
import { builtins } from "../../passes/index.ts";
import * as gradientMessages from "../diagnostics/areas/gradients.ts";
import * as passMessages from "../diagnostics/areas/pipelines.ts";
import { aString, checkOptions, listOf, oneOf } from "../diagnostics/arguments.ts";
import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { checkModule } from "../ir/arguments.ts";
import { copyParam, withParams } from "../ir/builder.ts";
import { type Fn, type Module, makeModule } from "../ir/ir.ts";
import { nameOf } from "../ir/naming.ts";
import { isComputedFloat } from "../ir/types.ts";
import { PassManager } from "../pass-manager/pass-manager.ts";

/** Options of `gradient`. */
export interface GradientOptions {
  /** The only function to differentiate; by default all of the module. */
  readonly fn?: string;
  /**
   * Names of parameters by which to differentiate; by default all float parameters on which a result depends. Named parameters
   * whose extents are all numbers are weights: they are `@trained` in all functions of the result.
   */
  readonly wrt?: readonly string[];
  /** Names of results to differentiate; by default all float results. */
  readonly of?: readonly string[];
  /**
   * Which values the forward function saves for the backward function: `none` (the default), so that the backward recomputes them;
   * `auto`, those for which saving moves fewer bytes; or `all` that it needs.
   */
  readonly save?: "none" | "auto" | "all";
}

/** A function and its gradients. */
export interface FunctionGradient {
  /** Computes the results: the function itself or, if values are saved, `f_forward`, which also returns the saved values. */
  readonly forward: Fn;
  /**
   * Takes the forward's parameters and a cotangent `d_y` for each result `y`, and returns `d_x` for each parameter `x`. If
   * values are saved, it takes them before the cotangents, and only those parameters that it reads.
   */
  readonly backward: Fn;
  /** The names of saved values: results of the forward, parameters of the backward. */
  readonly saved: readonly string[];
}

/** The module with functions of gradients. */
export interface GradientResult {
  readonly module: Module;
  readonly functions: readonly FunctionGradient[];
  /** The remarks of the passes. */
  readonly remarks: readonly Diagnostic[];
}

const gradientOptions = {
  fn: aString,
  wrt: listOf("names of parameters", aString),
  of: listOf("names of results", aString),
  save: oneOf("none", "auto", "all"),
};

const before = "raise-norms,canonicalize";
const after = "fixpoint(canonicalize,cse,dce)";

/**
 * Adds to each function `f(x, ...) -> y` of a module `f_grad(x, ..., d_y) -> (d_x, ...)`, which maps the derivative d_y of a loss
 * by y to its derivatives by the parameters: the transpose of f's Jacobian times d_y. `f` does not change, except for
 * the mark `@trained` on its weights.
 * @throws TircError E0307 if there is no such function, E08xx if there is no gradient.
 */
export function gradient(given: Module, options: GradientOptions = {}): GradientResult {
  checkModule("gradient", given);
  checkOptions("gradient", options, gradientOptions);
  const { fn, wrt, of, save = "none" } = options;
  const names = given.fns.map(({ name }) => name);
  const isChosen = ({ name }: Fn) => fn === undefined || name === fn;
  const module = makeModule(
    given.fns.map((one) => (isChosen(one) ? withTrained(one, wrt ?? []) : one)),
    given.consts,
  );
  const differentiated = module.fns.filter(isChosen);
  if (fn !== undefined && differentiated.length === 0) fail(passMessages.unknownFunction(fn, names));
  const asked = Object.entries({ fn: differentiated.map(({ name }) => name), wrt, of });
  const passOptions = asked.flatMap(([name, list]) => (list === undefined ? [] : [`${name}=${list.join("+")}`]));
  const pipeline = `${before},gradient{${passOptions.join(",")}},${after}`;
  const { module: made, remarks } = new PassManager(pipeline, { builtins }).run(module);
  const said = [...remarks];
  const functions = differentiated.map((forward, i): FunctionGradient => {
    const backward = made.fns[module.fns.length + i] as Fn;
    const simple = made.fns[module.fns.indexOf(forward)] as Fn;
    const handover = save === "none" ? undefined : withSaved(simple, backward, save);
    if (save !== "none") said.push(gradientMessages.saved(forward.span, forward.name, handover));
    if (handover === undefined) return { forward, backward, saved: [] };
    const { forward: written, backward: read, names: saved } = handover;
    if (names.includes(written.name)) fail(gradientMessages.taken(forward.span, written.name, forward.name));
    return { forward: written, backward: read, saved };
  });
  const added = functions.flatMap(({ forward, backward, saved }) =>
    saved.length > 0 ? [forward, backward] : [backward],
  );
  return { module: makeModule([...module.fns, ...added], made.consts), functions, remarks: said };
}

/** Marks the named parameters of the function that are weights: tensors of floats with known extents. */
function withTrained(fn: Fn, names: readonly string[]): Fn {
  return withParams(fn, (param) => {
    const isKnown = param.shape.length > 0 && param.shape.every((dim) => typeof dim === "number");
    const isWeight = names.includes(nameOf(param)) && isComputedFloat(param.element) && isKnown;
    return isWeight && !param.trained ? copyParam(param, { trained: true }) : param;
  });
}
