/**
 * Imports of `.tir` files: compiled when the bundler builds, to the module of emit-module.ts.
 *
 *   import { bertOutput } from "./bert-output.tir";
 *   import wgsl from "./bert-output.tir?wgsl";
 *
 * Beside a file that is imported stands its declaration (`bert-output.d.tir.ts`), for `tsc` with
 * `allowArbitraryExtensions`.
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative } from "node:path";
import { createUnplugin, type UnpluginInstance } from "unplugin";
import type { Kernel } from "../../codegen/manifest.ts";
import type { KernelOptions } from "../../codegen/options.ts";
import type { TargetProfile } from "../../codegen/target.ts";
import { compile } from "../compile.ts";
import { type Diagnostic, lineColumn, TircError } from "../diagnostics/diagnostic.ts";
import { renderPretty } from "../diagnostics/pretty.ts";
import { emitDeclarations, emitModule } from "../emit-module.ts";
import { parse } from "../parse/parse.ts";

/** What the plugin of every bundler takes. */
export interface TircPluginOptions extends KernelOptions {
  /** What to compile for: a built-in target's name or a profile. `portable` unless said otherwise. */
  readonly target?: string | TargetProfile;
  /** A pipeline as text. `default` unless said otherwise. */
  readonly passes?: string;
  /** Extents for named dimensions, which are then known when compiling; of functions that have them. */
  readonly dims?: Readonly<Record<string, number>>;
  /** Whether to write `name.d.tir.ts` beside `name.tir`. On unless said otherwise. */
  readonly declarations?: boolean;
}

const imported = /\.tir(\?wgsl)?$/;

/** The id without what follows a `?`, and whether the text of the kernel is wanted. */
function partsOf(id: string): { file: string; isText: boolean } {
  const file = id.replace(/\?wgsl$/, "");
  return { file, isText: file !== id };
}

/** What a bundler shows at a place. */
export interface BuildMessage {
  readonly message: string;
  readonly id: string;
  readonly loc: { readonly file: string; readonly line: number; readonly column: number };
}

function messageOf(found: readonly Diagnostic[], file: string): BuildMessage {
  const span = found.find((diagnostic) => diagnostic.span !== undefined)?.span;
  const { line, column } = span === undefined ? { line: 1, column: 1 } : lineColumn(span.source, span.start);
  const message = found.map((diagnostic) => renderPretty(diagnostic)).join("\n\n");
  // Columns of bundlers count from 0.
  return { message, id: file, loc: { file, line, column: column - 1 } };
}

/** @throws TircError where the file is wrong. */
function compileFile(file: string, { declarations: _, ...options }: TircPluginOptions) {
  const name = relative(process.cwd(), file);
  const module = parse(readFileSync(file, "utf8"), { file: isAbsolute(name) || name.startsWith("..") ? file : name });
  return compile(module, options);
}

const textModule = (kernels: readonly Kernel[]) => {
  const [only] = kernels;
  const text = kernels.length === 1 ? only?.wgsl : kernels.map(({ name, wgsl }) => `// ${name}\n${wgsl}`).join("\n");
  return `export default ${JSON.stringify(text)};\n`;
};

/** `tsc` finds the types of `./name.tir` in `name.d.tir.ts`. */
function writeDeclarations(file: string, kernels: readonly Kernel[]): void {
  const path = join(dirname(file), `${basename(file, ".tir")}.d.tir.ts`);
  const text = emitDeclarations(kernels, basename(file));
  if (existsSync(path) && readFileSync(path, "utf8") === text) return;
  writeFileSync(path, text);
}

export const tirc: UnpluginInstance<TircPluginOptions | undefined, false> = createUnplugin((options = {}) => ({
  name: "tirc",
  enforce: "pre",
  resolveId: {
    filter: { id: imported },
    handler(id, importer) {
      const { file, isText } = partsOf(id);
      if (!isText || importer === undefined) return undefined;
      return isAbsolute(file) ? id : `${join(dirname(importer), file)}?wgsl`;
    },
  },
  load: {
    filter: { id: imported },
    handler(id) {
      const { file, isText } = partsOf(id);
      this.addWatchFile(file);
      try {
        const { kernels, remarks } = compileFile(file, options);
        const warnings = remarks.filter(({ severity }) => severity === "warning");
        if (warnings.length > 0) this.warn(messageOf(warnings, file));
        if (isText) return { code: textModule(kernels), map: null };
        if (options.declarations !== false) writeDeclarations(file, kernels);
        return { code: emitModule(kernels, { language: "js", source: basename(file) }), map: null };
      } catch (caught) {
        if (!(caught instanceof TircError)) throw caught;
        // Throws in Rollup and Vite; the others note it and go on.
        this.error({ ...messageOf(caught.diagnostics, file), plugin: "tirc" });
        return { code: "export default undefined;\n", map: null };
      }
    },
  },
}));
