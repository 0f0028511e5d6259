/** Exports that no other file imports. What the package exports counts as imported. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAst } from "rolldown/parseAst";
import { codeOf, filesUnder, home, importsOf, sourceFiles } from "./imports.mjs";

/** What the package exports, as sources. */
function entryPoints(root) {
  const path = join(root, "package.json");
  const { exports = {} } = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : {};
  return Object.values(exports).flatMap((one) => one.default?.replace(/^\.\/dist\/(.*)\.js$/, "$1.ts") ?? []);
}

/** The names that a file exports from its own; a text that is a module, as emitters have them, exports nothing of the file's. */
function exportsOf(file, root) {
  const { body } = parseAst(readFileSync(join(root, file), "utf8"), { lang: "ts" });
  return body.flatMap((statement) => {
    if (statement.type !== "ExportNamedDeclaration") return [];
    const { declaration, specifiers } = statement;
    const declared = declaration?.declarations ?? (declaration ? [declaration] : []);
    return [...declared.map(({ id }) => id.name), ...specifiers.map(({ exported }) => exported.name ?? exported.value)];
  });
}

/** Names of modules that are values: `import * as a` where `a` stands alone, as in `[a, b]`, and not only as in `a.name`. */
function isValue(file, specifier, root) {
  const text = codeOf(file, root);
  const name = text.match(new RegExp(`import \\* as (\\w+) from "${specifier}"`))?.[1];
  return name !== undefined && new RegExp(`(?<!as |typeof )\\b${name}\\b(?!\\s*\\.|")`).test(text);
}

/**
 * Of sources and of what tests share, as `FILE exports NAME, which nothing imports`. Of a file that is imported as a whole,
 * what is used is what its importer names anywhere, or all where the importer hands it on as a value; scripts reach sources by paths in dist/, so that all their words count.
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
