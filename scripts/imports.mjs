/** Which files import which, read from their text, and in which rooms they lie. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { layers } from "./rooms.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const folders = ["grammar", "src", "passes", "codegen", "playground"];
const importPattern =
  /^\s*(?:import|export)\b(?<type>\s+type\b)?[^"';]*?from\s*"(?<from>[^"]+)"|^\s*import\s*"(?<bare>[^"]+)"|\bimport\(\s*"(?<dynamic>[^"]+)"\s*\)/gm;

function filesUnder(folder) {
  return readdirSync(join(root, folder))
    .flatMap((name) => {
      const path = join(folder, name);
      if (statSync(join(root, path)).isDirectory()) return filesUnder(path);
      return path.endsWith(".ts") && !path.endsWith(".d.ts") ? [path] : [];
    })
    .sort();
}

/** All source files, by their paths in the repository. */
export const sourceFiles = () => folders.flatMap(filesUnder);

/**
 * What a file imports. `target` is a path in the repository, or undefined where a module of Node or of a package is
 * imported; `erased` says that it is an `import type`.
 */
export function importsOf(file) {
  const text = readFileSync(join(root, file), "utf8").replace(/\/\*[\s\S]*?\*\//g, "");
  return [...text.matchAll(importPattern)].map(({ groups }) => {
    const specifier = groups.from ?? groups.bare ?? groups.dynamic;
    const target = specifier.startsWith(".") ? normalize(join(dirname(file), specifier)) : undefined;
    return { specifier, target, erased: groups.type !== undefined };
  });
}

const places = layers.flatMap(({ rooms }, layer) =>
  rooms.flatMap((room) => room.paths.map((path) => ({ path, room, layer }))),
);

/** The room of a file and the number of its layer, or undefined where no room has it. */
export function placeOf(file) {
  const fits = places.filter(({ path }) => file.startsWith(path));
  return fits.reduce((longest, one) => (longest && longest.path.length >= one.path.length ? longest : one), undefined);
}

/** The rooms that each room imports from, by name; `import type` counts. */
export function roomImports() {
  const found = new Map(layers.flatMap(({ rooms }) => rooms.map(({ name }) => [name, new Set()])));
  for (const file of sourceFiles()) {
    const from = placeOf(file)?.room.name;
    for (const { target } of importsOf(file)) {
      const to = target && placeOf(target)?.room.name;
      if (from && to && from !== to) found.get(from).add(to);
    }
  }
  return found;
}
