/** Tensors read at indices other than those of the loops: kernels against float64, lane by lane and on the device. */

import { describe, expect, test } from "vitest";
import { interpret } from "../../src/ir/interpret.ts";
import { verifyProgram } from "../../src/kernel/verify.ts";
import { portableTarget, targetByName } from "../../src/target/target.ts";
import { compileText } from "../support/compile.ts";
import { gpuTest } from "../support/gpu.ts";
import { indexPrograms } from "../support/index-programs.ts";
import { compareKernel, errorOf, inputsFor, tensorsOf } from "../support/oracle.ts";
import { runProgram } from "../support/run-program.ts";

const few = { ...portableTarget.limits, maxComputeInvocationsPerWorkgroup: 8 };
const targets = [{ ...portableTarget, name: "a tree", limits: few }, targetByName("lavapipe")];
const extents = { n: 3, b: 2, q: 5, seq: 3, heads: 2, h: 2, t: 4 };
const tolerance = { f16: 1e-3, bf16: 8e-3, f8e4m3: 0, f8e5m2: 0, f32: 2e-6, i32: 0, u32: 0, i8: 0, u8: 0, bool: 0 };

const dimsOf = (names: readonly { readonly name: string }[]) =>
  Object.fromEntries(names.map(({ name }) => [name, extents[name as keyof typeof extents]]));

describe.each(targets)("$name", (target) => {
  test.each(Object.entries(indexPrograms))("%s", (_, text) => {
    const { kernel, program, fn } = compileText(text, target);
    expect(verifyProgram(program)).toEqual([]);
    const dims = dimsOf(kernel.manifest.dims);
    const inputs = inputsFor(fn, dims);
    const { outputs, faults } = runProgram(kernel, program, dims, { inputs });
    expect(faults).toEqual([]);
    for (const [name, wanted] of Object.entries(interpret(fn, tensorsOf(inputs)))) {
      const got = outputs[name] as NonNullable<(typeof outputs)[string]>;
      expect(errorOf(got, wanted), name).toBeLessThanOrEqual(tolerance[got.element]);
    }
  });
});

/** What a device may read differently from the interpreter: vectors, words of halves, elements of vectors. */
const onDevice = /RoPE|SwiGLU|loss|looked up|vectors|truth values|three ways/;

gpuTest("on the device", { timeout: 200_000 }, async ({ gpu }) => {
  for (const [name, text] of Object.entries(indexPrograms).filter(([about]) => onDevice.test(about))) {
    const { kernel, fn } = compileText(text, gpu.target);
    const inputs = inputsFor(fn, dimsOf(kernel.manifest.dims));
    const { errors, outputs } = await compareKernel(gpu.device, kernel, fn, inputs);
    for (const [result, error] of Object.entries(errors)) {
      const { element } = outputs[result] as NonNullable<(typeof outputs)[string]>;
      expect(error, `${name}\n${kernel.wgsl}`).toBeLessThanOrEqual(tolerance[element]);
    }
  }
});
