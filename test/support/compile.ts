/** From text to a kernel, for the tests of the code generator. */

import { generate } from "../../codegen/generate.ts";
import { proveKernel } from "../../codegen/prove.ts";
import { type CompileOptions, optimize } from "../../src/driver/compile.ts";
import type { Fn } from "../../src/ir/ir.ts";
import type { Program } from "../../src/kernel/statement.ts";
import { verifyProgram } from "../../src/kernel/verify.ts";
import { parse } from "../../src/parse/parse.ts";
import type { Kernel } from "../../src/target/manifest.ts";
import { builtinTargets, portableTarget, type TargetProfile } from "../../src/target/target.ts";
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

/** `make`, which for arguments of one JSON is called once, while they are among the last hundred. */
function once<Options extends Omit<CompileOptions, "target">, Rest extends unknown[], Made>(
  make: (text: string, options: Options, ...rest: Rest) => Made,
): typeof make {
  const known = new Map<string, Made>();
  return (text, options, ...rest) => {
    const { instruments, plugins, passes } = options;
    // A value with functions differs from its JSON.
    if (instruments !== undefined || plugins !== undefined || typeof passes === "object")
      return make(text, options, ...rest);
    const key = JSON.stringify([text, options, rest]);
    const found = known.get(key) ?? make(text, options, ...rest);
    if (known.size > 100) known.clear();
    known.set(key, found);
    return found;
  };
}

/** What the passes make of a text: they know no target, and many tests compile one text for several. */
const optimizedText = once((text: string, options: Omit<CompileOptions, "target">) => {
  const module = parse(text, { file: "test.tir" });
  return { fn: module.fns[0] as Fn, optimized: optimize(module, options) };
});

/**
 * The one function of a text, compiled by the default pipeline to a kernel that the verifier takes; the same object for the
 * same arguments, so that a device makes its pipelines once.
 */
export function compileText(
  text: string,
  target: TargetProfile = portableTarget,
  options: Omit<CompileOptions, "target"> = {},
): Compiled {
  return compiledText(text, options, target);
}

const compiledText = once((text: string, options: Omit<CompileOptions, "target">, target: TargetProfile): Compiled => {
  const { fn, optimized } = optimizedText(text, options);
  const compiled = optimized.module.fns[0] as Fn;
  const { kernel, programs } = generate(compiled, target, options);
  const faults = programs.flatMap(verifyProgram);
  if (isDeep) {
    const { verdict, ...found } = proveKernel(compiled, optimized.module.consts, target, options, few);
    if (verdict !== "equal" && verdict !== "undecided") faults.push(`${verdict}: ${JSON.stringify(found)}`);
  }
  if (faults.length > 0) throw new Error(`the kernel for ${target.name} is not sound: ${faults.join("; ")}\n${text}`);
  return { fn, kernel, program: programs[0] as Program, programs };
});

/** Profiles that between them take every path of the generator. */
export const allTargets: readonly TargetProfile[] = builtinTargets;

/** Two targets for a device: its own, and a GPU without subgroups. */
export function targetsFor(device: TargetProfile): readonly TargetProfile[] {
  return [device, { ...portableTarget, limits: device.limits }];
}

/** Both in the deep run, else one of them, by turns over the cases of a campaign: a driver takes a second for each kernel. */
export function targetsInTurn(device: TargetProfile, turn: number): readonly TargetProfile[] {
  const both = targetsFor(device);
  return isDeep ? both : both.slice(turn % 2, (turn % 2) + 1);
}

/** As `targetsInTurn`, by the length of rows: rows of 1 and 769 for the portable one, others for the device. */
export function targetsForRows(device: TargetProfile, length: number): readonly TargetProfile[] {
  return targetsInTurn(device, [1, 769].includes(length) ? 1 : 0);
}
