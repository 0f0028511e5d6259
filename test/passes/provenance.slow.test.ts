/** What passes say became of each value is so, in float64: the same numbers, or their rows centered. */

import { expect, test } from "vitest";
import { builtins } from "../../passes/index.ts";
import { constantsOf, dimsOfInputs, evaluateFn } from "../../src/ir/interpret.ts";
import type { Fn, Module, Value } from "../../src/ir/ir.ts";
import { withoutMeans } from "../../src/ir/row-means.ts";
import { elementCount, type Tensor } from "../../src/ir/tensor.ts";
import { parse } from "../../src/parse/parse.ts";
import type { RowsCentered } from "../../src/pass/facts.ts";
import { PassManager } from "../../src/pass-manager/pass-manager.ts";
import { randomConstant, randomInputs } from "../../src/testing/random-inputs.ts";
import { sampleRowPrograms } from "../support/row-programs.ts";

/** The numbers of all values of a function. */
function numbersOf(module: Module, inputs: Readonly<Record<string, Tensor>>): ReadonlyMap<Value, Tensor> {
  const [fn] = module.fns as [Fn];
  return evaluateFn(fn, inputs, dimsOfInputs(fn, inputs), constantsOf(module, randomConstant));
}

/** What a fact claims about the numbers, computed from its text. */
function centered(tensor: Tensor, { axes, block, scales }: RowsCentered, constant: (name: string) => Tensor): Tensor {
  const { shape } = tensor;
  const axis = shape.length + (axes[0] as number);
  const after = elementCount(shape.slice(axis + 1));
  const along = (i: number) => Math.floor(i / after) % (shape[axis] as number);
  const scaled = scales.reduce(
    (data, name) => data.map((x, i) => x * (constant(name).data[along(i)] as number)),
    tensor.data,
  );
  if (block === undefined) return withoutMeans({ ...tensor, data: scaled }, axes);
  const cut = shape.toSpliced(axis, 1, (shape[axis] as number) / block, block);
  return { ...withoutMeans({ ...tensor, shape: cut, data: scaled }, axes), shape };
}

const largest = ({ data }: Tensor) => data.reduce((most, number) => Math.max(most, Math.abs(number)), 0);
const distance = (a: Tensor, b: Tensor) =>
  largest({ ...a, data: a.data.map((number, i) => number - (b.data[i] as number)) });

/** Two streams: one of products, biases and a scale; one that begins with an activation. And heads. */
const streams = `const w: f32[6, 6] = load("w.safetensors", "w")
const b: f32[6] = load("w.safetensors", "b")
const q: f32[6, 6] = load("w.safetensors", "q")

fn f(x: f32[4, 6], g: f32[6]) -> (y: f32[4, 6], z: f32[4, 6], h: f32[4, 2, 3]) {
  let s = matmul(x, w) + b
  let t = s + linear(layernorm(s, g, axes = [-1]), w, b) * b
  let u = gelu(x)
  let v = u - matmul(layernorm(u, axes = [-1]), w)
  let k = layernorm(reshape(matmul(v, q), shape = [4, 2, 3]), axes = [-1])
  return layernorm(t, axes = [-1]), layernorm(v + s, axes = [-1]), k
}`;

test("of random programs", { timeout: 120_000 }, () => {
  let [same, shifted, scaled, blocks] = [0, 0, 0, 0];
  const programs = [{ text: streams, module: parse(streams) }, ...sampleRowPrograms(75)];
  for (const [i, { module, text }] of programs.entries()) {
    const inputs = randomInputs(module.fns[0] as Fn, 3);
    const folding = `raise-norms,canonicalize,layernorm-to-rmsnorm,eliminate-centering{fold=${i % 2 === 0}},cse,dce`;
    const { history } = new PassManager(folding, { builtins }).run(module);
    for (const { text: name, given, made, provenance, facts } of history.runs) {
      const [before, after] = [numbersOf(given, inputs), numbersOf(made, inputs)];
      const constant = constantsOf(given, randomConstant);
      const claims = facts.filter((fact) => fact.kind === "rows centered");
      for (const [value, others] of provenance) {
        const claim = claims.find((fact) => fact.value === value);
        const was = before.get(value) as Tensor;
        const wanted = claim === undefined ? was : centered(was, claim, constant);
        for (const other of [others].flat()) {
          const off = distance(wanted, after.get(other) as Tensor);
          expect(off, `${value.name} of ${name} in\n${text}`).toBeLessThanOrEqual(1e-9 * Math.max(largest(was), 1));
        }
        if (claim === undefined) same++;
        else if (claim.scales.length > 0) scaled++;
        else if (claim.block !== undefined) blocks++;
        else shifted++;
      }
    }
  }
  expect(same).toBeGreaterThan(200);
  expect(shifted).toBeGreaterThan(10);
  expect(Math.min(scaled, blocks), `${scaled} scaled, ${blocks} blocks`).toBeGreaterThan(0);
});
