/** Functions that give the gradients of a module's functions. */

import type { Diagnostic } from "./diagnostics/diagnostic.ts";
import { fail } from "./diagnostics/diagnostic.ts";
import { passErrors } from "./diagnostics/errors-passes.ts";
import { type Fn, type Module, makeModule } from "./ir/ir.ts";
import { PassManager } from "./pass-manager/pass-manager.ts";

/** What `gradient` is asked for. */
export interface GradientOptions {
  /** The one function to differentiate; each of the module's unless said otherwise. */
  readonly fn?: string;
  /** Names of parameters by which to differentiate; all of floats on which a result depends unless said otherwise. */
  readonly wrt?: readonly string[];
  /** Names of results to differentiate; all of floats unless said otherwise. */
  readonly of?: readonly string[];
}

/** A function and its gradients. */
export interface FunctionGradient {
  /** Gives the results: the function itself. */
  readonly forward: Fn;
  /** Takes the forward's parameters and a cotangent `d_y` for each result `y`, and gives `d_x` for each parameter `x`. */
  readonly backward: Fn;
}

/** The module with functions of gradients. */
export interface GradientResult {
  readonly module: Module;
  readonly functions: readonly FunctionGradient[];
  /** What the passes said. */
  readonly remarks: readonly Diagnostic[];
}

const before = "raise-norms,canonicalize";
const after = "fixpoint(canonicalize,cse,dce)";

/**
 * Writes beside each function `f(x, ...) -> y` of a module `f_grad(x, ..., d_y) -> (d_x, ...)`, which for the derivative d_y of a number
 * by y gives those of the number by the parameters: the transpose of f's Jacobian times d_y. `f` stays as it is.
 * @throws TircError E0307 where there is no such function, E08xx where there is no gradient.
 */
export function gradient(module: Module, { fn, wrt, of }: GradientOptions = {}): GradientResult {
  const differentiated = fn === undefined ? module.fns : module.fns.filter(({ name }) => name === fn);
  const names = module.fns.map(({ name }) => name);
  if (fn !== undefined && differentiated.length === 0) fail(passErrors.unknownFunction(fn, names));
  const given = Object.entries({ fn: differentiated.map(({ name }) => name), wrt, of });
  const options = given.flatMap(([name, list]) => (list === undefined ? [] : [`${name}=${list.join("+")}`]));
  const pipeline = `${before},gradient{${options.join(",")}},${after}`;
  const { module: made, remarks } = new PassManager(pipeline).run(module);
  const added = made.fns.slice(module.fns.length);
  return {
    module: makeModule([...module.fns, ...added], made.consts),
    functions: differentiated.map((forward, i) => ({ forward, backward: added[i] as Fn })),
    remarks,
  };
}
