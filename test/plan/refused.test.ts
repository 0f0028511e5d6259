/** Programs of new users that were once rejected: each runs, with the results of the float64 interpreter. */

import { expect } from "vitest";
import { hostTensorsOf } from "../../src/compare/kernel-inputs.ts";
import { compile } from "../../src/driver/compile.ts";
import { interpret } from "../../src/ir/interpret.ts";
import type { Fn } from "../../src/ir/ir.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { parse } from "../../src/parse/parse.ts";
import { planManifest } from "../../src/plan/manifest.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { toNumbers } from "../../src/runtime/host-tensor.ts";
import { runPlan } from "../../src/runtime/prepare-plan.ts";
import { randomInputs } from "../../src/testing/random-inputs.ts";
import { expectSameNumbers } from "../support/expect-numbers.ts";
import { gpuTest } from "../support/gpu.ts";

interface Refused {
  readonly text: string;
  readonly dims: Readonly<Record<string, number>>;
  readonly launches: number;
  /** Of a result's largest value: that of f16 is its rounding. */
  readonly relative?: number;
  readonly given?: (inputs: Readonly<Record<string, Tensor>>) => void;
}

const refused: Readonly<Record<string, Refused>> = {
  "RoPE by halves": {
    text: `fn rope(x: f32[seq, heads, 128], cos_t: f32[seq, 1, 128], sin_t: f32[seq, 1, 128]) -> (y: f32[seq, heads, 128]) {
  let a = slice(x, axis = -1, start = 0, end = 64)
  let b = slice(x, axis = -1, start = 64, end = 128)
  return x * cos_t + concat(-b, a, axis = -1) * sin_t
}`,
    dims: { seq: 3, heads: 2 },
    launches: 1,
  },
  "SwiGLU on a fused projection": {
    text: `fn swiglu(h: f16[tokens, 2202]) -> (y: f16[tokens, 1101]) {
  let g = slice(h, axis = -1, start = 0, end = 1101)
  let u = slice(h, axis = -1, start = 1101, end = 2202)
  return silu(g) * u
}`,
    dims: { tokens: 2 },
    launches: 1,
    relative: 1e-3,
  },
  "QK-norm with different numbers of heads": {
    text: `fn qk_norm(q: f16[tokens, 16, 128], k: f16[tokens, 8, 128], gq: f16[128], gk: f16[128]) -> (qn: f16[tokens, 16, 128], kn: f16[tokens, 8, 128]) {
  return rmsnorm(q, gq, axes = [-1], eps = 1e-6), rmsnorm(k, gk, axes = [-1], eps = 1e-6)
}`,
    dims: { tokens: 2 },
    launches: 2,
    relative: 1e-3,
  },
  "the mean of a loss": {
    text: `fn nll(logits: f32[n, classes], label: i32[n, 1], ids: i32[classes]) -> (loss: f32[n], mean_loss: f32) {
  let lp = log_softmax(logits, axes = [-1])
  let picked = sum(where(ids == label, lp, 0), axes = [-1])
  let l = -picked
  return l, mean(l, axes = [0])
}`,
    dims: { n: 5, classes: 9 },
    launches: 2,
    given: ({ label, ids }) => {
      label?.data.set([0, 3, 6, 1, 4]);
      ids?.data.set([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    },
  },
  "bytes of a quantization": {
    text: `fn fake_quant(x: f32[n, 4096]) -> (y: f32[n, 4096], q: i8[n, 4096]) {
  let s = max(abs(x), axes = [-1], keepdims = true) / 127
  let q = clamp(round(x / s), -127, 127)
  return q * s, cast(q, to = i8)
}`,
    dims: { n: 2 },
    launches: 1,
  },
  "eight tensors and a number": {
    text: `fn f(a: f32[n, 8], b: f32[n, 8], c: f32[n, 8], d: f32[n, 8], e: f32[n, 8], g: f32[n, 8], h: f32[n, 8], k: f32) -> (y: f32[n, 8]) {
  return (a + b + c + d + e + g + h) * k
}`,
    dims: { n: 3 },
    launches: 1,
  },
  "nine buffers": {
    text: `fn f(a: f32[n, 8], b: f32[n, 8], c: f32[n, 8], d: f32[n, 8], e: f32[n, 8], g: f32[n, 8], h: f32[n, 8], i: f32[n, 8], k: f32) -> (y: f32[n, 8]) {
  return (a + b + c + d + e + g + h + i) * k
}`,
    dims: { n: 3 },
    launches: 2,
  },
};

gpuTest.for(Object.entries(refused))("%s", async ([, { text, dims, launches, relative = 4e-6, given }], { gpu }) => {
  const { module, plans, kernels } = compile(parse(text), { target: "portable" });
  const fn = module.fns[0] as Fn;
  const inputs = randomInputs(fn, 1, dims);
  given?.(inputs);
  const plan = planManifest(plans[0] as Plan);
  expect(kernels).toHaveLength(launches);
  const { outputs } = await runPlan(gpu.device, { plan, kernels }, hostTensorsOf(inputs));
  const numbers = Object.entries(outputs).map(([name, tensor]) => [name, { ...tensor, data: toNumbers(tensor) }]);
  expectSameNumbers(Object.fromEntries(numbers), interpret(parse(text).fns[0] as Fn, inputs), { relative });
});
