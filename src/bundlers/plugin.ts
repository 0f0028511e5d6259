/**
 * Compiles imported `.tir` files at build time, each to the module of src/emit/module.ts.
 *
 *   import { bertOutput } from "./bert-output.tir";
 *   import wgsl from "./bert-output.tir?wgsl";
 *
 * Writes a declaration file next to each imported program (`bert-output.d.tir.ts`), for `tsc` with
 * `allowArbitraryExtensions`.
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, isAbsolute, join, relative } from "node:path";
import { createUnplugin, type UnpluginInstance } from "unplugin";
import { minifyKernel } from "../../codegen/minify.ts";
import { leastDemanding } from "../../codegen/variants.ts";
import { type Diagnostic, TircError } from "../diagnostics/diagnostic.ts";
import { renderPretty } from "../diagnostics/pretty.ts";
import { lineColumn } from "../diagnostics/source.ts";
import type { ProductOption } from "../driver/compile.ts";
import { type EmittedFunction, emitModule, emittedFunctions } from "../emit/module.ts";
import type { Kernel } from "../target/manifest.ts";
import type { KernelOptions } from "../target/options.ts";
import { moduleTargets, type TargetProfile } from "../target/target.ts";
import { compileFile, declarationOf } from "./compile-file.ts";

/** Options of the plugin, the same for every bundler. */
export interface TircPluginOptions extends KernelOptions {
  /**
   * What to compile for: the name of a built-in target, a profile, or a list of them, from which the module chooses by
   * the device. `all` by default: the targets that a module needs to run well anywhere (docs/targets.md).
   */
  readonly target?: string | TargetProfile | readonly (string | TargetProfile)[];
  /** Whether to minify the WGSL and shorten error messages. By default, if the bundler minifies. */
  readonly minify?: boolean;
  /** The pass pipeline, as text: `default` by default. */
  readonly passes?: string;
  /** Extents of named dimensions, made constants in every function that has a dimension of that name. */
  readonly dims?: Readonly<Record<string, number>>;
  /**
   * What computes matrix products and convolutions: the caller of the function (`opaque`, the default), or kernels that
   * are correct but not tuned (`plain`).
   */
  readonly products?: ProductOption;
  /** Whether to write `name.d.tir.ts` beside `name.tir`. On by default. */
  readonly declarations?: boolean;
}

/** An absolute path, so that all kernels of a bundle share one launcher. */
const launcher = createRequire(import.meta.url).resolve("tirc/launch");

const imported = /\.tir(\?wgsl)?$/;

/** The id without its query, and whether `?wgsl` asks for the text of the kernel. */
function partsOf(id: string): { file: string; isText: boolean } {
  const file = id.replace(/\?wgsl$/, "");
  return { file, isText: file !== id };
}

/** A message with its location, as bundlers show it. */
interface BuildMessage {
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

/** @throws TircError if the program has errors. */
function compileAt(path: string, { declarations: _, minify: __, target = "all", ...options }: TircPluginOptions) {
  const name = relative(process.cwd(), path);
  const targets = target === "all" ? moduleTargets : [target].flat();
  const text = readFileSync(path, "utf8");
  return compileFile(text, isAbsolute(name) || name.startsWith("..") ? path : name, { ...options, targets });
}

/** Exports the WGSL of the least demanding target, which runs on the most devices. */
const textModule = (kernels: readonly (readonly Kernel[])[]) => {
  const last = kernels.map(leastDemanding);
  const text = last.length === 1 ? last[0]?.wgsl : last.map(({ name, wgsl }) => `// ${name}\n${wgsl}`).join("\n");
  return `export default ${JSON.stringify(text)};\n`;
};

function writeDeclarations(file: string, functions: readonly EmittedFunction[]): void {
  const { path, text } = declarationOf(file, functions);
  if (existsSync(path) && readFileSync(path, "utf8") === text) return;
  writeFileSync(path, text);
}

/** Whether the bundler minifies its output; some bundlers know this only after all plugins are loaded. */
interface Build {
  minifies(): boolean;
}

export const tirc: UnpluginInstance<TircPluginOptions | undefined, false> = createUnplugin((options = {}) => {
  // Rollup has no minify option.
  const build: Build = { minifies: () => process.env.NODE_ENV === "production" };
  const ofWebpack = (compiler: {
    readonly options: { readonly optimization: { readonly minimize?: boolean | undefined } };
  }) => {
    build.minifies = () => compiler.options.optimization.minimize === true;
  };
  return {
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
          const { plans, kernels, remarks } = compileAt(file, options);
          const warnings = remarks.filter(({ severity }) => severity === "warning");
          if (warnings.length > 0) this.warn(messageOf(warnings, file));
          const isShort = options.minify ?? build.minifies();
          const shipped = isShort ? kernels.map((forms) => forms.map(minifyKernel)) : kernels;
          if (isText) return { code: textModule(shipped), map: null };
          if (options.declarations !== false) writeDeclarations(file, emittedFunctions(plans, kernels));
          const how = { language: "js", source: basename(file), launcher, explains: !isShort } as const;
          return { code: emitModule(emittedFunctions(plans, shipped), how), map: null };
        } catch (caught) {
          if (!(caught instanceof TircError)) throw caught;
          // Throws in Rollup and Vite; the other bundlers record the error and continue.
          this.error({ ...messageOf(caught.diagnostics, file), plugin: "tirc" });
          return { code: "export default undefined;\n", map: null };
        }
      },
    },
    esbuild: {
      config({ minify, minifyWhitespace }) {
        build.minifies = () => minify === true || minifyWhitespace === true;
      },
    },
    webpack: ofWebpack,
    rspack: ofWebpack,
    vite: {
      configResolved({ command, build: { minify } }) {
        build.minifies = () => command === "build" && minify !== false;
      },
      // Vite does not apply a build's plugins to workers.
      config: ({ worker }) => ({
        worker: { plugins: () => [...(worker?.plugins?.() ?? []), tirc.vite(options)] },
      }),
    },
  };
});
