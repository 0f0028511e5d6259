/** A program as bundlers and `tirc types` compile it, and the declaration that stands beside it. */

import { type CompileVariantsOptions, type CompileVariantsResult, compileVariants } from "../driver/compile.ts";
import { type EmittedFunction, emitDeclarations } from "../emit/module.ts";
import { dimensionNames } from "../ir/ir.ts";
import { parse } from "../parse/parse.ts";

/**
 * One set of options is for all programs of a build: extents of dimensions that this one has not are for others.
 * @param file what messages call it.
 * @throws TircError where the program is wrong.
 */
export function compileFile(
  text: string,
  file: string,
  { dims = {}, ...options }: CompileVariantsOptions,
): CompileVariantsResult {
  const module = parse(text, { file });
  const known = new Set(module.fns.flatMap(dimensionNames));
  const own = Object.fromEntries(Object.entries(dims).filter(([name]) => known.has(name)));
  return compileVariants(module, { ...options, dims: own });
}

/** Where the declaration of a program belongs, and what stands in it: `tsc` finds the types of `./a.tir` in `a.d.tir.ts`. */
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
