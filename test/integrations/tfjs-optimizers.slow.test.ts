/** Optimizers whose step is a kernel, against the formulas in float64 and against tfjs's own. */

import * as tf from "@tensorflow/tfjs-core";
import { input, type LayersModel, layers, loadLayersModel, model, type SymbolicTensor } from "@tensorflow/tfjs-layers";
import { expect } from "vitest";
import { type FusedOptimizer, fusedAdam, fusedAdamW, fusedMomentum } from "../../src/integrations/tfjs.ts";
import { rejectionOf } from "../support/diagnostics.ts";
import { gpuTest } from "../support/gpu.ts";
import { openTfjs } from "../support/tfjs.ts";

/** A matrix, a vector and a number: the first has no multiple of four elements. */
const shapes = [[5, 7], [8], []];
const countOf = (shape: readonly number[]) => shape.reduce((all, extent) => all * extent, 1);
const startOf = (k: number, i: number) => Math.fround(Math.sin(2 * i + k));
const steps = 8;
/** Gradients of quite different sizes, zero among them. */
const gradientOf = (k: number, i: number, step: number) =>
  i === 3 ? 0 : Math.fround(Math.cos(3 * i + k + 0.7 * step) * 10 ** ((i % 5) - 3));
/** A schedule. */
const rateOf = (step: number) => (step <= 4 ? 0.01 : 0.002);

const tensorOf = (shape: number[], value: (i: number) => number) =>
  tf.tensor(
    Float32Array.from({ length: countOf(shape) }, (_, i) => value(i)),
    shape,
    "float32",
  );

let names = 0;
const variablesOf = () => {
  names += 1;
  return shapes.map((shape, k) =>
    tf.tidy(() => tensorOf(shape, (i) => startOf(k, i)).variable(true, `w${names}_${k}`)),
  );
};

/** The variables after it, concatenated. */
async function stepped(optimizer: tf.Optimizer, setRate: (rate: number) => void): Promise<number[]> {
  const variables = variablesOf();
  for (let step = 1; step <= steps; step++) {
    setRate(rateOf(step));
    const gradients = variables.map(({ name, shape }, k) => ({
      name,
      tensor: tensorOf(shape, (i) => gradientOf(k, i, step)),
    }));
    optimizer.applyGradients(gradients);
    tf.dispose(gradients.map(({ tensor }) => tensor));
  }
  const found: number[] = [];
  for (const variable of variables) found.push(...(await variable.data()));
  tf.dispose(variables);
  return found;
}

const fused = (optimizer: FusedOptimizer) => stepped(optimizer, (rate) => optimizer.setLearningRate(rate));
const own = (optimizer: tf.Optimizer) =>
  stepped(optimizer, (rate) => Object.assign(optimizer, { learningRate: rate, c: tf.scalar(-rate) }));

/** The steps of one element in float64: `next` is given its state, a gradient and a step, and changes the state. */
function inFloat64(next: (state: { w: number; m: number; v: number }, g: number, step: number, rank: number) => void) {
  return shapes.flatMap((shape, k) =>
    Array.from({ length: countOf(shape) }, (_, i) => {
      const state = { w: startOf(k, i), m: 0, v: 0 };
      for (let step = 1; step <= steps; step++) next(state, gradientOf(k, i, step), step, shape.length);
      return state.w;
    }),
  );
}

const adamIn64 =
  (epsilon: number, decayOf: (rank: number) => number = () => 0) =>
  (state: { w: number; m: number; v: number }, g: number, step: number, rank: number) => {
    state.w -= rateOf(step) * decayOf(rank) * state.w;
    state.m = 0.9 * state.m + 0.1 * g;
    state.v = 0.999 * state.v + 0.001 * g ** 2;
    const [m, v] = [state.m / (1 - 0.9 ** step), state.v / (1 - 0.999 ** step)];
    state.w -= (rateOf(step) * m) / (Math.sqrt(v) + epsilon);
  };

function expectNear(found: readonly number[], wanted: readonly number[], most: number): void {
  expect(found.length).toBe(wanted.length);
  for (const [i, value] of wanted.entries()) expect(Math.abs((found[i] as number) - value), `${i}`).toBeLessThan(most);
}

gpuTest("Adam takes the steps of the formula, and those of tf.train.adam", async ({ gpu }) => {
  await openTfjs(gpu);
  for (const epsilon of [1e-7, 1e-3]) {
    const found = await fused(await fusedAdam(tf, { epsilon }));
    expectNear(found, inFloat64(adamIn64(epsilon)), 1e-6);
    // tfjs rounds 1 - 0.999^step to 1.3e-5 of itself, so eight steps of 0.01 are off by as much.
    expectNear(found, await own(tf.train.adam(0.01, 0.9, 0.999, epsilon)), 2e-6);
  }
});

gpuTest("AdamW decays all variables, or matrices only", async ({ gpu }) => {
  await openTfjs(gpu);
  const all = await fused(await fusedAdamW(tf, { weightDecay: 0.5, epsilon: 1e-8 }));
  expectNear(all, inFloat64(adamIn64(1e-8, () => 0.5)), 1e-6);
  const matrices = await fused(await fusedAdamW(tf, { weightDecay: 0.5, epsilon: 1e-8, decay: "matrices" }));
  expectNear(matrices, inFloat64(adamIn64(1e-8, (rank) => (rank >= 2 ? 0.5 : 0))), 1e-6);
});

gpuTest("momentum takes the steps of the formula, and those of tf.train.momentum", async ({ gpu }) => {
  await openTfjs(gpu);
  for (const useNesterov of [false, true]) {
    const found = await fused(await fusedMomentum(tf, { momentum: 0.8, useNesterov }));
    const wanted = inFloat64((state, g, step) => {
      state.m = 0.8 * state.m + g;
      state.w -= rateOf(step) * (useNesterov ? g + 0.8 * state.m : state.m);
    });
    expectNear(found, wanted, 2e-6);
    expectNear(found, await own(tf.train.momentum(0.01, 0.8, useNesterov)), 2e-6);
  }
});

/** A model of a dense layer and a norm. */
function small(): LayersModel {
  const x = input({ shape: [6] });
  const dense = layers.dense({ units: 4, activation: "tanh" }).apply(x);
  const y = layers.layerNormalization().apply(dense) as SymbolicTensor;
  const made = model({ inputs: x, outputs: y });
  made.setWeights(
    made.getWeights().map(({ shape, size }, k) =>
      tf.tensor(
        Float32Array.from({ length: size }, (_, i) => Math.sin(1.3 * i + k)),
        shape,
      ),
    ),
  );
  return made;
}

const fit = async (made: LayersModel, epochs: number) => {
  const x = tensorOf([8, 6], (i) => Math.sin(3 * i));
  const y = tensorOf([8, 4], (i) => Math.cos(2 * i));
  const { history } = await made.fit(x, y, { epochs, batchSize: 4, shuffle: false, verbose: 0 });
  tf.dispose([x, y]);
  return history.loss as number[];
};

/** The model as it is saved and loaded again, optimizer and all. */
async function reloaded(made: LayersModel): Promise<LayersModel> {
  let artifacts: tf.io.ModelArtifacts = {};
  const handler = tf.io.withSaveHandler(async (given) => {
    artifacts = given;
    return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: "JSON" } };
  });
  await made.save(handler, { includeOptimizer: true });
  return loadLayersModel(tf.io.fromMemory(artifacts));
}

gpuTest(
  "a model is fitted as with tfjs's Adam, in a launch for each variable, and leaves no tensor",
  async ({ gpu }) => {
    await openTfjs(gpu);
    const [made, reference] = [small(), small()];
    made.compile({ optimizer: await fusedAdam(tf, { learningRate: 0.02 }), loss: "meanSquaredError" });
    reference.compile({ optimizer: tf.train.adam(0.02), loss: "meanSquaredError" });
    expectNear(await fit(made, 5), await fit(reference, 5), 1e-5);
    const before = tf.memory().numTensors;
    await fit(made, 2);
    expect(tf.memory().numTensors).toBe(before);

    const gradients = made.trainableWeights.map((weight) => {
      const { val } = weight as unknown as { val: tf.Variable };
      return { name: val.name, tensor: tf.zerosLike(val) };
    });
    const { kernels } = await tf.profile(() => {
      made.optimizer.applyGradients(gradients);
      return [];
    });
    const names = kernels.map(({ name }) => name.replace(/\/\d+$/, ""));
    expect(names).toEqual(Array(4).fill("tirc/adam"));
  },
);

gpuTest(
  "state and configuration are saved: tfjs's Adam continues the training, and the other way round",
  async ({ gpu }) => {
    await openTfjs(gpu);
    const made = small();
    const optimizer = await fusedAdam(tf, { learningRate: 0.02, beta1: 0.8, epsilon: 1e-6 });
    made.compile({ optimizer, loss: "meanSquaredError" });
    await fit(made, 3);
    optimizer.setLearningRate(0.01);
    const loaded = await reloaded(made);
    expect(loaded.optimizer).toBeInstanceOf(tf.AdamOptimizer);
    expect(loaded.optimizer.getConfig()).toEqual({ learningRate: 0.01, beta1: 0.8, beta2: 0.999, epsilon: 1e-6 });
    const losses = await fit(made, 3);
    expectNear(await fit(loaded, 3), losses, 1e-5);

    // Back again: its state in a fused one.
    const again = await fusedAdam(tf, loaded.optimizer.getConfig());
    await again.setWeights(await loaded.optimizer.getWeights());
    expect(again.iterations).toBe(12);
    loaded.compile({ optimizer: again, loss: "meanSquaredError" });
    expectNear(await fit(loaded, 2), await fit(made, 2), 1e-5);
    expect((await again.getWeights()).map(({ name }) => name)).toEqual(
      (await optimizer.getWeights()).map(({ name }) => name),
    );

    const heavy = await fusedMomentum(tf, { learningRate: 0.02, useNesterov: true });
    made.compile({ optimizer: heavy, loss: "meanSquaredError" });
    await fit(made, 2);
    const light = await reloaded(made);
    expect(light.optimizer).toBeInstanceOf(tf.MomentumOptimizer);
    expect(light.optimizer.getConfig()).toEqual({ learningRate: 0.02, momentum: 0.9, useNesterov: true });
    expectNear(await fit(light, 2), await fit(made, 2), 1e-5);

    // AdamW is no optimizer of tfjs's: it loads as itself.
    const decayed = await fusedAdamW(tf, { learningRate: 0.02, weightDecay: 0.1, decay: "matrices" });
    made.compile({ optimizer: decayed, loss: "meanSquaredError" });
    await fit(made, 2);
    const other = await reloaded(made);
    expect([other.optimizer.getClassName(), other.optimizer.getConfig()]).toEqual(["AdamW", decayed.getConfig()]);
    expectNear(await fit(other, 2), await fit(made, 2), 1e-5);
  },
);

gpuTest("another backend is named", async ({ gpu }) => {
  await openTfjs(gpu);
  const other = { ...tf, getBackend: () => "cpu", backend: () => ({}) as tf.KernelBackend };
  for (const make of [fusedAdam, fusedAdamW, fusedMomentum]) {
    expect((await rejectionOf(make(other)))[0]).toMatch(/^E0625/);
  }
});
