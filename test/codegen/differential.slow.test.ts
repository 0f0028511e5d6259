/** Random programs: the interpreter before the passes, after each of them, and the kernel agree. */

import fc from "fast-check";
import { expect } from "vitest";
import { generate } from "../../codegen/generate.ts";
import { builtins, defaultPipeline } from "../../passes/index.ts";
import { compile } from "../../src/driver/compile.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { type Fn, makeModule } from "../../src/ir/ir.ts";
import { printFn } from "../../src/ir/print.ts";
import type { Program as KernelProgram } from "../../src/kernel/statement.ts";
import { verifyProgram } from "../../src/kernel/verify.ts";
import { parse } from "../../src/parse/parse.ts";
import { PassManager } from "../../src/pass-manager/pass-manager.ts";
import { targetsInTurn } from "../support/compile.ts";
import { isDeep } from "../support/deep.ts";
import { gpuTest } from "../support/gpu.ts";
import { compareKernel, inputsFor, tensorsOf } from "../support/oracle.ts";
import { type Program, programs } from "../support/programs.ts";
import { runProgram } from "../support/run-program.ts";
import { hasTint, validateWgsl } from "../support/tint.ts";

const count = Number(process.env.TIRC_FUZZ_RUNS ?? 15);
/** The kernel computes in f32 what the interpreter does in float64; f16 results are rounded to 11 bits. */
const kernelTolerance = { f32: 2e-6, f16: 1e-3 };
const passTolerance = 1e-10;

/** Runs the passes one by one; after each, the interpreter must give the same results as before the first. */
function checkPasses(fn: Fn, program: Program): void {
  const inputs = tensorsOf(inputsFor(fn, program.dims));
  const wanted = interpret(fn, inputs);
  let now = fn;
  for (const name of defaultPipeline) {
    now = new PassManager(name, { builtins }).run(makeModule([now])).module.fns[0] as Fn;
    for (const [result, tensor] of Object.entries(interpret(now, inputs))) {
      const want = wanted[result]?.data as Float64Array;
      const largest = want.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
      // A cast to f16 rounds, and what differs in the last bit of float64 may round to another f16.
      const tolerance = program.text.includes("f16") && program.text.includes("cast") ? 1e-3 : passTolerance;
      const worst = tensor.data.reduce((most, value, i) => Math.max(most, Math.abs(value - (want[i] as number))), 0);
      expect(worst / largest, `${result} after ${name}\n${program.text}\n${printFn(now)}`).toBeLessThanOrEqual(
        tolerance,
      );
    }
  }
}

gpuTest(`${count} random programs`, { timeout: Math.max(400_000, 2_000 * count) }, async ({ gpu }) => {
  let kernels = 0;
  let turn = 0;
  await fc.assert(
    fc.asyncProperty(programs, async (program) => {
      const module = parse(program.text);
      const fn = module.fns[0] as Fn;
      checkPasses(fn, program);
      for (const target of targetsInTurn(gpu.target, turn++)) {
        const { kernels: compiled, module: optimized } = compile(module, { target });
        const kernel = compiled[0];
        if (kernel === undefined) throw new Error("no kernel");
        if (hasTint) expect(await validateWgsl(kernel.wgsl), kernel.wgsl).toEqual([]);
        const { errors } = await compareKernel(gpu.device, kernel, fn, inputsFor(fn, program.dims));
        for (const [name, error] of Object.entries(errors)) {
          const about = `${name}, ${target.name}\n${program.text}\n${kernel.wgsl}`;
          expect(error, about).toBeLessThanOrEqual(kernelTolerance[program.element]);
        }
        const few = Object.fromEntries(
          kernel.manifest.dims.map(({ name }) => [name, Math.min(3, program.dims[name] ?? 3)]),
        );
        const [lanes] = generate(optimized.fns[0] as Fn, target).programs as readonly [KernelProgram];
        expect(verifyProgram(lanes), program.text).toEqual([]);
        expect(runProgram(kernel, lanes, few, { most: 2 }).faults, program.text).toEqual([]);
        kernels++;
      }
    }),
    // A smaller counterexample is not worth the minutes that shrinking takes: the program is printed whole.
    { numRuns: count, seed: 2024, endOnFailure: true },
  );
  expect(kernels).toBeGreaterThanOrEqual(isDeep ? 2 * count : count);
});
