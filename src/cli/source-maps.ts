/** `--source-map`: which line of the WGSL computes what of the program, in files beside it. */

import { dirname, join, relative, resolve } from "node:path";
import type { Kernel } from "../../codegen/manifest.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { cliErrors } from "../diagnostics/errors-cli.ts";
import { renderSourceMap } from "../render-source-map.ts";
import type { Arguments, Word } from "./arguments.ts";
import { makeFolder, writeAtomically } from "./files.ts";
import type { Io } from "./session.ts";

const option = "--source-map";

/** @throws TircError E0705 for stdout, E0709 where no WGSL is written. */
export function readSourceMapPath(args: Arguments, emit: string): Word | undefined {
  const word = args.value(option);
  if (word === undefined) return undefined;
  if (word.text === "-") fail(cliErrors.wrongValue(word.span, option, "-", "the name of a file"));
  if (emit === "tir" || emit === "ts") {
    fail(cliErrors.conflict(args.spanOf(option), option, `--emit ${emit}`, "what that writes is no WGSL to map"));
  }
  return word;
}

export interface MapPlace {
  /** A file for one kernel, else a folder. */
  readonly path: string;
  readonly isFolder: boolean;
  /** The program; `-` is stdin. */
  readonly program: string;
  /** Where a kernel's WGSL is written, if it is. */
  readonly wgslPath: (kernel: Kernel) => string | undefined;
}

export function writeSourceMaps(kernels: readonly Kernel[], { path, isFolder, program, wgslPath }: MapPlace, io: Io) {
  if (isFolder) makeFolder(path, io);
  for (const kernel of kernels) {
    const { name, sourceMap } = kernel;
    if (sourceMap === undefined) continue;
    const target = isFolder ? join(path, `${name}.wgsl.map`) : path;
    // Absolute first: what is on the command line is relative to the folder that it runs in.
    const fromMap = (to: string) => relative(dirname(resolve(io.cwd, target)), resolve(io.cwd, to));
    const wgsl = wgslPath(kernel);
    const map = renderSourceMap(sourceMap, {
      ...(wgsl === undefined ? {} : { file: fromMap(wgsl) }),
      ...(program === "-" ? {} : { source: fromMap(program) }),
    });
    writeAtomically(target, `${JSON.stringify(map)}\n`, io);
  }
}
