/** Where kernels are written: to stdout, to a file, or to a folder with a file for each. */

import * as pathErrors from "../diagnostics/areas/paths.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { jsonText } from "../diagnostics/json.ts";
import type { Instrument } from "../pass-manager/instrument.ts";
import { dump } from "../pass-manager/instruments.ts";
import { planManifest } from "../plan/manifest.ts";
import { isOneKernel, type Plan } from "../plan/plan.ts";
import type { Kernel } from "../target/manifest.ts";
import type { Arguments, Word } from "./arguments.ts";
import { kindOf } from "./files.ts";
import { type Outputs, type Written, writtenBy, writtenInto } from "./outputs.ts";
import type { Program } from "./program-options.ts";
import type { Io } from "./session.ts";

/**
 * @param single the extension of a path that is not a folder.
 * @throws TircError E0714 if several kernels need a folder.
 */
export function checkOutput(output: Word | undefined, { module }: Program, single: RegExp, io: Io): void {
  const count = module.fns.length;
  if (output === undefined || output.text === "-" || count <= 1) return;
  const looksLikeFile = kindOf(output.text, io) === "nothing" && single.test(output.text);
  if (looksLikeFile || kindOf(output.text, io) === "file") fail(pathErrors.notAFolder(output.span, output.text, count));
}

/** What an option writes for the kernels of these names: a file for each in its folder, or the file that it names. */
export function kernelOutputs(
  args: Arguments,
  option: string,
  names: readonly string[],
  extension: string,
  io: Io,
): Written[] {
  const path = args.value(option)?.text;
  if (path === undefined || !isFolderFor(names.length, path, io)) return writtenBy(args, option);
  // Kernels of a plan are named after its function, with a number.
  const ofPlans = new RegExp(`^(${names.join("|")})_\\d+\\.${extension.replace(".", "\\.")}$`);
  return writtenInto(args, option, [...names.map((name) => `${name}.${extension}`), ofPlans]);
}

/** @throws TircError E0714 if a function has become several kernels, but a file is named for them. */
export function checkFolder(output: Word | undefined, functions: number, kernels: number, io: Io): void {
  if (output === undefined || output.text === "-" || kernels === functions) return;
  if (!isFolderFor(functions, output.text, io)) fail(pathErrors.notAFolder(output.span, output.text, kernels));
}

const dumpOption = "--dump-dir";

/** The IR after every step, numbered as by `dump`, and the kernels of these names. */
export function dumpOutputs(args: Arguments, names: readonly string[]): Written[] {
  return writtenInto(args, dumpOption, [
    /^\d{3,}_[\w-]+\.tir$/,
    ...names.map((name) => dumpedName(name, names.length)),
    ...(names.length === 0 ? [] : [new RegExp(`^(${names.join("|")})_\\d+\\.wgsl$`)]),
  ]);
}

const dumpedName = (kernel: string, count: number) => `${count === 1 ? "kernel" : kernel}.wgsl`;

export function dumpInstruments(args: Arguments, outputs: Outputs): Instrument[] {
  const folder = args.value(dumpOption)?.text;
  return folder === undefined ? [] : [dump((file, text) => outputs.write(`${folder}/${file}`, text))];
}

export function writeDump(args: Arguments, kernels: readonly Kernel[], outputs: Outputs): void {
  const folder = args.value(dumpOption)?.text;
  if (folder === undefined) return;
  for (const { name, wgsl } of kernels) outputs.write(`${folder}/${dumpedName(name, kernels.length)}`, wgsl);
}

const json = (value: unknown) => `${jsonText(value, 2)}\n`;
/** What a runtime needs, without source maps. */
const shipped = ({ name, wgsl, manifest }: Kernel) => ({ name, wgsl, manifest });

/** Whether this many kernels are files in a folder of this name, rather than the file of this name. */
export function isFolderFor(count: number, path: string, io: Io): boolean {
  return path !== "-" && (count > 1 || path.endsWith("/") || kindOf(path, io) === "folder");
}

/** A function and its kernels. */
interface WrittenFunction {
  readonly plan: Plan;
  readonly kernels: readonly Kernel[];
}

/** A single kernel is its WGSL and its manifest; several are all of these, and how to launch them. */
function described({ plan, kernels }: WrittenFunction): { readonly name: string } {
  const [only] = kernels;
  if (only !== undefined && isOneKernel(plan)) return shipped(only);
  return { ...planManifest(plan), kernels: kernels.map(shipped) } as { readonly name: string };
}

/** @param textOf for kernels that are not written as JSON. */
export function writeKernels(
  functions: readonly WrittenFunction[],
  path: string,
  emit: string,
  outputs: Outputs,
  io: Io,
  textOf = ({ wgsl }: Kernel) => wgsl,
): void {
  const texts =
    emit === "json"
      ? functions.map(described).map((one) => ({ name: one.name, text: json(one) }))
      : functions.flatMap(({ kernels }) => kernels.map((kernel) => ({ name: kernel.name, text: textOf(kernel) })));
  const [only, ...more] = texts;
  if (isFolderFor(texts.length, path, io)) {
    for (const { name, text } of texts) outputs.write(`${path}/${name}.${emit}`, text);
  } else if (only !== undefined && more.length === 0) outputs.write(path, only.text);
  else if (emit === "json") outputs.write(path, json(functions.map(described)));
  // Several modules on stdout: a line before each names its function.
  else outputs.write(path, texts.map(({ name, text }) => `// ${name}.${emit}\n${text}`).join("\n"));
}
