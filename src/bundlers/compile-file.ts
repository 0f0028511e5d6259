/** Compiles programs for bundlers and `tirc types`, and writes their type declarations. */

import { type CompileVariantsOptions, type CompileVariantsResult, compileVariants } from "../driver/compile.ts";
import { type EmittedFunction, emitDeclarations } from "../emit/module.ts";
import { dimensionNames } from "../ir/ir.ts";
import { parse } from "../parse/parse.ts";

/**
 * Compiles a program. The same options apply to all programs of a build, so dimensions that this one does not have are
 * ignored.
 * @param file the name of the program in messages.
 * @throws TircError if the program has errors.
 */
export function compileFile(
  text: string,
  file: string,
  { dims = {}, specialize = [], ...options }: CompileVariantsOptions,
): CompileVariantsResult {
  const module = parse(text, { file });
  const known = new Set(module.fns.flatMap(dimensionNames));
  const own = Object.fromEntries(Object.entries(dims).filter(([name]) => known.has(name)));
  return compileVariants(module, { ...options, dims: own, specialize: specialize.filter((name) => known.has(name)) });
}

/** The path and text of a program's declaration file: `tsc` looks for the types of `./a.tir` in `a.d.tir.ts`. */
export function declarationOf(
  file: string,
  functions: readonly EmittedFunction[],
): { readonly path: string; readonly text: string } {
  const name = file.slice(Math.max(file.lastIndexOf("/"), file.lastIndexOf("\\")) + 1);
  return {
    path: file.replace(/(\.tir)?$/, ".d.tir.ts"),
    text: emitDeclarations(functions, name),
  };
}
