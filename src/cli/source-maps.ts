/** `--source-map`: files that map lines of the WGSL to the program. */

import { dirname, join, relative, resolve } from "node:path";
import * as cliErrors from "../diagnostics/areas/command.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { renderSourceMap } from "../emit/source-map.ts";
import type { Kernel } from "../target/manifest.ts";
import type { Arguments } from "./arguments.ts";
import { checkOutput, isFolderFor } from "./kernel-files.ts";
import type { Outputs } from "./outputs.ts";
import type { Program } from "./program-options.ts";
import type { Io } from "./session.ts";

const option = "--source-map";

/** @throws TircError E0705 for stdout, E0714 as for kernels. */
export function checkSourceMap(args: Arguments, program: Program, io: Io): void {
  const word = args.value(option);
  if (word === undefined) return;
  if (word.text === "-") fail(cliErrors.wrongValue(word.span, option, "-", "the name of a file", ["kernel.wgsl.map"]));
  checkOutput(word, program, /\.map$/, io);
}

interface MapPlace {
  /** A file for one kernel, otherwise a folder. */
  readonly map: string;
  /** The program; `-` is stdin. */
  readonly program: string;
  /** The destination and the form of the kernels. */
  readonly output: string;
  readonly emit: string;
}

export function writeSourceMaps(
  kernels: readonly Kernel[],
  { map, program, output, emit }: MapPlace,
  outputs: Outputs,
  io: Io,
): void {
  const inFolder = (path: string) => isFolderFor(kernels.length, path, io);
  for (const { name, sourceMap } of kernels) {
    if (sourceMap === undefined) continue;
    const target = inFolder(map) ? `${map}/${name}.wgsl.map` : map;
    // Absolute first: paths of the command line are relative to the current folder.
    const fromMap = (path: string) => relative(dirname(resolve(io.cwd, target)), resolve(io.cwd, path));
    const wgsl = inFolder(output) ? join(output, `${name}.wgsl`) : output;
    const rendered = renderSourceMap(sourceMap, {
      ...(output === "-" || emit !== "wgsl" ? {} : { file: fromMap(wgsl) }),
      ...(program === "-" ? {} : { source: fromMap(program) }),
    });
    outputs.write(target, `${JSON.stringify(rendered)}\n`);
  }
}
