/** `tirc extract`: the norms of an ONNX model, with what one kernel computes around them, as programs and kernels. */

import { relative, resolve } from "node:path";
import type { Kernel } from "../../codegen/manifest.ts";
import type { TargetProfile } from "../../codegen/target.ts";
import { compile } from "../compile.ts";
import { TircError } from "../diagnostics/diagnostic.ts";
import { normWarnings } from "../diagnostics/errors-norms.ts";
import { jsonText } from "../diagnostics/json.ts";
import type { Fn } from "../ir/ir.ts";
import { print } from "../ir/print.ts";
import { type NormRegion, normRegions } from "../norm-regions.ts";
import { importModel } from "../onnx/import.ts";
import type { Arguments, Word } from "./arguments.ts";
import { openOnnx, weightsRead } from "./onnx-files.ts";
import { Outputs, writtenInto } from "./outputs.ts";
import { readTarget } from "./program-options.ts";
import type { Session } from "./session.ts";

export async function extractCommand(args: Arguments, session: Session): Promise<number> {
  const { io } = session;
  const path = (args.operands[0] as Word).text;
  const folder = args.value("--output")?.text;
  const target = readTarget(args.value("--target"), session) ?? "portable";
  const model = openOnnx(path, io);
  // Constants are loaded from the model, relative to the folder of the programs.
  const file = relative(resolve(io.cwd, folder ?? "."), resolve(io.cwd, path)).replaceAll("\\", "/");
  const { module, tensors } = importModel(model, file);
  const regions = normRegions(module);
  if (regions.length === 0)
    session.report([
      normWarnings.noNorm(
        module.fns.map(({ name }) => name),
        "model",
      ),
    ]);
  const names = regions.flatMap(({ name }) => ["tir", "wgsl", "json"].map((extension) => `${name}.${extension}`));
  const outputs = new Outputs(args, session, writtenInto(args, "--output", names), weightsRead(model, path));
  let code = 0;
  for (const region of regions) {
    const kernel = kernelOf(region, target, session);
    session.print([described(region)]);
    if (kernel === undefined) code = 1;
    if (folder === undefined) continue;
    const write = (extension: string, text: string) => outputs.write(`${folder}/${region.name}.${extension}`, text);
    write("tir", print(region.module));
    if (kernel === undefined) continue;
    write("wgsl", kernel.wgsl);
    write("json", `${jsonText({ ...kernel.manifest, tensors: tensorsOf(region, tensors) }, 2)}\n`);
  }
  return code;
}

/** Nothing where the region is not one kernel, which is reported: the others are. */
function kernelOf({ module }: NormRegion, target: string | TargetProfile, session: Session): Kernel | undefined {
  try {
    return compile(module, { target }).kernels[0];
  } catch (caught) {
    if (!(caught instanceof TircError)) throw caught;
    session.report(caught.diagnostics);
    return undefined;
  }
}

const functionOf = ({ module }: NormRegion) => module.fns[0] as Fn;

/** `norm takes x, residual, makes h, y` */
function described(region: NormRegion): string {
  const { name, params, results } = functionOf(region);
  const listed = (list: readonly { readonly name: string | undefined }[]) => list.map((one) => one.name).join(", ");
  return `${name} takes ${listed(params)}, makes ${listed(results)}`;
}

/** What the model calls what the kernel takes and makes. */
function tensorsOf(region: NormRegion, tensors: ReadonlyMap<string, string>): Record<string, string> {
  const { params, results } = functionOf(region);
  const names = [...params.map(({ name }) => name as string), ...results.map(({ name }) => name)];
  return Object.fromEntries(
    names.flatMap((name) => {
      const tensor = tensors.get(name);
      return tensor === undefined ? [] : [[name, tensor]];
    }),
  );
}
