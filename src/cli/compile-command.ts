/** `tirc compile`. */

import { join } from "node:path";
import type { Kernel } from "../../codegen/manifest.ts";
import { compile, optimize } from "../compile.ts";
import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { cliErrors } from "../diagnostics/errors-cli.ts";
import { print } from "../ir/print.ts";
import type { Instrument } from "../pass-manager/instrument.ts";
import { dump, printIr, statistics, timing } from "../pass-manager/instruments.ts";
import { PassManager } from "../pass-manager/pass-manager.ts";
import type { Arguments, Word } from "./arguments.ts";
import { isFolder, makeFolder, writeAtomically } from "./files.ts";
import { readProgram } from "./program-options.ts";
import type { Session } from "./session.ts";

interface OutputFile {
  readonly name: string;
  readonly text: string;
}

export async function compileCommand(args: Arguments, session: Session): Promise<number> {
  const emit = args.value("--emit")?.text ?? "wgsl";
  const started = performance.now();
  const { module, passes, disabled, target, dims, keepReproducer } = readProgram(args, session);
  const parsed = performance.now();
  const files: OutputFile[] = [];
  const instruments = [keepReproducer, ...instrumentsOf(args, session, files)];
  const options = { passes, disabled, dims, instruments, ...(target && { target }) };

  const output = args.value("--output");
  const isSeveral = emit !== "tir" && module.fns.length > 1;
  if (output !== undefined && isSeveral) checkFolder(output, module.fns.length, session);

  const results: OutputFile[] = [];
  if (emit === "tir") {
    const optimized = optimize(module, options);
    report(optimized.remarks, args, session);
    results.push({ name: "module.tir", text: print(optimized.module) });
  } else {
    const { kernels, remarks } = compile(module, options);
    report(remarks, args, session);
    for (const kernel of kernels) results.push(kernelFile(kernel, emit));
    for (const { name, wgsl } of kernels) files.push({ name: isSeveral ? `${name}.wgsl` : "kernel.wgsl", text: wgsl });
  }
  if (args.has("--timing")) {
    const line = (milliseconds: number, what: string) =>
      session.say(`${milliseconds.toFixed(2).padStart(10)} ms  ${what}`);
    line(parsed - started, "reading and parsing");
    line(performance.now() - parsed, emit === "tir" ? "passes" : "passes and code generation");
  }
  writeDump(args, files, session);
  writeResults(results, output, { isSeveral, emit }, session);
  return 0;
}

function instrumentsOf(args: Arguments, session: Session, files: OutputFile[]): Instrument[] {
  const write = (text: string) => session.io.stderr(text);
  const names = (option: string) => {
    const words = args.values(option).map((word) => word.text);
    // Throws for a name that no pass has.
    new PassManager("", { disabled: words });
    return words;
  };
  const before = names("--print-ir-before");
  const after = names("--print-ir-after");
  return [
    ...(before.length + after.length > 0 ? [printIr({ before, after, write })] : []),
    ...(args.has("--print-ir-after-all") ? [printIr({ after: "all", write })] : []),
    ...(args.has("--print-ir-after-change") ? [printIr({ after: "change", write })] : []),
    ...(args.has("--dump-dir") ? [dump((name, text) => void files.push({ name, text }))] : []),
    ...(args.has("--timing") ? [timing(write)] : []),
    ...(args.has("--stats") ? [statistics(write)] : []),
  ];
}

/** Warnings are always said, remarks when they are asked for. */
function report(remarks: readonly Diagnostic[], args: Arguments, session: Session): void {
  session.report(remarks.filter(({ severity }) => severity !== "remark" || args.has("--remarks")));
}

function kernelFile(kernel: Kernel, emit: string): OutputFile {
  const { name, wgsl } = kernel;
  if (emit === "json") return { name: `${name}.json`, text: `${JSON.stringify(kernel, null, 2)}\n` };
  return { name: `${name}.wgsl`, text: wgsl };
}

function checkFolder(output: Word, count: number, { io }: Session): void {
  const { text, span } = output;
  // A name with an extension is meant as a file, unless there is such a folder.
  const isFile = text !== "-" && !text.endsWith("/") && !isFolder(text, io) && /\.(wgsl|json)$/.test(text);
  if (isFile) fail(cliErrors.notAFolder(span, text, count));
}

function writeDump(args: Arguments, files: readonly OutputFile[], { io }: Session): void {
  const folder = args.value("--dump-dir")?.text;
  if (folder === undefined) return;
  makeFolder(folder, io);
  for (const { name, text } of files) writeAtomically(join(folder, name), text, io);
}

function writeResults(
  results: readonly OutputFile[],
  output: Word | undefined,
  { isSeveral, emit }: { isSeveral: boolean; emit: string },
  { io }: Session,
): void {
  const path = output?.text ?? "-";
  if (path === "-") {
    io.stdout(isSeveral ? joined(results, emit) : (results[0]?.text ?? ""));
  } else if (isSeveral || path.endsWith("/") || isFolder(path, io)) {
    makeFolder(path, io);
    for (const { name, text } of results) writeAtomically(join(path, name), text, io);
  } else {
    writeAtomically(path, results[0]?.text ?? "", io);
  }
}

/** Several kernels on stdout: a JSON array, or WGSL modules with a line before each that says whose it is. */
function joined(results: readonly OutputFile[], emit: string): string {
  if (emit === "json") return `[\n${results.map(({ text }) => text.trimEnd()).join(",\n")}\n]\n`;
  return results.map(({ name, text }) => `// ${name}\n${text}`).join("\n");
}
