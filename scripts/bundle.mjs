/**
 * Bundles the command line into a few files, `bundle/` in a folder of compiled sources, because loading hundreds of
 * modules takes longer than most compilations. src/cli/main.ts says when it runs the bundle.
 *
 *   node scripts/bundle.mjs DIST
 */
import { copyFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const root = fileURLToPath(new URL("..", import.meta.url));
/**
 * Chunks, each with what some modules of src/cli import when they start, less the chunks before it: the command line and
 * its help without a compiler, what compiles, what runs kernels, what reads models.
 */
const chunks = [
  ["command-line", ["process", "help"]],
  ["compiler", ["compile-command"]],
  ["runtime", ["run-command"]],
  ["models", ["surgery-command"]],
];

/** @param dist the folder of the compiled sources, in which the bundle is written. */
export async function bundleCommand(dist) {
  const commands = resolve(dist, "src/cli");
  /** Adds the module and all that it imports, without what `import()` loads later. */
  const addImports = (id, context, seen) => {
    if (seen.has(id)) return;
    seen.add(id);
    for (const next of context.getModuleInfo(id)?.importedIds ?? []) addImports(next, context, seen);
  };
  const groups = chunks.map(([name, files], i) => {
    const imported = new Set();
    const chunkOf = (id, context) => {
      for (const file of files) addImports(join(commands, `${file}.js`), context, imported);
      return imported.has(id) ? name : null;
    };
    return { debugName: name, name: chunkOf, priority: chunks.length - i };
  });
  const bundle = await rolldown({
    input: join(commands, "process.js"),
    platform: "node",
    // Of packages, only ohm-js is bundled: it has dozens of files. Others are optional, and commands load them on demand.
    external: /^(?!ohm-js$|[a-z]:)[@a-z]/i,
  });
  await bundle.write({
    dir: join(dist, "bundle"),
    format: "esm",
    chunkFileNames: "[name].js",
    codeSplitting: { groups },
    // Names stay, for the messages of internal errors.
    minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
  });
  await bundle.close();
  copyFileSync(join(root, "node_modules/ohm-js/LICENSE"), join(dist, "bundle/LICENSE-ohm-js"));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundleCommand(process.argv[2]);
