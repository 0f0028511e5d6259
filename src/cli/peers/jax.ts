/** jax-js: the whole program under `jit`. Each use of an array consumes it unless its `ref` is taken. */

import type { Peer } from "../../bench/bench.ts";
import { evaluateWith, type Library } from "../../bench/library.ts";
import type { PeerContext } from "./context.ts";

// biome-ignore lint/suspicious/noExplicitAny: the types of peers are not installed with tirc.
type Tensor = any;

export async function openJax({ load }: PeerContext): Promise<Peer> {
  const { init, defaultDevice, jit, nn, numpy: np, lax } = await load("@jax-js/jax");
  await init("webgpu");
  defaultDevice("webgpu");
  /** The arrays created since a trace began, which are released at its end. */
  let made: Tensor[] = [];
  const keep = (value: Tensor) => {
    made.push(value);
    return value;
  };
  const one = (f: (x: Tensor) => Tensor) => (x: Tensor) => keep(f(x.ref));
  const two = (f: (a: Tensor, b: Tensor) => Tensor) => (a: Tensor, b: Tensor) => keep(f(a.ref, b.ref));
  const erf = lax?.erf ?? np.erf;
  const library: Library<Tensor> = {
    functions: {
      ...{ neg: one(np.negative), abs: one(np.abs), sqrt: one(np.sqrt), exp: one(np.exp), log: one(np.log) },
      ...{ tanh: one(np.tanh), erf: one(erf), sigmoid: one(nn.sigmoid), floor: one(np.floor), ceil: one(np.ceil) },
      ...{ round: one(np.round), sin: one(np.sin), cos: one(np.cos), pow: two(np.pow) },
      ...{ add: two(np.add), sub: two(np.subtract), mul: two(np.multiply), div: two(np.divide) },
      ...{ minimum: two(np.minimum), maximum: two(np.maximum), lt: two(np.less), le: two(np.lessEqual) },
      ...{ gt: two(np.greater), ge: two(np.greaterEqual), eq: two(np.equal) },
    },
    where: (condition, yes, no) => keep(np.where(condition.ref, yes.ref, no.ref)),
    number: (value) => keep(np.array(value)),
    reduce: (kind, x, axes, keepdims) => keep(np[kind](x.ref, [...axes], { keepdims })),
    reshape: (x, shape) => keep(np.reshape(x.ref, [...shape])),
    transpose: (x, perm) => keep(np.transpose(x.ref, [...perm])),
    broadcast: (x, shape) => keep(np.broadcastTo(x.ref, [...shape])),
    cast: (x, element) => keep(x.ref.astype(element === "i32" ? np.int32 : element === "bool" ? np.bool : np.float32)),
    own: {
      softmax: ([x]) => keep(nn.softmax(x.ref, -1)),
      log_softmax: ([x]) => keep(nn.logSoftmax(x.ref, -1)),
      relu: ([x]) => keep(nn.relu(x.ref)),
      silu: ([x]) => keep(nn.silu(x.ref)),
      gelu: ([x], { approximate }) => keep(nn.gelu(x.ref, { approximate: approximate === "tanh" })),
      layernorm([x, gamma, beta], { eps }) {
        const normal = keep(nn.standardize(x.ref, -1, { epsilon: eps as number }));
        const scaled = gamma === undefined ? normal : library.functions.mul(normal, gamma);
        return beta === undefined ? scaled : library.functions.add(scaled, beta);
      },
    },
  };
  return {
    name: "jax-js",
    async prepare(fn, inputs) {
      const names = Object.keys(inputs);
      const arrays = Object.values(inputs).map(({ data, shape }) => {
        return np.array(data, { shape: [...shape] });
      });
      const program = jit((...given: Tensor[]) => {
        made = [...given];
        const results = evaluateWith(fn, library, Object.fromEntries(names.map((name, i) => [name, given[i]])));
        const returned = Object.values(results).map((result) => result.ref);
        for (const value of made) value.dispose();
        return returned;
      });
      let outputs: Tensor[] = [];
      return {
        async launch() {
          for (const output of outputs) output.dispose();
          outputs = program(...arrays.map((array) => array.ref));
          await Promise.all(outputs.map((output) => output.blockUntilReady()));
        },
        results: () => Promise.all(outputs.map((output) => output.ref.data())),
        destroy() {
          for (const array of [...outputs, ...arrays]) array.dispose();
        },
      };
    },
  };
}
