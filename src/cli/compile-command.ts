/** `tirc compile`. */

import { compile, optimize } from "../compile.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { cliErrors } from "../diagnostics/errors-cli.ts";
import { emitModule } from "../emit-module.ts";
import { print } from "../ir/print.ts";
import type { Arguments, Word } from "./arguments.ts";
import { readConstants } from "./constants.ts";
import { shownPath, writeAtomically } from "./files.ts";
import { checkOutput, writeDump, writeKernels } from "./kernel-files.ts";
import { readProgram, reportRemarks } from "./program-options.ts";
import type { Session } from "./session.ts";
import { checkSourceMap, writeSourceMaps } from "./source-maps.ts";
import { moved, writeWeights } from "./weights.ts";

/** Output is written once all of it is there. */
export async function compileCommand(args: Arguments, session: Session): Promise<number> {
  const { io } = session;
  const program = readProgram(args, session);
  const { module, passes, dims, instruments, disabled, target = "portable" } = program;
  const emit = args.value("--emit")?.text ?? "wgsl";
  const output = args.value("--output");
  const options = { passes, dims, instruments, disabled };
  const started = performance.now();
  const time = (what: string) => {
    if (args.has("--timing")) reportTime(program.parseTime, performance.now() - started, what, session);
  };
  const source = (args.operands[0] as Word).text;
  const weights = readWeightsPath(args);
  const map = args.value("--source-map");
  checkSourceMap(args, emit, program, io);
  if (emit === "tir") {
    const { module: result, remarks } = optimize(module, options);
    reportRemarks(remarks, args, session);
    time("passes");
    const path = output?.text ?? "-";
    const placed = moved(result, source, path);
    const constants = readConstants(result, source, io);
    const written =
      weights === undefined ? placed : writeWeights(placed, constants, { weights, output: path }, session);
    writeAtomically(path, print(written), io);
    return 0;
  }
  if (emit !== "ts") checkOutput(output, program, /\.(wgsl|json)$/, io);
  const { kernels, remarks, module: result } = compile(module, { ...options, ...program.arithmetic, target });
  reportRemarks(remarks, args, session);
  time("passes and code generation");
  writeDump(args.value("--dump-dir"), kernels, io);
  if (weights !== undefined) {
    writeWeights(result, readConstants(result, source, io), { weights, output: output?.text ?? "-" }, session);
  }
  if (emit === "ts") {
    writeAtomically(
      output?.text ?? "-",
      emitModule(kernels, { language: "ts", source: shownPath(source, "stdin") }),
      io,
    );
    return 0;
  }
  const path = output?.text ?? "-";
  writeKernels(kernels, path, emit, io);
  if (map !== undefined) writeSourceMaps(kernels, { map: map.text, program: source, output: path, emit }, io);
  return 0;
}

function readWeightsPath(args: Arguments): string | undefined {
  const word = args.value("--weights-out");
  if (word?.text === "-") fail(cliErrors.wrongValue(word.span, "--weights-out", "-", "the name of a file"));
  return word?.text;
}

function reportTime(parse: number, rest: number, what: string, { io }: Session): void {
  const line = (milliseconds: number, text: string) => `${milliseconds.toFixed(2).padStart(10)} ms  ${text}\n`;
  io.stderr(line(parse, "reading and parsing") + line(rest, what));
}
