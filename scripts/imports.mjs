/** Which files import which, read from their text, and the component of each file. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { layers } from "./components.mjs";

/** The repository's folder. */
export const home = fileURLToPath(new URL("..", import.meta.url));
const folders = ["grammar", "src", "passes", "codegen", "playground"];
/** For `import { a, type B as C } from "x"` the names are `a, type B as C`. */
const importPattern =
  /^\s*(?:import|export)\b(?:\s+type\b)?(?:\s*\{(?<names>[^}"']*)\})?[^"';]*?from\s*"(?<from>[^"]+)"|^\s*import\s*"(?<bare>[^"]+)"|\bimport\(\s*"(?<dynamic>[^"]+)"\s*\)/gm;

/** The files in a folder and its subfolders whose names match `ending`, by default TypeScript sources. */
export function filesUnder(folder, root = home, ending = /(?<!\.d)\.ts$/) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder))
    .flatMap((name) => {
      const path = join(folder, name);
      if (name === "fixtures" || name === "node_modules") return [];
      if (statSync(join(root, path)).isDirectory()) return filesUnder(path, root, ending);
      return ending.test(path) ? [path] : [];
    })
    .sort();
}

/** The paths of all source files in the repository. */
export const sourceFiles = (root = home) => folders.flatMap((folder) => filesUnder(folder, root));

/** The text of a file without comments. */
export const codeOf = (file, root = home) =>
  readFileSync(join(root, file), "utf8").replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");

/**
 * The imports of a file, types and values. `target` is a path in the repository, or undefined for a module of Node or
 * of a package; `names` are the imported names as the file has them, or undefined if the module is imported as a whole.
 */
export function importsOf(file, root = home) {
  return [...codeOf(file, root).matchAll(importPattern)].map(({ groups }) => {
    const specifier = groups.from ?? groups.bare ?? groups.dynamic;
    const target = specifier.startsWith(".") ? normalize(join(dirname(file), specifier)) : undefined;
    const names = groups.names?.match(/[^,\s][^,]*/g)?.map((name) => /^(?:type\s+)?(\w+)/.exec(name)[1]);
    return { specifier, target, names };
  });
}
const places = layers.flatMap(({ components }, layer) =>
  components.flatMap((component) => component.paths.map((path) => ({ path, component, layer }))),
);

/** The component of a file and the index of its layer; undefined if no component contains it. */
export function placeOf(file) {
  const fits = places.filter(({ path }) => file.startsWith(path));
  return fits.reduce((longest, one) => (longest && longest.path.length >= one.path.length ? longest : one), undefined);
}

/** The components that each component imports from, by name; `import type` counts. */
export function componentImports() {
  const found = new Map(layers.flatMap(({ components }) => components.map(({ name }) => [name, new Set()])));
  for (const file of sourceFiles()) {
    const from = placeOf(file)?.component.name;
    for (const { target } of importsOf(file)) {
      const to = target && placeOf(target)?.component.name;
      if (from && to && from !== to) found.get(from).add(to);
    }
  }
  return found;
}
