/** Differentiable ops of TensorFlow.js: a function and its gradients, both computed by kernels. */

import type * as tfjs from "@tensorflow/tfjs-core";
import type { Tensor } from "@tensorflow/tfjs-core";
import { gradient } from "../driver/gradient.ts";
import type { Fn } from "../ir/ir.ts";
import { parse } from "../parse/parse.ts";
import { compileOp } from "./tfjs-compile.ts";
import type { Tfjs } from "./tfjs-op.ts";

/** The parts of the module `@tensorflow/tfjs` or `@tensorflow/tfjs-core` that are used. */
export type TfjsWithGradients = Tfjs &
  Pick<typeof tfjs, "registerGradient" | "reshape" | "tidy" | "unregisterGradient">;

/** An op with a gradient. Arguments and results are tensors by name. */
export interface Differentiable {
  run(tensors: Readonly<Record<string, Tensor>>): Readonly<Record<string, Tensor>>;
  destroy(): void;
}

/** Parameters whose gradient equals that of another one. */
const sameGradient: Readonly<Record<string, string>> = { residual: "x" };

/**
 * Compiles a function and its gradients with respect to all parameters.
 * @param used the results that usually have a nonzero cotangent; a smaller kernel is compiled for them alone.
 */
export async function differentiable(
  tf: TfjsWithGradients,
  text: string,
  used: readonly string[] = ["y"],
): Promise<Differentiable> {
  const module = parse(text);
  const [{ params, results }] = module.fns as [Fn];
  const [names, outputs] = [params.map(({ name }) => name as string), results.map(({ name }) => name)];
  const wrt = names.filter((name) => !(name in sameGradient));
  const backwardOf = async (of: readonly string[]) => {
    const { backward } = gradient(module, { wrt, of }).functions[0] as { backward: Fn };
    return { of, params: new Set(backward.params.map(({ name }) => name)), op: await compileOp(tf, backward) };
  };
  const there = await compileOp(tf, module.fns[0] as Fn);
  const backs = [await backwardOf(used), ...(used.length < outputs.length ? [await backwardOf(outputs)] : [])];
  tf.registerGradient({
    kernelName: there.kernelName,
    inputsToSave: names,
    gradFunc(given, saved) {
      const cotangents = [given].flat() as Tensor[];
      const isThere = (name: string) => !isZero(tf, cotangents[outputs.indexOf(name)] as Tensor);
      const rest = outputs.filter((name) => !used.includes(name));
      const { op, params } = backs[rest.some(isThere) ? 1 : 0] as (typeof backs)[0];
      // All gradients are computed now: tfjs requests them one at a time, and frees the other tensors in between.
      const all = [
        ...names.map((name, i) => [name, saved[i]] as const),
        ...outputs.map((name, i) => [`d_${name}`, cotangents[i]] as const),
      ];
      const tensors = Object.fromEntries(all.filter(([name]) => params.has(name))) as Record<string, Tensor>;
      const found = op.run(tensors) as Readonly<Record<string, Tensor>>;
      const gradients = names.map((name) => {
        const same = sameGradient[name];
        return [name, same === undefined ? found[`d_${name}`] : found[`d_${same}`]?.clone()] as const;
      });
      return Object.fromEntries(gradients.map(([name, one]) => [name, () => one as Tensor]));
    },
  });
  return {
    run: (tensors) => there.run(tensors),
    destroy() {
      tf.unregisterGradient(there.kernelName);
      for (const op of [there, ...backs.map(({ op }) => op)]) op.destroy();
    },
  };
}

/** Whether a cotangent is one of the zero tensors that tfjs creates, on the CPU, for unused results. */
function isZero(tf: TfjsWithGradients, { dataId }: Tensor): boolean {
  const { tensorMap } = tf.backend() as unknown as { tensorMap: { get(id: object): { values?: unknown } | undefined } };
  const values = tensorMap.get(dataId)?.values;
  return values instanceof Float32Array && values.every((value) => value === 0);
}
