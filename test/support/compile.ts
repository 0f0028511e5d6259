/** From text to a kernel, as the tests of the code generator want it. */

import { generatePrograms } from "../../codegen/generate.ts";
import type { Program } from "../../codegen/kernel/statement.ts";
import { verifyProgram } from "../../codegen/kernel/verify.ts";
import type { Kernel } from "../../codegen/manifest.ts";
import { proveKernel } from "../../codegen/prove.ts";
import { builtinTargets, portableTarget, type TargetProfile } from "../../codegen/target.ts";
import { type CompileOptions, compile } from "../../src/compile.ts";
import type { Fn } from "../../src/ir/ir.ts";
import { parse } from "../../src/parse/parse.ts";
import { isDeep } from "./deep.ts";

export interface Compiled {
  /** As written, before any pass: what the interpreter runs. */
  readonly fn: Fn;
  readonly kernel: Kernel;
  /** What its entry point for all extents is printed from. */
  readonly program: Program;
  /** That, and the faster ones for some extents. */
  readonly programs: readonly Program[];
}

/** Each kernel is proved in `npm run test:deep`. */
const few = { elements: 2 ** 12 };

/** The one function of a text, compiled by the default pipeline to a kernel that the verifier takes. */
export function compileText(
  text: string,
  target: TargetProfile = portableTarget,
  options: Omit<CompileOptions, "target"> = {},
): Compiled {
  const module = parse(text, { file: "test.tir" });
  const { kernels, module: compiled } = compile(module, { ...options, target });
  const programs = generatePrograms(compiled.fns[0] as Fn, target, options);
  const faults = programs.flatMap(verifyProgram);
  if (isDeep) {
    const { verdict, ...found } = proveKernel(compiled.fns[0] as Fn, compiled.consts, target, options, few);
    if (verdict !== "equal" && verdict !== "undecided") faults.push(`${verdict}: ${JSON.stringify(found)}`);
  }
  if (faults.length > 0) throw new Error(`the kernel for ${target.name} is not sound: ${faults.join("; ")}\n${text}`);
  return { fn: module.fns[0] as Fn, kernel: kernels[0] as Kernel, program: programs[0] as Program, programs };
}

/** Profiles that between them take every path of the generator. */
export const allTargets: readonly TargetProfile[] = builtinTargets;

/** Two ways to compile for a device: for what it is, and for a GPU with nothing but workgroup memory. */
export function targetsFor(device: TargetProfile): readonly TargetProfile[] {
  return [device, { ...portableTarget, limits: device.limits }];
}

/** The same for rows of some lengths, the device alone for others: each kernel takes a driver a second to compile. */
export function targetsForRows(device: TargetProfile, length: number): readonly TargetProfile[] {
  return [1, 5, 769].includes(length) ? targetsFor(device) : [device];
}
