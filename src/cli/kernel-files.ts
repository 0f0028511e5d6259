/** Where kernels are written: stdout, a file, or a folder with a file for each. */

import type { Kernel } from "../../codegen/manifest.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { cliErrors } from "../diagnostics/errors-cli.ts";
import type { Word } from "./arguments.ts";
import { kindOf, makeFolder, writeAtomically } from "./files.ts";
import type { Program } from "./program-options.ts";
import type { Io } from "./session.ts";

/**
 * @param single how the name of something ends that is no folder.
 * @throws TircError E0714 where several kernels need one.
 */
export function checkOutput(output: Word | undefined, { module }: Program, single: RegExp, io: Io): void {
  const count = module.fns.length;
  if (output === undefined || output.text === "-" || count <= 1) return;
  const looksLikeFile = kindOf(output.text, io) === "nothing" && single.test(output.text);
  if (looksLikeFile || kindOf(output.text, io) === "file") fail(cliErrors.notAFolder(output.span, output.text, count));
}

export function writeDump(folder: Word | undefined, kernels: readonly Kernel[], io: Io): void {
  if (folder === undefined) return;
  for (const { name, wgsl } of kernels) {
    writeAtomically(`${folder.text}/${kernels.length === 1 ? "kernel" : name}.wgsl`, wgsl, io);
  }
}

const json = (value: unknown) => `${JSON.stringify(value, undefined, 2)}\n`;
/** What a runtime needs: source maps are for people. */
const shipped = ({ name, wgsl, manifest }: Kernel) => ({ name, wgsl, manifest });

/** Whether so many kernels are files in a folder of this name, and not the file of this name. */
export function isFolderFor(count: number, path: string, io: Io): boolean {
  return path !== "-" && (count > 1 || path.endsWith("/") || kindOf(path, io) === "folder");
}

export function writeKernels(kernels: readonly Kernel[], path: string, emit: string, io: Io): void {
  const [only, ...more] = kernels;
  const textOf = (kernel: Kernel) => (emit === "json" ? json(shipped(kernel)) : kernel.wgsl);
  if (isFolderFor(kernels.length, path, io)) {
    makeFolder(path, io);
    for (const kernel of kernels) writeAtomically(`${path}/${kernel.name}.${emit}`, textOf(kernel), io);
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
