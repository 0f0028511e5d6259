/** A LayersModel with kernels for norms, against the same model without: predictions, training, saved models. */

import * as tf from "@tensorflow/tfjs-core";
import { Callback, input, type LayersModel, layers, model, models, type SymbolicTensor } from "@tensorflow/tfjs-layers";
import { afterAll, expect } from "vitest";
import { applyFusedRmsNorm, type FusedModelOptions, FusedRMSNorm } from "../../src/integrations/tfjs.ts";
import { programOf } from "../../src/integrations/tfjs-graph.ts";
import { print } from "../../src/ir/print.ts";
import { rejectionOf } from "../support/diagnostics.ts";
import { gpuTest } from "../support/gpu.ts";
import { openTfjs } from "../support/tfjs.ts";

const width = 16;

/** A stream that a table and a product write, and two norms. */
function small(): LayersModel {
  const ids = input({ shape: [6], dtype: "int32", name: "ids" });
  const start = layers.embedding({ inputDim: 10, outputDim: width, name: "table" }).apply(ids) as SymbolicTensor;
  const first = layers.layerNormalization({ name: "first" }).apply(start);
  const write = layers.dense({ units: width, name: "write" }).apply(first) as SymbolicTensor;
  const sum = layers.add({ name: "sum" }).apply([start, write]);
  const second = layers.layerNormalization({ name: "second" }).apply(sum);
  return model({ inputs: ids, outputs: second as SymbolicTensor });
}

const data = () => {
  const ids = tf.tensor2d(
    Int32Array.from({ length: 24 }, (_, i) => (7 * i + 3) % 10),
    [4, 6],
    "int32",
  );
  return {
    ids,
    wanted: tf.tensor3d(
      Float32Array.from({ length: 4 * 6 * width }, (_, i) => Math.sin(i)),
      [4, 6, width],
    ),
  };
};

const fused: { restore(): void }[] = [];
/** The kernels stay until all tests are done: a device compiles the same one once. */
async function fuse(made: LayersModel, options: FusedModelOptions = {}) {
  const result = await applyFusedRmsNorm(tf, made, options);
  fused.push(result);
  return result;
}

afterAll(() => {
  for (const { restore } of fused) restore();
});

/** Weights that are no mere ones and zeros, with columns of any mean. */
function withWeights(made: LayersModel): LayersModel {
  made.setWeights(
    made.getWeights().map(({ shape, size }, k) =>
      tf.tensor(
        Float32Array.from({ length: size }, (_, i) => 0.4 + Math.sin(1.3 * i + k)),
        shape,
      ),
    ),
  );
  return made;
}

async function apart(a: tf.Tensor, b: tf.Tensor): Promise<number> {
  const [of, other] = [await a.data(), await b.data()];
  return Math.max(...of.map((value, i) => Math.abs(value - (other[i] as number))));
}

/** The losses of steps of Adam. */
async function train(made: LayersModel, steps: number): Promise<number[]> {
  const { ids, wanted } = data();
  made.compile({ optimizer: tf.train.adam(0.01), loss: "meanSquaredError" });
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) losses.push((await made.trainOnBatch(ids, wanted)) as number);
  return losses;
}

gpuTest("predictions, five steps of Adam, and weights are those of the model as it was", async ({ gpu }) => {
  await openTfjs(gpu);
  const { ids } = data();
  const [reference, exact] = [small(), small()].map(withWeights) as [LayersModel, LayersModel];
  const before = exact.toJSON() as string;
  const made = await fuse(exact);
  expect(made.model).toBe(exact);
  expect([made.count, made.remarks]).toEqual([2, []]);
  expect(made.norms.map(({ name, centering }) => `${name} ${centering}`)).toEqual(["first kept", "second kept"]);
  const predicted = reference.predict(ids) as tf.Tensor;
  expect(await apart(predicted, exact.predict(ids) as tf.Tensor)).toBeLessThan(1e-5);

  const losses = await train(reference, 5);
  for (const [i, loss] of (await train(exact, 5)).entries()) {
    expect(Math.abs(loss - (losses[i] as number))).toBeLessThan(1e-5);
  }
  for (const [i, weight] of exact.getWeights().entries()) {
    expect(await apart(weight, reference.getWeights()[i] as tf.Tensor)).toBeLessThan(1e-4);
  }

  // With centerings computed from the weights the result is the same, and the original weights are trained and saved.
  const text = print(programOf(exact as never).module);
  expect(text).toContain("write_kernel: f32[16, 16] @trained");
  expect(text).toContain("let sum = table + ");
  const folded = await fuse(exact, { fold: true });
  expect(folded.norms.map(({ name, centering, movedTo }) => `${name} ${[centering, ...movedTo]}`)).toEqual([
    "first moved,table.embeddings",
    "second moved,write.bias,write.kernel,table.embeddings",
  ]);
  expect(await apart(reference.predict(ids) as tf.Tensor, exact.predict(ids) as tf.Tensor)).toBeLessThan(1e-4);
  const [[a], [b]] = [await train(reference, 2), await train(exact, 2)];
  expect(Math.abs((a as number) - (b as number))).toBeLessThan(1e-5);
  for (const [i, weight] of exact.getWeights().entries()) {
    expect(await apart(weight, reference.getWeights()[i] as tf.Tensor)).toBeLessThan(1e-4);
  }
  // The saved model has LayerNormalizations, so it loads without tirc.
  expect(exact.toJSON()).toBe(before);
  const loaded = await models.modelFromJSON({ modelTopology: JSON.parse(before) });
  loaded.setWeights(exact.getWeights());
  expect(await apart(loaded.predict(ids) as tf.Tensor, exact.predict(ids) as tf.Tensor)).toBeLessThan(1e-5);
});

gpuTest("the lossy mode is another model, by what its norms' rows have for a mean", async ({ gpu }) => {
  await openTfjs(gpu);
  const { ids } = data();
  const [reference, lossy] = [small(), small()].map(withWeights) as [LayersModel, LayersModel];
  const { norms, restore } = await fuse(lossy, { mode: "lossy" });
  expect(norms.map(({ centering }) => centering)).toEqual(["lossy", "lossy"]);
  expect(await apart(reference.predict(ids) as tf.Tensor, lossy.predict(ids) as tf.Tensor)).toBeGreaterThan(0.1);
  restore();
  expect(Object.hasOwn(lossy.getLayer("first"), "call")).toBe(false);
  expect(await apart(reference.predict(ids) as tf.Tensor, lossy.predict(ids) as tf.Tensor)).toBe(0);
});

gpuTest("as a callback of fit it changes the model before the first batch", async ({ gpu }) => {
  await openTfjs(gpu);
  const { ids, wanted } = data();
  const made = withWeights(small());
  const [loss] = await train(withWeights(small()), 1);
  made.compile({ optimizer: tf.train.adam(0.01), loss: "meanSquaredError" });
  const callback = FusedRMSNorm({ ...tf, Callback });
  const { history } = await made.fit(ids, wanted, {
    epochs: 1,
    batchSize: 4,
    shuffle: false,
    verbose: 0,
    callbacks: callback,
  });
  expect(callback.result?.count).toBe(2);
  expect(Math.abs((history.loss?.[0] as number) - (loss as number))).toBeLessThan(1e-5);
  callback.result?.restore();
});

gpuTest("norms without gamma or beta, over several axes, and behind an activation", async ({ gpu }) => {
  await openTfjs(gpu);
  const forms = [{ center: false }, { scale: false, axis: [1, 2], epsilon: 1e-5 }];
  const x = input({ shape: [4, 8] });
  const active = layers.activation({ activation: "relu" }).apply(x);
  const outputs = forms.map((form) => layers.layerNormalization(form).apply(active) as SymbolicTensor);
  const made = withWeights(model({ inputs: x, outputs }));
  const rows = tf.tensor3d(
    Float32Array.from({ length: 64 }, (_, i) => 3 + Math.sin(7 * i)),
    [2, 4, 8],
  );
  const wanted = made.predict(rows) as tf.Tensor[];
  const { count, norms } = await fuse(made);
  expect([count, ...norms.map(({ centering, gamma, beta }) => [centering, gamma, beta])]).toEqual([
    ...[2, ["kept", true, false], ["kept", false, true]],
  ]);
  for (const [i, one] of (made.predict(rows) as tf.Tensor[]).entries()) {
    expect(await apart(one, wanted[i] as tf.Tensor)).toBeLessThan(1e-5);
  }
});

gpuTest(
  "a sum before a norm and an activation behind it are of its kernel, and give what they gave",
  async ({ gpu }) => {
    await openTfjs(gpu);
    const build = () => {
      const x = input({ shape: [4, 8] });
      const dense = layers.dense({ units: 8, name: "dense" }).apply(x) as SymbolicTensor;
      const sum = layers.add({ name: "sum" }).apply([x, dense]) as SymbolicTensor;
      const norm = layers.layerNormalization({ name: "norm" }).apply(sum) as SymbolicTensor;
      const active = layers.activation({ activation: "gelu", name: "active" }).apply(norm) as SymbolicTensor;
      // The sum has only one norm; a sum of three, or an unknown activation, is not part of a kernel.
      const other = layers.layerNormalization({ name: "other" }).apply(sum) as SymbolicTensor;
      const soft = layers.activation({ activation: "softmax", name: "soft" }).apply(other) as SymbolicTensor;
      const three = layers.add({ name: "three" }).apply([active, soft, x]);
      const last = layers.layerNormalization({ name: "last" }).apply(three) as SymbolicTensor;
      const made = withWeights(model({ inputs: x, outputs: last }));
      return { made, within: model({ inputs: x, outputs: [sum, norm] }) };
    };
    const [reference, fused] = [build(), build()];
    const { norms } = await fuse(fused.made);
    expect(norms.map(({ name, with: around }) => [name, ...around])).toEqual([
      ["norm", "sum", "active"],
      ["other"],
      ["last"],
    ]);
    const rows = tf.tensor3d(
      Float32Array.from({ length: 64 }, (_, i) => 3 + Math.sin(7 * i)),
      [2, 4, 8],
    );
    // Predictions, and those of a model of the same layers that returns their intermediate results.
    const [all, wanted] = [fused, reference].map(({ made, within }) => {
      return [made.predict(rows), ...(within.predict(rows) as tf.Tensor[])] as tf.Tensor[];
    }) as [tf.Tensor[], tf.Tensor[]];
    for (const [i, one] of all.entries()) expect(await apart(one, wanted[i] as tf.Tensor)).toBeLessThan(1e-5);
    // Gradients of both models: the second has cotangents for results that the first does not have.
    for (const which of ["made", "within"] as const) {
      const gradientsOf = (from: LayersModel) => {
        const loss = () => {
          const outputs = [from.apply(rows, { training: true })].flat() as tf.Tensor[];
          return tf.addN(outputs.map((one, i) => tf.sum(tf.sin(tf.mul(one, i + 1))))) as tf.Scalar;
        };
        return Object.values(
          tf.variableGrads(
            loss,
            from.trainableWeights.map((weight) => (weight as unknown as { val: tf.Variable }).val),
          ).grads,
        );
      };
      const [found, expected] = [gradientsOf(fused[which]), gradientsOf(reference[which])];
      expect(found.length).toBe(expected.length);
      for (const [i, one] of found.entries()) expect(await apart(one, expected[i] as tf.Tensor)).toBeLessThan(2e-4);
    }
  },
);

gpuTest("what stays is named, and no norm at all is warned of", async ({ gpu }) => {
  await openTfjs(gpu);
  const x = input({ shape: [4, 8] });
  const inner = model({
    inputs: x,
    outputs: layers.layerNormalization({ name: "inner" }).apply(x) as SymbolicTensor,
  });
  const y = layers.layerNormalization({ name: "middle", axis: 1 }).apply(inner.apply(x));
  const { norms, count } = await fuse(model({ inputs: x, outputs: y as SymbolicTensor }));
  expect([count, norms.map(({ name, centering, because }) => [name, centering, ...because])]).toEqual([
    1,
    [
      ["inner", "kept", "because `input` is a parameter, and nothing is known about its rows"],
      ["middle", "left", "its axes are not the last axes of its input"],
    ],
  ]);
  const none = model({ inputs: x, outputs: layers.dense({ units: 2 }).apply(x) as SymbolicTensor });
  expect((await applyFusedRmsNorm(tf, none)).remarks.map(({ code }) => code)).toEqual(["R0601"]);
  const other = { ...tf, getBackend: () => "cpu", backend: () => ({}) as tf.KernelBackend };
  expect((await rejectionOf(applyFusedRmsNorm(other, none)))[0]).toMatch(/^E0625/);
});
