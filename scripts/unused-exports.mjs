/** Finds exports that no other file imports. The package's own exports count as imported. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAst } from "rolldown/parseAst";
import { codeOf, filesUnder, home, importsOf, sourceFiles } from "./imports.mjs";

/** The source files of the package's entry points. */
function entryPoints(root) {
  const path = join(root, "package.json");
  const { exports = {} } = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : {};
  return Object.values(exports).flatMap((one) => one.default?.replace(/^\.\/dist\/(.*)\.js$/, "$1.ts") ?? []);
}

/** The names that a file exports. Parsed, because emitters contain modules as string literals. */
function exportsOf(file, root) {
  const { body } = parseAst(readFileSync(join(root, file), "utf8"), { lang: "ts" });
  return body.flatMap((statement) => {
    if (statement.type !== "ExportNamedDeclaration") return [];
    const { declaration, specifiers } = statement;
    const declared = declaration?.declarations ?? (declaration ? [declaration] : []);
    return [...declared.map(({ id }) => id.name), ...specifiers.map(({ exported }) => exported.name ?? exported.value)];
  });
}

/** Whether a file uses a namespace import as a value, as `a` in `[a, b]`, and not only for its members (`a.name`). */
function isValue(file, specifier, root) {
  const text = codeOf(file, root);
  const name = text.match(new RegExp(`import \\* as (\\w+) from "${specifier}"`))?.[1];
  return name !== undefined && new RegExp(`(?<!as |typeof )\\b${name}\\b(?!\\s*\\.|")`).test(text);
}

/**
 * The unused exports of sources and of shared test code, as `FILE exports NAME, which nothing imports`. For a namespace
 * import, the exports used are those that the importer names anywhere, or all if it uses the namespace as a value.
 * Scripts import sources by their paths in dist/, so every word in them counts.
 */
export function unusedExports(root = home) {
  const sources = sourceFiles(root);
  const shared = filesUnder("test/support", root);
  const whole = new Set(entryPoints(root));
  const used = new Map([...sources, ...shared].map((file) => [file, new Set()]));
  const wordsOf = (file) => codeOf(file, root).match(/\w+/g) ?? [];
  for (const file of [...sources, ...["test", "examples"].flatMap((folder) => filesUnder(folder, root))]) {
    for (const { specifier, target, names } of importsOf(file, root)) {
      if (names === undefined && (whole.has(file) || isValue(file, specifier, root))) whole.add(target);
      for (const name of names ?? wordsOf(file)) used.get(target)?.add(name);
    }
  }
  const scripts = ["bench", "examples", "scripts", "test", "tools"].flatMap((folder) =>
    filesUnder(folder, root, /\.mjs$/),
  );
  const words = new Set(scripts.flatMap(wordsOf));
  return [...used].flatMap(([file, names]) => {
    if (whole.has(file)) return [];
    const unused = exportsOf(file, root).filter((name) => !names.has(name) && !words.has(name));
    return unused.map((name) => `${file} exports ${name}, which no file imports`);
  });
}
