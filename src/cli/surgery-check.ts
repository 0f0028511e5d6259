/** `tirc surgery --check`: both models run on the same random inputs. */

import { dirname, join } from "node:path";
import { fail } from "../diagnostics/diagnostic.ts";
import { cliErrors } from "../diagnostics/errors-cli.ts";
import { surgeryErrors } from "../diagnostics/errors-surgery.ts";
import { elementCount } from "../ir/tensor.ts";
import { dataTypes, typeName } from "../onnx/data-types.ts";
import { importModel } from "../onnx/import.ts";
import type { ValueInfoProto } from "../onnx/messages.ts";
import type { OnnxModel } from "../onnx/model.ts";
import { bytesOf, type Piece } from "../onnx/write.ts";
import type { Arguments } from "./arguments.ts";
import { readBytes } from "./files.ts";
import { normal, uniform } from "./fill.ts";
import { seedOf } from "./inputs.ts";
import { isFed, type RunInput, type Runnable, type RunTensor, runModel } from "./onnxruntime.ts";
import { readDims } from "./program-options.ts";
import { readSeed } from "./run-options.ts";
import type { Session } from "./session.ts";

export interface OutputCheck {
  readonly output: string;
  readonly shape: readonly number[];
  /** Of the outputs before and after: the largest difference, and the largest number before. */
  readonly difference: number;
  readonly largest: number;
}

/** Extents that nothing tells: of the first axis of an input, and of others. */
const defaults = { first: 2, other: 32 } as const;

/** Throws E0701 to E0710 for the options, E0752 and E0753 where onnxruntime does not run the models. */
export async function checkModels(
  model: OnnxModel,
  path: string,
  pieces: readonly Piece[],
  args: Arguments,
  session: Session,
): Promise<OutputCheck[]> {
  const { source } = model.reader;
  const locations = new Set(model.graph.initializers.flatMap(({ external }) => external?.get("location") ?? []));
  const external = [...locations].map((location) => {
    return { path: location, data: readBytes(join(dirname(path), location), session.io) };
  });
  const inputs = inputsOf(model, args, session);
  const run = (runnable: Omit<Runnable, "external">) => runModel({ ...runnable, external }, inputs);
  const was = await run({ file: model.file, bytes: source.read(0, source.size) });
  const written = Buffer.concat([...bytesOf(source, pieces)]);
  const is = await run({ file: "the written model", bytes: written });
  return [...was].map(([output, tensor]) => compared(output, tensor, is.get(output)));
}

function compared(output: string, was: RunTensor, is: RunTensor | undefined): OutputCheck {
  const other = is?.numbers ?? new Float64Array();
  let [difference, largest] = [other.length === was.numbers.length ? 0 : Infinity, 0];
  for (const [i, number] of was.numbers.entries()) {
    const now = other[i] as number;
    const isSame = Object.is(number, now) || number === now;
    // What is no number on one side alone is infinitely far off.
    const off = isSame ? 0 : Math.abs(number - now);
    difference = Math.max(difference, Number.isNaN(off) ? Infinity : off);
    if (Number.isFinite(number)) largest = Math.max(largest, Math.abs(number));
  }
  return { output, shape: was.shape, difference, largest };
}

type Shape = NonNullable<ValueInfoProto["shape"]>;

function inputsOf(model: OnnxModel, args: Arguments, session: Session): Record<string, RunInput> {
  const constants = new Set(model.tensorNames);
  // The importer has names for extents that have none in the file.
  const { values } = importModel(model, "model.onnx");
  const fed = model.graph.inputs.filter(({ name }) => !constants.has(name));
  const shapes = fed.map((info): readonly [ValueInfoProto, Shape] => {
    const type = values.get(info.name)?.type;
    const shape = type === undefined || type.opaque ? info.shape : type.shape;
    if (info.elementType === undefined || !isFed(info.elementType) || shape === undefined) {
      const what = info.elementType === undefined ? "something that is no tensor" : typeName(info.elementType);
      fail(surgeryErrors.doesNotRun(model.file, `nothing is made up for its input \`${info.name}\`, ${what}`));
    }
    return [info, shape];
  });
  const extents = extentsOf(
    shapes.map(([, shape]) => shape),
    args,
    session,
  );
  const seed = readSeed(args.value("--seed"));
  return Object.fromEntries(
    shapes.map(([{ name, elementType = 0 }, shape]) => {
      const dims = shape.map((dim, axis) => (typeof dim === "number" ? dim : extentAt(extents, dim, axis)));
      const next = uniform(seedOf(seed, name));
      const isFloat = dataTypes.get(elementType)?.kind === "float";
      // 0 and 1 are ids of every table, and masks.
      const one = () => (isFloat ? normal(next) : Number(next() < 0.5));
      const numbers = Float64Array.from({ length: elementCount(dims) }, one);
      return [name, { dataType: elementType, shape: dims, numbers }];
    }),
  );
}

const extentAt = (extents: ReadonlyMap<string, number>, dim: string | undefined, axis: number): number =>
  extents.get(dim ?? "") ?? (axis === 0 ? defaults.first : defaults.other);

function extentsOf(shapes: readonly Shape[], args: Arguments, session: Session): ReadonlyMap<string, number> {
  const given = readDims(args);
  const extents = new Map(given.map(({ name, extent }) => [name.text, extent]));
  const names = shapes.flatMap((shape) => [...shape.entries()].filter(([, dim]) => typeof dim === "string"));
  const known = [...new Set(names.map(([, dim]) => dim as string))];
  const unknown = given.filter(({ name }) => !known.includes(name.text));
  if (unknown.length > 0) fail(...unknown.map(({ name }) => cliErrors.unknownDimension(name.span, name.text, known)));
  for (const [axis, dim] of names as [number, string][]) {
    if (extents.has(dim)) continue;
    extents.set(dim, extentAt(extents, dim, axis));
    session.say(`${dim} = ${extents.get(dim)}, as nothing says otherwise (--dim ${dim}=N does)`);
  }
  return extents;
}
