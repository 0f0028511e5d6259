/**
 * `tirc surgery --check`: both models run on the same inputs, and each is compared with float64.
 *
 * - before, after: the original model, and the rewritten one.
 * - reference: the original model in float64, by the interpreter. It shows which model a difference is due to.
 */

import * as surgeryErrors from "../diagnostics/areas/surgery.ts";
import { fail, TircError } from "../diagnostics/diagnostic.ts";
import { progress } from "../diagnostics/progress.ts";
import { bytesInMemory } from "../onnx/bytes.ts";
import { OnnxModel } from "../onnx/model.ts";
import { bytesOf, type Piece } from "../onnx/write.ts";
import type { Accuracy, Check, OutputCheck } from "../report/check-outcome.ts";
import type { Arguments } from "./arguments.ts";
import { extentsToTry } from "./extents-to-try.ts";
import { type Extents, ModelInputs } from "./model-inputs.ts";
import { referenceOutputs } from "./model-reference.ts";
import { timesOf } from "./model-times.ts";
import { NotComputed } from "./node-values.ts";
import { type Opened, openModel, type RunTensor, type RunTensors } from "./onnxruntime.ts";
import type { Session } from "./session.ts";

interface Models {
  readonly model: OnnxModel;
  readonly bytes: Uint8Array;
  readonly external: readonly { readonly path: string; readonly data: Uint8Array }[];
  readonly written: Uint8Array;
}

/** Throws E0701 to E0712 for the options, E0752 and E0753 if nothing runs the models. */
export async function checkModels(
  model: OnnxModel,
  pieces: readonly Piece[],
  args: Arguments,
  session: Session,
): Promise<Check> {
  const inputs = new ModelInputs(model, args, session.io);
  const { source } = model.reader;
  const weights = (location: string) => {
    const refuse = (reason: string) => fail(surgeryErrors.doesNotRun(model.file, reason));
    return model.open(location, refuse);
  };
  const external = [...model.locations].map((location) => {
    const file = weights(location);
    return { path: location, data: file.read(0, file.size) };
  });
  const written = Buffer.concat([...bytesOf(source, pieces)]);
  const models = { model, bytes: source.read(0, source.size), external, written };
  for (const note of inputs.notes) session.say(note);
  progress(() => "running the original model in onnxruntime");
  const opened = await attempt(() => openModel(models));
  const check =
    opened instanceof Error
      ? byInterpreter(models, inputs, opened.message, weights)
      : await byOnnxruntime(models, inputs, opened, args.has("--time"));
  const told = new Set(Object.keys(inputs.extents({})));
  for (const [name, extent] of Object.entries(check.extents)) {
    if (!told.has(name)) session.say(`${name} = ${extent}, as it is not given (set it with --dim ${name}=N)`);
  }
  return check;
}

/** The outputs of the original model, or onnxruntime's error. */
async function attempt<T>(run: () => Promise<T>): Promise<T | Error> {
  try {
    return await run();
  } catch (caught) {
    if (caught instanceof TircError) throw caught;
    return caught as Error;
  }
}

async function byOnnxruntime(models: Models, inputs: ModelInputs, before: Opened, isTimed: boolean): Promise<Check> {
  const { model, written, external } = models;
  try {
    const found = await firstThatRuns(before, model, inputs);
    if (found instanceof Error) fail(surgeryErrors.doesNotRun(model.file, found.message));
    progress(() => "running the rewritten model in onnxruntime");
    const after = await attempt(() => openModel({ bytes: written, external }));
    if (after instanceof Error) fail(surgeryErrors.doesNotRun("the rewritten model", after.message));
    try {
      const now = await attempt(() => after.run(inputs.tensors(found.extents)));
      if (now instanceof Error) fail(surgeryErrors.doesNotRun("the rewritten model", now.message));
      const times = isTimed ? { times: await timesOf(before, after) } : {};
      const outputs = [...found.outputs].map(([name, tensor]) => compared(name, tensor, now.get(name)));
      const float64 = await heldToFloat64(models, inputs, { before, after, found, now });
      return { by: "onnxruntime", extents: inputs.extents(found.extents), outputs, float64, ...times };
    } finally {
      await after.close();
    }
  } finally {
    await before.close();
  }
}

interface Ran {
  /** The extents that were chosen. */
  readonly extents: Extents;
  readonly outputs: RunTensors;
}

/** The first extents that fit together: those for which the model runs. */
async function firstThatRuns(before: Opened, model: OnnxModel, inputs: ModelInputs): Promise<Ran | Error> {
  let first: Error | undefined;
  for (const extents of extentsToTry(model, inputs.open)) {
    const outputs = await attempt(() => before.run(inputs.tensors(extents)));
    if (!(outputs instanceof Error)) return { extents, outputs };
    first ??= outputs;
  }
  return first as Error;
}

/** The difference that rounding explains, relative to the largest number. */
const mostBetweenSteps = 1e-2;

interface Runs {
  readonly before: Opened;
  readonly after: Opened;
  readonly found: Ran;
  readonly now: RunTensors;
}

async function heldToFloat64(models: Models, inputs: ModelInputs, runs: Runs): Promise<Check["float64"]> {
  const { before, after, found, now } = runs;
  const at = (extents: Extents, was: RunTensors, is: RunTensors): Check["float64"] => {
    const { outputs: reference, step } = referenceOutputs(models.model, inputs.tensors(extents));
    const outputs = [...reference].map(([output, want]) => accuracyOf(output, want, was.get(output), is.get(output)));
    // A position on the border of two buckets falls into one of them in float64, and into the other in f32.
    if (step !== undefined && outputs.some(({ before, largest }) => before > mostBetweenSteps * largest)) {
      return { because: `${step} turns the smallest error into a whole step, so float64 gives different steps` };
    }
    return { extents: inputs.extents(extents), outputs };
  };
  try {
    return at(found.extents, found.outputs, now);
  } catch (caught) {
    if (!(caught instanceof NotComputed)) throw caught;
    if (!caught.isTooLarge || inputs.open.size === 0) return { because: caught.message };
  }
  for (const extents of extentsToTry(models.model, inputs.open, "smallest")) {
    const was = await attempt(() => before.run(inputs.tensors(extents)));
    if (was instanceof Error) continue;
    const is = await attempt(() => after.run(inputs.tensors(extents)));
    if (is instanceof Error) continue;
    try {
      return at(extents, was, is);
    } catch (caught) {
      if (!(caught instanceof NotComputed)) throw caught;
      return { because: caught.message };
    }
  }
  return { because: "no smaller extents fit together" };
}

/** For models that onnxruntime rejects. */
function byInterpreter(
  { model, written }: Models,
  inputs: ModelInputs,
  reason: string,
  open: ConstructorParameters<typeof OnnxModel>[1],
): Check {
  const after = new OnnxModel(bytesInMemory("the rewritten model", written), open);
  let first: NotComputed | undefined;
  for (const extents of extentsToTry(model, inputs.open)) {
    const tensors = inputs.tensors(extents);
    try {
      const { outputs: was } = referenceOutputs(model, tensors);
      const { outputs: is } = referenceOutputs(after, tensors);
      const outputs = [...was].map(([name, tensor]) => compared(name, tensor, is.get(name)));
      const because = `onnxruntime cannot run ${model.file}: ${reason}`;
      return { by: "interpreter", extents: inputs.extents(extents), outputs, float64: { because } };
    } catch (caught) {
      if (!(caught instanceof NotComputed)) throw caught;
      first ??= caught;
    }
  }
  fail(surgeryErrors.doesNotRun(model.file, reason, first?.message));
}

function compared(output: string, was: RunTensor, is: RunTensor | undefined): OutputCheck {
  const { difference, largest } = distance(was, is);
  const nans = was.numbers.reduce((count, number) => count + Number(Number.isNaN(number)), 0);
  return { output, shape: was.shape, difference, largest, nans, worthless: worthless(was, nans) };
}

function worthless({ numbers }: RunTensor, nans: number): string | undefined {
  if (numbers.length === 0) return "% has no numbers";
  if (nans === numbers.length) return "all numbers of % are NaN";
  const [first] = numbers;
  return numbers.length > 1 && numbers.every((number) => number === first)
    ? `all numbers of % are ${first}`
    : undefined;
}

function accuracyOf(output: string, want: RunTensor, was: RunTensor | undefined, is: RunTensor | undefined): Accuracy {
  const { difference: before, largest } = distance(want, was);
  return { output, before, after: distance(want, is).difference, largest };
}

/** The largest difference, and the largest number of `a`. */
function distance(a: RunTensor, b: RunTensor | undefined): { difference: number; largest: number } {
  const other = b?.numbers ?? new Float64Array();
  let [difference, largest] = [other.length === a.numbers.length ? 0 : Infinity, 0];
  for (const [i, number] of a.numbers.entries()) {
    const now = other[i] as number;
    const isSame = Object.is(number, now) || number === now;
    // A NaN or infinity on one side only is an infinite difference.
    const off = isSame ? 0 : Math.abs(number - now);
    difference = Math.max(difference, Number.isNaN(off) ? Infinity : off);
    if (Number.isFinite(number)) largest = Math.max(largest, Math.abs(number));
  }
  return { difference, largest };
}
