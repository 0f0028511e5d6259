/** The same training steps in float64 by the interpreter, and the centering of weights before training. */

import { type Fn, interpret, type Module, parse, type Tensor } from "tirc";
import { adamNumbers, type Characters, gradientOf, weightsOf } from "./train.ts";

const tensor = (shape: readonly number[], data: ArrayLike<number>, element: Tensor["element"] = "f32"): Tensor => {
  return { element, shape: [...shape], data: Float64Array.from(data) };
};

/** Returns a function that trains one batch by a step of Adam and returns the loss before it. */
export function openReference(module: Module, start: Float32Array, { rate = 3e-3 } = {}) {
  const { weights, count } = weightsOf(module);
  const { forward, backward, saved } = gradientOf(module);
  const adam = module.fns.find(({ name }) => name === "adam") as Fn;
  let [w, m, v] = [Float64Array.from(start), new Float64Array(count), new Float64Array(count)];
  let steps = 0;
  return ({ ids, next }: Characters, length: number): number => {
    steps += 1;
    const rows = [ids.length / length, length];
    const tensors: Record<string, Tensor> = {
      ids: tensor(rows, ids, "i32"),
      next: tensor([...rows, 1], next, "i32"),
      ...Object.fromEntries(
        weights.map(({ name, shape, at, count }) => [name, tensor(shape, w.subarray(at, at + count))]),
      ),
    };
    const { loss, ...found } = interpret(forward, tensors);
    const kept = Object.fromEntries(saved.map((name) => [name, found[name] as Tensor]));
    const gradients = interpret(backward, { ...tensors, ...kept, d_loss: tensor([], [1]) });
    const d_w = new Float64Array(count);
    for (const { name, at } of weights) d_w.set(gradients[`d_${name}`]?.data as Float64Array, at);
    const numbers = Object.entries(adamNumbers(steps, rate)).map(([name, value]) => [name, tensor([], [value])]);
    const vectors = Object.entries({ w, d_w, m, v }).map(([name, data]) => [name, tensor([count], data)]);
    const { w_next, m_next, v_next } = interpret(adam, Object.fromEntries([...vectors, ...numbers]));
    [w, m, v] = [w_next, m_next, v_next].map((one) => Float64Array.from(one?.data ?? [])) as [
      typeof w,
      typeof m,
      typeof v,
    ];
    return loss?.data[0] as number;
  };
}

/** The weights, with those centered that `exact`, an exact rewriting of their module, centers in its graph. */
export function centeredOnce(exact: Module, start: Float32Array): Float32Array {
  const { weights } = weightsOf(exact);
  const all = start.slice();
  for (const { name, attributes, operands } of exact.fns[0]?.ops ?? []) {
    const weight = weights.find((one) => name === "center" && one.name === operands[0]?.name);
    if (weight === undefined) continue;
    const { shape, at, count } = weight;
    const type = `f32[${shape.join(", ")}]`;
    const program = parse(`fn f(x: ${type}) -> (y: ${type}) { return center(x, axes = [${attributes.axes}]) }`);
    const { y } = interpret(program.fns[0] as Fn, { x: tensor(shape, start.subarray(at, at + count)) });
    all.set(y?.data ?? [], at);
  }
  return all;
}
