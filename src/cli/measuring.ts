/** What `tirc tune` and `tirc bench` have in common: they run the functions of a program, with random inputs, on a device. */

import { randomInputsOf } from "../compare/contracts.ts";
import { checkSizes, chooseDims } from "../compare/inputs.ts";
import { refuseOpaque } from "../compare/refuse-opaque.ts";
import { compile } from "../driver/compile.ts";
import type { Constants } from "../ir/interpret.ts";
import type { Fn, Module } from "../ir/ir.ts";
import type { Plan } from "../plan/plan.ts";
import { type OpenedDevice, openDevice } from "../runtime/node.ts";
import type { TargetProfile } from "../target/target.ts";
import type { Arguments } from "./arguments.ts";
import { filesOfConstants, readConstants } from "./constants.ts";
import { Outputs, writtenBy } from "./outputs.ts";
import { type Program, readProgram, reportRemarks, sayDefaults } from "./program-options.ts";
import { readRounds } from "./run-options.ts";
import type { Session } from "./session.ts";

export interface Measuring {
  readonly program: Program;
  readonly constants: Constants;
  readonly opened: OpenedDevice;
  /** `--rounds`. */
  readonly rounds: number | undefined;
  readonly outputs: Outputs;
  readonly args: Arguments;
  readonly session: Session;
}

/** Opens the device for `work`. @param output the option that names a file to write. */
export async function measuring(
  args: Arguments,
  session: Session,
  { output, isSweep }: { readonly output: string; readonly isSweep: boolean },
  work: (on: Measuring) => Promise<void>,
): Promise<number> {
  const program = await readProgram(args, session, isSweep);
  const rounds = readRounds(args);
  const source = args.operand.text;
  const read = filesOfConstants(program.module, source, session.io);
  const outputs = new Outputs(args, session, writtenBy(args, output), read);
  const constants = readConstants(program.module, source, session.io);
  const opened = await openDevice({ adapter: args.value("--adapter")?.text });
  try {
    session.say(`on ${opened.description}`);
    await work({ program, constants, opened, rounds, outputs, args, session });
    return 0;
  } finally {
    opened.close();
  }
}

/** Compiles a function as a plan that a device can run by itself, and makes its inputs. @param given extents; others are chosen. */
export function compileToMeasure(
  { program, args, session }: Measuring,
  fn: Fn,
  target: TargetProfile,
  given: Readonly<Record<string, number>>,
  isSpecialized: boolean,
) {
  const chosen = chooseDims(fn, new Map(), given);
  const { extents } = chosen;
  checkSizes(fn, extents);
  sayDefaults(chosen, session);
  const module: Module = { ...program.module, fns: [fn] };
  const options = { ...program.options, ...program.arithmetic, target, products: "plain" } as const;
  const compiled = compile(module, { ...options, ...(isSpecialized && { dims: extents }) });
  reportRemarks(compiled.remarks, args, session);
  const [plan] = compiled.plans as [Plan];
  refuseOpaque(plan);
  return { module, extents, plan, compiled, inputs: randomInputsOf(fn, extents) };
}
