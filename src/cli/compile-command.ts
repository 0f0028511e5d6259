/** `tirc compile`. */

import type { Kernel } from "../../codegen/manifest.ts";
import { compile, optimize } from "../compile.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { cliErrors } from "../diagnostics/errors-cli.ts";
import { emitModule } from "../emit-module.ts";
import { print } from "../ir/print.ts";
import type { Arguments, Word } from "./arguments.ts";
import { readConstants } from "./constants.ts";
import { kindOf, makeFolder, shownPath, writeAtomically } from "./files.ts";
import { type Program, readProgram, reportRemarks } from "./program-options.ts";
import type { Io, Session } from "./session.ts";
import { readSourceMapPath, writeSourceMaps } from "./source-maps.ts";
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
  const map = readSourceMapPath(args, emit);
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
  checkOutput(map, program, /\.map$/, io);
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
  if (map !== undefined) {
    const isFolder = isFolderFor(kernels, map.text, io);
    const wgslPath = (kernel: Kernel) =>
      emit === "wgsl" && path !== "-" ? fileOf(kernel, kernels, path, emit, io) : undefined;
    writeSourceMaps(kernels, { path: map.text, isFolder, program: source, wgslPath }, io);
  }
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

/** @param single how the name of something ends that is no folder. */
function checkOutput(output: Word | undefined, { module }: Program, single: RegExp, io: Io): void {
  const count = module.fns.length;
  if (output === undefined || output.text === "-" || count <= 1) return;
  const looksLikeFile = kindOf(output.text, io) === "nothing" && single.test(output.text);
  if (looksLikeFile || kindOf(output.text, io) === "file") fail(cliErrors.notAFolder(output.span, output.text, count));
}

function writeDump(folder: Word | undefined, kernels: readonly Kernel[], io: Io): void {
  if (folder === undefined) return;
  for (const { name, wgsl } of kernels) {
    writeAtomically(`${folder.text}/${kernels.length === 1 ? "kernel" : name}.wgsl`, wgsl, io);
  }
}

const json = (value: unknown) => `${JSON.stringify(value, undefined, 2)}\n`;
/** What a runtime needs: source maps are for people. */
const shipped = ({ name, wgsl, manifest }: Kernel) => ({ name, wgsl, manifest });

function isFolderFor({ length }: readonly Kernel[], path: string, io: Io): boolean {
  return path !== "-" && (length > 1 || path.endsWith("/") || kindOf(path, io) === "folder");
}

function fileOf({ name }: Kernel, kernels: readonly Kernel[], path: string, emit: string, io: Io): string {
  return isFolderFor(kernels, path, io) ? `${path}/${name}.${emit}` : path;
}

function writeKernels(kernels: readonly Kernel[], path: string, emit: string, io: Io): void {
  const [only, ...more] = kernels;
  const textOf = (kernel: Kernel) => (emit === "json" ? json(shipped(kernel)) : kernel.wgsl);
  if (isFolderFor(kernels, path, io)) {
    makeFolder(path, io);
    for (const kernel of kernels) writeAtomically(fileOf(kernel, kernels, path, emit, io), textOf(kernel), io);
  } else if (only !== undefined && more.length === 0) {
    writeAtomically(path, textOf(only), io);
  } else {
    writeAtomically(path, joined(kernels, emit), io);
  }
}

/** Several kernels on stdout: a JSON list, or WGSL modules with a line before each that says whose it is. */
function joined(kernels: readonly Kernel[], emit: string): string {
  if (emit === "json") return json(kernels.map(shipped));
  return kernels.map(({ name, wgsl }) => `// ${name}.wgsl\n${wgsl}`).join("\n");
}
