/**
 * Optimizers for TensorFlow.js that update each variable by one kernel; those of tfjs launch one for each operation.
 * The updates, configuration and state are the same, so either can continue a training that the other began.
 */

import type * as tfjs from "@tensorflow/tfjs-core";
import type { NamedTensorMap, Optimizer, Tensor, Variable } from "@tensorflow/tfjs-core";
import type { Fn } from "../ir/ir.ts";
import { parse } from "../parse/parse.ts";
import { compileOp } from "./tfjs-compile.ts";
import { deviceOf, type Tfjs, type TfjsKernel } from "./tfjs-op.ts";

/** A tensor, and the name that it is saved under. */
interface NamedTensor {
  name: string;
  tensor: Tensor;
}

/** The parts of the module `@tensorflow/tfjs` or `@tensorflow/tfjs-core` that are used. */
export type TfjsWithOptimizers = Tfjs &
  Pick<typeof tfjs, "dispose" | "Optimizer" | "reshape" | "serialization" | "tidy" | "zerosLike">;

/** Options of Adam (Kingma and Ba 2015, Algorithm 1). */
export interface FusedAdamOptions {
  /** 0.001 by default. */
  readonly learningRate?: number;
  /** The decay rate of the running mean of gradients: 0.9 by default. */
  readonly beta1?: number;
  /** The decay rate of the running mean of squared gradients: 0.999 by default. */
  readonly beta2?: number;
  /**
   * Added to the root of the bias-corrected mean of squares, as in `tf.train.adam` and PyTorch. 1e-7 by default, as in
   * `tf.train.adam`; PyTorch uses 1e-8.
   */
  readonly epsilon?: number;
}

/** Options of AdamW (Loshchilov and Hutter 2019, Algorithm 2). */
export interface FusedAdamWOptions extends FusedAdamOptions {
  /** Each step multiplies a variable by 1 - learningRate * weightDecay. 0.01 by default, as in PyTorch. */
  readonly weightDecay?: number;
  /**
   * The variables that decay: `all`, the default, or `matrices`, which excludes biases, gammas and betas by their rank.
   */
  readonly decay?: "all" | "matrices";
}

/** Options of gradient descent with momentum. */
export interface FusedMomentumOptions {
  /** 0.01 by default. */
  readonly learningRate?: number;
  /** 0.9 by default. */
  readonly momentum?: number;
  /** Whether to use Nesterov momentum. Off by default. */
  readonly useNesterov?: boolean;
}

/** An optimizer for `model.compile`, or for `minimize` and `applyGradients`. */
export interface FusedOptimizer extends Optimizer {
  /** May be changed at any time, for example by a schedule; the next step uses it. */
  learningRate: number;
  /** Sets `learningRate`, like the method of tfjs's SGD. */
  setLearningRate(learningRate: number): void;
  /** Frees the state. */
  dispose(): void;
}

/** The update rule of an optimizer. */
interface Rule<Options> {
  /** The name that tfjs saves and loads it by. */
  readonly className: string;
  /** The names of the state tensors of a variable, which have its shape, as tfjs's optimizer saves them. */
  readonly state: readonly string[];
  readonly defaults: Options;
  /**
   * The program of a step: takes `w`, `d_w`, the state and scalars; returns `w_next`, and `NAME_next` for each state.
   */
  text(options: Options): string;
  /** The scalars. `step` counts from 1; `rank` is that of the variable. */
  numbers(options: Options, step: number, rank: number): Readonly<Record<string, number>>;
}

const adamText = (shrink: string, more = "") => `
fn adam(w: f32[n], d_w: f32[n], m: f32[n], v: f32[n],
        beta1: f32, gain1: f32, beta2: f32, gain2: f32, rate: f32, unbias: f32, epsilon: f32${more})
    -> (w_next: f32[n], m_next: f32[n], v_next: f32[n]) {
  let m_next = beta1 * m + gain1 * d_w
  let v_next = beta2 * v + gain2 * (d_w * d_w)
  return ${shrink}w - rate * m_next / (sqrt(unbias * v_next) + epsilon), m_next, v_next
}`;

const adam: Rule<Required<FusedAdamOptions>> = {
  className: "Adam",
  state: ["m", "v"],
  defaults: { learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 },
  text: () => adamText(""),
  // Bias corrections are computed here in float64: in f32, 1 - 0.999 has a relative error of 1.3e-5.
  numbers: ({ learningRate, beta1, beta2, epsilon }, step) => ({
    beta1,
    gain1: 1 - beta1,
    beta2,
    gain2: 1 - beta2,
    rate: learningRate / (1 - beta1 ** step),
    unbias: 1 / (1 - beta2 ** step),
    epsilon,
  }),
};

const adamW: Rule<Required<FusedAdamWOptions>> = {
  className: "AdamW",
  state: adam.state,
  defaults: { ...adam.defaults, weightDecay: 0.01, decay: "all" },
  text: () => adamText("shrink * ", ", shrink: f32"),
  numbers(options, step, rank) {
    const { learningRate, weightDecay, decay } = options;
    const shrink = decay === "all" || rank >= 2 ? 1 - learningRate * weightDecay : 1;
    return { ...adam.numbers(options, step, rank), shrink };
  },
};

const momentum: Rule<Required<FusedMomentumOptions>> = {
  className: "Momentum",
  state: ["momentum"],
  defaults: { learningRate: 0.01, momentum: 0.9, useNesterov: false },
  text: ({ useNesterov }) => `
fn momentum(w: f32[n], d_w: f32[n], momentum: f32[n], rate: f32, factor: f32)
    -> (w_next: f32[n], momentum_next: f32[n]) {
  let momentum_next = factor * momentum + d_w
  return w - rate * ${useNesterov ? "(d_w + factor * momentum_next)" : "momentum_next"}, momentum_next
}`,
  numbers: ({ learningRate, momentum }) => ({ rate: learningRate, factor: momentum }),
};

/** A state tensor, and the name that it is saved under. */
interface StateVariable {
  readonly originalName: string;
  readonly variable: Variable;
}

type OptimizerClass<Options> = tfjs.serialization.SerializableConstructor<FusedOptimizer> &
  (new (
    options: Options,
  ) => FusedOptimizer);

/** Makes the optimizer class of a rule. Its instances share the kernel. */
function classOf<Options extends { readonly learningRate: number }>(
  tf: TfjsWithOptimizers,
  { className, state, defaults, numbers }: Rule<Options>,
  kernel: TfjsKernel,
): OptimizerClass<Options> {
  const names = Object.keys(defaults) as (keyof Options)[];

  class Fused extends tf.Optimizer implements FusedOptimizer {
    static readonly className = className;

    static override fromConfig(_: unknown, config: tfjs.serialization.ConfigDict): never {
      // The config has additional members of tfjs.
      const given = names.filter((name) => name in config).map((name) => [name, config[name as string]]);
      return new Fused({ ...defaults, ...Object.fromEntries(given) }) as never;
    }

    learningRate: number;
    private readonly options: Options;
    /** For each state name, the tensors in the order of the variables, as in tfjs. */
    private slots: StateVariable[][] = state.map(() => []);

    constructor(options: Options) {
      super();
      this.options = options;
      this.learningRate = options.learningRate;
    }

    setLearningRate(learningRate: number): void {
      this.learningRate = learningRate;
    }

    applyGradients(gradients: NamedTensorMap | NamedTensor[]): void {
      const given = Array.isArray(gradients)
        ? gradients.map(({ name, tensor }) => [name, tensor] as const)
        : Object.entries(gradients);
      const options = this.current();
      for (const [i, [name, gradient]] of given.entries()) {
        const variable = tf.engine().registeredVariables[name] as Variable;
        const own = state.map((part, k) => [part, this.slotOf(k, i, `${name}/${part}`, variable)] as const);
        // If the loss does not depend on a variable, its state still exists, since states are found by index.
        if ((gradient as Tensor | undefined) === undefined) continue;
        const { rank, shape } = variable;
        tf.tidy(() => {
          const tensors = Object.entries({ w: variable, d_w: gradient, ...Object.fromEntries(own) });
          const flat = rank > 0 ? tensors : tensors.map(([part, tensor]) => [part, tf.reshape(tensor, [1])] as const);
          const next = kernel.run({
            ...Object.fromEntries(flat),
            ...numbers(options, this.iterations + 1, rank),
          }) as Readonly<Record<string, Tensor>>;
          for (const [part, old] of [["w", variable] as const, ...own]) {
            const made = next[`${part}_next`] as Tensor;
            old.assign(rank > 0 ? made : tf.reshape(made, shape));
          }
        });
      }
      this.incrementIterations();
    }

    override async getWeights(): Promise<NamedTensor[]> {
      const all = this.slots.flat().map(({ originalName: name, variable: tensor }) => ({ name, tensor }));
      return [await this.saveIterations(), ...all];
    }

    override async setWeights(weights: NamedTensor[]): Promise<void> {
      const all = await this.extractIterations(weights);
      const old = this.slots.flat().map(({ variable }) => variable);
      const count = all.length / state.length;
      this.slots = state.map((_, k) => {
        const part = all.slice(k * count, (k + 1) * count);
        return part.map(({ name, tensor }) => ({ originalName: name, variable: tensor.variable(false) }));
      });
      tf.dispose(old);
    }

    getConfig(): tfjs.serialization.ConfigDict {
      return { ...this.current() } as tfjs.serialization.ConfigDict;
    }

    override dispose(): void {
      tf.dispose(this.slots.flat().map(({ variable }) => variable));
      this.slots = state.map(() => []);
    }

    private current(): Options {
      return { ...this.options, learningRate: this.learningRate };
    }

    private slotOf(k: number, i: number, originalName: string, like: Variable): Variable {
      const slots = this.slots[k] as StateVariable[];
      slots[i] ??= { originalName, variable: tf.tidy(() => tf.zerosLike(like).variable(false)) };
      return slots[i].variable;
    }
  }
  return Fused;
}

/** The kernels of optimizers by their program. Cached for the lifetime of the device, and shared between optimizers. */
const kernels = new WeakMap<GPUDevice, Map<string, Promise<TfjsKernel>>>();

function kernelOf(tf: Tfjs, text: string): Promise<TfjsKernel> {
  const device = deviceOf(tf);
  const known = kernels.get(device) ?? new Map<string, Promise<TfjsKernel>>();
  kernels.set(device, known);
  const kernel = known.get(text) ?? compileOp(tf, parse(text).fns[0] as Fn);
  known.set(text, kernel);
  return kernel;
}

async function open<Options extends { readonly learningRate: number }>(
  tf: TfjsWithOptimizers,
  rule: Rule<Options>,
  given: Partial<Options>,
): Promise<{ readonly Class: OptimizerClass<Options>; readonly optimizer: FusedOptimizer }> {
  const options = { ...rule.defaults, ...given };
  const Class = classOf(tf, rule, await kernelOf(tf, rule.text(options)));
  return { Class, optimizer: new Class(options) };
}

/**
 * `tf.train.adam` with one kernel for each variable. The backend of tfjs must be `webgpu` and ready. It is saved as
 * `Adam`, so a model saved with it loads with tfjs's optimizer, including the state.
 * Throws TircError: E0625, and what `prepare` throws.
 */
export async function fusedAdam(tf: TfjsWithOptimizers, options: FusedAdamOptions = {}): Promise<FusedOptimizer> {
  return (await open(tf, adam, options)).optimizer;
}

/**
 * AdamW, which is Adam with decoupled weight decay, with one kernel for each variable. tfjs does not have it: it is
 * registered as `AdamW`, so a model saved with it loads once `fusedAdamW` has been called.
 * Throws TircError: E0625, and what `prepare` throws.
 */
export async function fusedAdamW(tf: TfjsWithOptimizers, options: FusedAdamWOptions = {}): Promise<FusedOptimizer> {
  const { Class, optimizer } = await open(tf, adamW, options);
  tf.serialization.registerClass(Class);
  return optimizer;
}

/**
 * `tf.train.momentum` with one kernel for each variable, saved as `Momentum`.
 * Throws TircError: E0625, and what `prepare` throws.
 */
export async function fusedMomentum(
  tf: TfjsWithOptimizers,
  options: FusedMomentumOptions = {},
): Promise<FusedOptimizer> {
  return (await open(tf, momentum, options)).optimizer;
}
