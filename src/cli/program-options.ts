/** The options that say which program is meant and how it is compiled: `compile` and `run` have them alike. */

import { parseTarget, type TargetProfile, targetByName } from "../../codegen/target.ts";
import { type Diagnostic, fail } from "../diagnostics/diagnostic.ts";
import { cliErrors } from "../diagnostics/errors-cli.ts";
import { passErrors } from "../diagnostics/errors-passes.ts";
import { dimensionNames, type Fn, type Module, makeModule } from "../ir/ir.ts";
import { parse } from "../parse/parse.ts";
import type { Instrument } from "../pass-manager/instrument.ts";
import { reproducer } from "../pass-manager/instruments.ts";
import { PassManager } from "../pass-manager/pass-manager.ts";
import { headerPipeline } from "../pass-manager/pipeline.ts";
import { type Arguments, assignment, type Word } from "./arguments.ts";
import { readText, shownPath } from "./files.ts";
import type { Session } from "./session.ts";

export interface Program {
  readonly module: Module;
  /** As text; checked. */
  readonly passes: string;
  readonly disabled: readonly string[];
  /** Missing where no target is given. */
  readonly target: TargetProfile | undefined;
  readonly dims: Readonly<Record<string, number>>;
  /** Keeps the program of a pass that fails. */
  readonly keepReproducer: Instrument;
}

/** Throws everything that can be wrong with these options, or with the file. */
export function readProgram(args: Arguments, session: Session): Program {
  const path = args.operands[0] as Word;
  const target = readTarget(args.value("--target"), session);
  const given = pipelineOption(args);
  const disabled = args.values("--disable-pass").map((word) => word.text);
  const check = (pipeline: string) => new PassManager(pipeline, { disabled }).toString();
  if (given !== undefined) check(given);
  const text = readText(path.text, session.io);
  const pipeline = given ?? headerPipeline(text) ?? "default";
  session.program = { text, pipeline };
  const passes = check(pipeline);
  session.program = { text, pipeline: passes };
  const module = parse(text, { file: shownPath(path.text, "stdin") });
  const keepReproducer = reproducer((kept) => {
    session.reproducer = kept;
  });
  const chosen = choose(module, args.value("--fn"));
  return { module: chosen, passes, disabled, target, dims: readDims(args, chosen), keepReproducer };
}

function pipelineOption(args: Arguments): string | undefined {
  const level = args.value("-O");
  const passes = args.value("--passes");
  if (level !== undefined && passes !== undefined) {
    fail(cliErrors.conflict(args.spanOf("-O"), `-O${level.text}`, "--passes", "both choose the passes"));
  }
  return level === undefined ? passes?.text : `O${level.text}`;
}

/** A built-in target, or the profile in a file whose name ends in `.json`. */
function readTarget(word: Word | undefined, { io }: Session): TargetProfile | undefined {
  if (word === undefined) return undefined;
  if (!word.text.endsWith(".json")) return targetByName(word.text);
  return parseTarget({ name: word.text, text: readText(word.text, io) });
}

function choose(module: Module, name: Word | undefined): Module {
  if (name === undefined) return module;
  const found = module.fns.filter((fn) => fn.name === name.text);
  const names = module.fns.map((fn) => fn.name);
  return found.length > 0 ? makeModule(found) : fail(passErrors.unknownFunction(name.text, names, name.span));
}

function readDims(args: Arguments, module: Module): Record<string, number> {
  const known = [...new Set(module.fns.flatMap((fn: Fn) => dimensionNames(fn)))];
  const dims = new Map<string, number>();
  const first = new Map<string, Word>();
  const found: Diagnostic[] = [];
  for (const word of args.values("--dim")) {
    const { name, value } = assignment(word, "--dim", "NAME=EXTENT");
    const before = first.get(name.text);
    const extent = /^\d{1,10}$/.test(value.text) ? Number(value.text) : Number.NaN;
    if (!known.includes(name.text)) found.push(cliErrors.unknownDimension(name.span, name.text, known));
    else if (before !== undefined) found.push(cliErrors.optionTwice(name.span, `--dim ${name.text}`, before.span));
    else if (!(extent < 2 ** 32)) found.push(cliErrors.notAnExtent(value.span, name.text, value.text));
    dims.set(name.text, extent);
    first.set(name.text, name);
  }
  if (found.length > 0) fail(...found);
  return Object.fromEntries(dims);
}
