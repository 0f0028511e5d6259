/** `tirc types`: writes the declaration of each program next to it, as the bundler plugins do when they build. */

import { builtins } from "../../passes/index.ts";
import { compileFile, declarationOf } from "../bundlers/compile-file.ts";
import * as fileErrors from "../diagnostics/areas/files.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { emittedFunctions } from "../emit/module.ts";
import { parsePipeline } from "../pass-manager/pipeline.ts";
import { portableTarget } from "../target/target.ts";
import type { Arguments, Word } from "./arguments.ts";
import { worstOf } from "./exit-code.ts";
import { kindOf, readText, writeAtomically } from "./files.ts";
import { filesOf } from "./glob.ts";
import { readDims, together } from "./program-options.ts";
import type { Io, Session } from "./session.ts";

/** Files with errors get no declaration, and their errors are reported; the others get theirs. */
export async function typesCommand(args: Arguments, session: Session): Promise<number> {
  const { io } = session;
  const passes = args.value("--passes")?.text ?? "default";
  const [, dims, files] = together(
    () => parsePipeline(passes, builtins, "--passes"),
    () => readDims(args),
    () => together(...args.operands.map((word) => () => programsAt(word, io))),
  );
  const options = { passes, dims: Object.fromEntries(dims.map(({ name, extent }) => [name.text, extent])) };
  return worstOf(new Set(files.flat()), (file) => declare(file, options, args.has("--check"), session), session);
}

function programsAt(word: Word, io: Io): string[] {
  if (word.text !== "-") return filesOf(word, ".tir", io);
  fail(fileErrors.cannotRead("-", "a declaration is written next to a file", word.span, ["name a file"]));
}

type Options = { readonly passes: string; readonly dims: Readonly<Record<string, number>> };

function declare(file: string, options: Options, isCheck: boolean, session: Session): number {
  const { io } = session;
  const text = readText(file, io);
  session.program = { text, pipeline: options.passes };
  // The types are the same for every target: f16 takes two bytes in a buffer, however a kernel reads it.
  const { plans, kernels } = compileFile(text, file, { ...options, targets: [portableTarget] });
  const declaration = declarationOf(file, emittedFunctions(plans, kernels));
  const before = kindOf(declaration.path, io) === "file" ? readText(declaration.path, io) : undefined;
  if (before === declaration.text) return 0;
  if (isCheck) {
    session.tell([`${declaration.path} is ${before === undefined ? "missing" : "out of date"}`]);
    return 1;
  }
  writeAtomically(declaration.path, declaration.text, io);
  return 0;
}
