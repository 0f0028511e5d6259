/** `tirc extract`: the norms of an ONNX model, with the ops around them that fit the same kernel, as programs and kernels. */

import { relative, resolve } from "node:path";
import * as normWarnings from "../diagnostics/areas/norms.ts";
import { jsonText } from "../diagnostics/json.ts";
import { Dataflow } from "../extract/dataflow.ts";
import { cutModel } from "../extract/plan.ts";
import { type NormRegion, normRegions } from "../extract/regions.ts";
import { replacedBy } from "../extract/replaced.ts";
import { pieceOfModel } from "../extract/write-piece.ts";
import type { Fn } from "../ir/ir.ts";
import { print } from "../ir/print.ts";
import { roundUp } from "../launch/counts.ts";
import { boundSize } from "../launch/tensors.ts";
import { importModel } from "../onnx/import.ts";
import type { NodeProto } from "../onnx/messages.ts";
import type { OnnxModel } from "../onnx/model.ts";
import type { TensorNumbers } from "../onnx/tensors.ts";
import { bytesOf } from "../onnx/write.ts";
import { counted } from "../report/surgery-report.ts";
import { encode, fromNumbers } from "../runtime/host-tensor.ts";
import { normsLeft } from "../surgery/left.ts";
import { type Binding, parametersOf } from "../target/manifest.ts";
import { portableTarget } from "../target/target.ts";
import type { Arguments } from "./arguments.ts";
import { openModel, weightsRead } from "./model-files.ts";
import { Outputs, writtenInto } from "./outputs.ts";
import { readTarget } from "./program-options.ts";
import type { Session } from "./session.ts";

export async function extractCommand(args: Arguments, session: Session): Promise<number> {
  const { io } = session;
  const path = args.operand.text;
  const folder = args.value("--output")?.text;
  const profile = (await readTarget(args, session)) ?? portableTarget;
  const model = openModel(path, io);
  // Constants are loaded from the model, relative to the folder of the programs.
  const file = relative(resolve(io.cwd, folder ?? "."), resolve(io.cwd, path)).replaceAll("\\", "/");
  const imported = importModel(model, file, { asRuntime: true });
  const { regions, refused } = normRegions(model, imported, profile);
  const warnings = refused.map(({ warning }) => warning);
  const replaced = replacedBy(regions, new Dataflow(model));
  const seen = [...replaced.values()].flat().flatMap(({ outputs }) => outputs);
  const hidden = normsLeft(model, imported, new Set([...seen, ...refused.flatMap(({ tensors }) => tensors)]));
  warnings.push(...hidden.map(({ nodes, because }) => normWarnings.noKernel(undefined, nodes.at(-1) ?? "", because)));
  session.report(warnings);
  if (regions.length === 0 && warnings.length === 0) {
    session.report([
      normWarnings.noNorm(
        imported.module.fns.map(({ name }) => name),
        "model",
      ),
    ]);
  }
  const cut = args.has("--cut") ? cutModel(model, imported, regions) : undefined;
  const names = regions.flatMap(({ name }) => ["tir", "wgsl", "json"].map((extension) => `${name}.${extension}`));
  if (cut !== undefined) names.push("plan.json", "weights.bin", ...cut.pieces.map((piece) => piece.file));
  session.print(regions.map(described));
  if (folder === undefined || names.length === 0) return 0;
  const outputs = new Outputs(args, session, writtenInto(args, "--output", names), weightsRead(model, path));
  for (const region of regions) {
    const write = (extension: string, text: string) => outputs.write(`${folder}/${region.name}.${extension}`, text);
    write("tir", print(region.module));
    write("wgsl", region.kernel.wgsl);
    write("json", `${jsonText(manifestOf(region, replaced.get(region) ?? []), 2)}\n`);
  }
  if (cut === undefined) return 0;
  for (const piece of cut.pieces) {
    outputs.write(`${folder}/${piece.file}`, bytesOf(model.reader.source, pieceOfModel(model, piece)));
  }
  const weights = weightsOf(regions, model);
  outputs.write(`${folder}/weights.bin`, weights.bytes);
  outputs.write(`${folder}/plan.json`, `${jsonText({ ...cut.plan, weights: weights.places }, 2)}\n`);
  session.say(`${folder}/plan.json: ${counted(cut.pieces.length, "piece")}, ${counted(regions.length, "kernel")}`);
  return 0;
}

/** The alignment of a bound range of a buffer, sufficient for every device. */
const alignment = 256;

/** The constants of all kernels, concatenated as in buffers, with their offsets. Throws E0745, E0746. */
function weightsOf(regions: readonly NormRegion[], model: OnnxModel) {
  const places = new Map<string, { readonly offset: number; readonly size: number }>();
  const parts: ArrayBufferView<ArrayBuffer>[] = [];
  let end = 0;
  for (const { kernel, weights } of regions) {
    for (const binding of parametersOf(kernel.manifest)) {
      const tensor = binding.constant && weights.get(binding.name);
      if (tensor === undefined || places.has(tensor)) continue;
      const { shape, numbers } = model.numbers(tensor) as TensorNumbers;
      const size = "stride" in binding ? boundSize(binding.element, (binding as Binding).stride, numbers.length) : 4;
      parts.push(encode(binding, fromNumbers(binding.element, shape, numbers).data));
      places.set(tensor, { offset: end, size });
      end += roundUp(size, alignment);
    }
  }
  const bytes = new Uint8Array(end);
  const offsets = [...places.values()].map(({ offset }) => offset);
  for (const [i, { buffer, byteOffset, byteLength }] of parts.entries()) {
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), offsets[i]);
  }
  return { bytes, places: Object.fromEntries(places) };
}

const functionOf = ({ module }: NormRegion) => module.fns[0] as Fn;

/** `norm takes x, residual, makes h, y` */
function described(region: NormRegion): string {
  const { name, params, results } = functionOf(region);
  const listed = (list: readonly { readonly name: string | undefined }[]) => list.map((one) => one.name).join(", ");
  return `${name} takes ${listed(params)}, makes ${listed(results)}`;
}

/** The kernel's own manifest, with the nodes that it replaces, and the model's names of its buffers. */
function manifestOf(region: NormRegion, nodes: readonly NodeProto[]) {
  const { params, results } = functionOf(region);
  const taken = params.map(({ name }, i) => [name, region.inputs[i]]);
  const made = results.map(({ name }, i) => [name, region.outputs[i]]);
  return {
    ...region.kernel.manifest,
    tensors: Object.fromEntries([...taken, ...made]),
    weights: Object.fromEntries(region.weights),
    nodes: nodes.map(({ index, name, opType, domain }) => ({ index, name, opType, domain })),
  };
}
