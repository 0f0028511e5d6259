/** Runs a program on random data, on the GPU or in the interpreter, and compares the results with float64. */

import { compareOutput, referenceOf } from "../../src/compare/compare.ts";
import { randomInputsOf } from "../../src/compare/contracts.ts";
import { checkSizes } from "../../src/compare/inputs.ts";
import { planInputs } from "../../src/compare/kernel-inputs.ts";
import { refuseOpaque } from "../../src/compare/refuse-opaque.ts";
import { compileFunction, optimize } from "../../src/driver/compile.ts";
import { type Constants, constantsOf, interpret } from "../../src/ir/interpret.ts";
import { dimensionNames, type Fn, type Module } from "../../src/ir/ir.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { printType } from "../../src/ir/types.ts";
import { parse } from "../../src/parse/parse.ts";
import { planManifest } from "../../src/plan/manifest.ts";
import { fromNumbers, tensorsOf } from "../../src/runtime/host-tensor.ts";
import { preparePlan } from "../../src/runtime/prepare-plan.ts";
import { profileOf, type TargetProfile } from "../../src/target/target.ts";
import { fileName } from "../model/messages.ts";
import { pipeline } from "../model/pipeline.ts";
import { type Gpu, type NoGpu, openGpu } from "./gpu.ts";
import { type Timing, timePlan } from "./timing.ts";

export interface RunRequest {
  readonly text: string;
  readonly target: string | TargetProfile;
  readonly fn: string;
  readonly dims: Readonly<Record<string, number>>;
  readonly seed: number;
}

export interface OutputView {
  readonly name: string;
  readonly type: string;
  readonly maxAbsError: number;
  /** Relative to the largest magnitude in the row. */
  readonly maxRelError: number;
  readonly tolerance: number;
  /** The number of values outside the tolerance. */
  readonly wrong: number;
  /** The number of values one step off in an op that rounds, which is within the rules of rounding. */
  readonly steps: number;
  readonly count: number;
  readonly first: readonly number[];
}

export interface RunView {
  readonly fn: string;
  /** The device it ran on. */
  readonly device: string;
  /** The number of kernel launches; 0 in the interpreter. */
  readonly launches: number;
  /** Why it did not run on a GPU. */
  readonly noGpu: string | undefined;
  readonly outputs: readonly OutputView[];
}

interface Report {
  status(text: string): void;
  result(view: RunView): void;
  timing(timing: Timing): void;
}

type Tensors = Readonly<Record<string, Tensor>>;

const shownValues = 6;
let opened: Promise<Gpu | NoGpu> | undefined;

/** Shared by all runs until the device is lost. */
async function theGpu(): Promise<Gpu | NoGpu> {
  opened ??= openGpu();
  const gpu = await opened;
  if ("reason" in gpu) opened = undefined;
  else void gpu.device.lost.then(() => (opened = undefined));
  return gpu;
}

/** @throws TircError with the errors of the program, the extents or the device. */
export async function runProgram(request: RunRequest, report: Report): Promise<void> {
  const module = parse(request.text, { file: fileName });
  const fn = theFunction(module, request.fn);
  checkSizes(fn, request.dims);
  report.status("Making random inputs");
  const made = randomInputsOf(fn, request.dims, request.seed);
  const inputs = tensorsOf(made);
  const constants = constantsOf(module);
  const after = optimize(module, { passes: pipeline, fn: fn.name }).module;
  const read = constantsOf(after, ({ name }) => constants(name));
  const gpu = await theGpu();
  const view = (outputs: Tensors) => compare(fn, inputs, constants, outputs);
  if ("reason" in gpu) {
    report.status("Computing in float64");
    const outputs = interpret(theFunction(after, fn.name), inputs, read);
    const device = "the reference interpreter";
    report.result({ fn: fn.name, device, launches: 0, noGpu: gpu.reason, outputs: view(outputs) });
    return;
  }
  const profile = profileOf(request.target);
  const names = after.fns.map(({ name }) => name);
  const compiled = compileFunction(theFunction(after, fn.name), names, [profile], { products: "plain" });
  const { plan } = compiled;
  refuseOpaque(plan);
  const all = planInputs(plan, after, made, constants);
  const dims = Object.fromEntries(dimensionNames(fn).map((name) => [name, request.dims[name] as number]));
  report.status(compiled.kernels.length > 1 ? `Running ${compiled.kernels.length} kernels` : "Running the kernel");
  const prepared = await preparePlan(gpu.device, { plan: planManifest(plan), kernels: compiled.kernels.flat() }, dims);
  try {
    const { outputs, launches } = await prepared.run(all);
    report.status("Computing the reference in float64");
    const device = gpu.description;
    report.result({ fn: fn.name, device, launches, noGpu: undefined, outputs: view(tensorsOf(outputs)) });
    report.status("Timing");
    report.timing(await timePlan(gpu.device, prepared, all, dims));
  } finally {
    prepared.destroy();
  }
}

function theFunction({ fns }: Module, name: string): Fn {
  const found = fns.find((fn) => fn.name === name);
  if (found === undefined) throw new Error(`The program no longer has a function \`${name}\`.`);
  return found;
}

function compare(fn: Fn, inputs: Tensors, constants: Constants, outputs: Tensors): OutputView[] {
  return Object.entries(referenceOf(fn, inputs, constants)).map(([name, reference]) => {
    const { element, shape, data } = outputs[name] as Tensor;
    const { want: _, worst: __, ...comparison } = compareOutput(fromNumbers(element, shape, data), reference);
    const first = [...data.subarray(0, shownValues)];
    return { name, type: printType({ element, shape }), count: data.length, first, ...comparison };
  });
}
