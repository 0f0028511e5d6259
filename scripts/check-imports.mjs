/**
 * Imports point one way: a file imports from its own layer or a lower one, and no chain of imports comes back to its
 * start (an `import type` is erased, so it counts for the layers alone). Exits 1 and names the file and the import
 * otherwise.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

/** Path prefixes of each layer, low to high. The longest prefix that fits a file decides its layer. */
const layers = [
  ["grammar/"],
  ["src/launch/"],
  ["src/diagnostics/", "src/duplicate-key.ts"],
  // Rows of the op table are expressions of kernels, and what these reduce by.
  ["src/ir/", "codegen/kernel/"],
  ["src/parse/", "src/pass/", "src/onnx/"],
  ["src/pt2/"],
  ["passes/"],
  ["src/pass-manager/"],
  ["src/plan/"],
  ["codegen/", "codegen/kernel/print"],
  [
    "src/plugin.ts",
    "src/compile.ts",
    "src/equivalent.ts",
    "src/check.ts",
    "src/apply-fused-rms-norm.ts",
    "src/gradient.ts",
    "src/materialize.ts",
    "src/emit-module.ts",
    "src/emit-rust.ts",
    "src/emit-typegpu.ts",
    "src/compact-manifest.ts",
    "src/render-source-map.ts",
    "src/plan-signature.ts",

    "src/norm-records.ts",
    "src/model-tensors.ts",
  ],
  ["src/language/"],
  ["src/lsp/"],
  ["src/surgery/", "src/pt2/write/", "src/extract/", "src/testing/"],
  ["src/runtime/"],
  ["src/formats/"],
  ["src/checkpoint/"],
  ["src/integrations/"],
  ["src/tune.ts", "src/bench/"],
  ["src/index.ts", "src/onnx/index.ts"],
  ["src/bundlers/"],
  ["src/cli/"],
  // The page that trains runs an example.
  ["examples/"],
  ["playground/"],
];
/** Siblings of one layer that must not import each other. */
const apart = [["src/parse/", "src/pass/", "src/onnx/"]];
/** Where Node's own modules may be imported. */
const nodeAllowed = [
  ...[/^src\/cli\//, /^src\/bundlers\//, /^src\/testing\//, /^src\/runtime\/node(-[a-z-]+)?\.ts$/],
  // It configures the page's build, and is no part of the page.
  /^playground\/vite\.config\.ts$/,
];
const roots = ["grammar", "src", "passes", "codegen", "playground"];
const importPattern =
  /^\s*(?:import|export)\b(?<type>\s+type\b)?[^"';]*?from\s*"(?<from>[^"]+)"|^\s*import\s*"(?<bare>[^"]+)"|\bimport\(\s*"(?<dynamic>[^"]+)"\s*\)/gm;

process.chdir(fileURLToPath(new URL("..", import.meta.url)));

function filesUnder(folder) {
  return readdirSync(folder)
    .flatMap((name) => {
      const path = join(folder, name);
      if (statSync(path).isDirectory()) return filesUnder(path);
      return path.endsWith(".ts") && !path.endsWith(".d.ts") ? [path] : [];
    })
    .sort();
}

function layerOf(file) {
  const fit = (prefixes) => Math.max(-1, ...prefixes.filter((one) => file.startsWith(one)).map((one) => one.length));
  const lengths = layers.map(fit);
  const longest = Math.max(...lengths);
  return longest < 0 ? -1 : lengths.indexOf(longest);
}

function importsOf(file) {
  const text = readFileSync(file, "utf8").replace(/\/\*[\s\S]*?\*\//g, "");
  return [...text.matchAll(importPattern)].map(({ groups }) => ({
    specifier: groups.from ?? groups.bare ?? groups.dynamic,
    erased: groups.type !== undefined,
  }));
}

const problems = [];
const graph = new Map();

function checkImport(file, { specifier, erased }) {
  if (!specifier.startsWith(".")) {
    if (specifier.startsWith("node:") && !nodeAllowed.some((pattern) => pattern.test(file))) {
      problems.push(`${file} imports "${specifier}": only src/cli and src/runtime/node*.ts may use Node's modules`);
    }
    return;
  }
  const target = normalize(join(dirname(file), specifier));
  if (!erased) graph.get(file).push(target);
  if (layerOf(target) < 0) problems.push(`${file} imports "${specifier}": it is in no layer`);
  else if (layerOf(target) > layerOf(file)) {
    problems.push(`${file} imports "${specifier}": ${layers[layerOf(target)][0]} lies above ${layers[layerOf(file)]}`);
  }
  for (const group of apart) {
    const from = group.find((prefix) => file.startsWith(prefix));
    const to = group.find((prefix) => target.startsWith(prefix));
    if (from && to && from !== to) problems.push(`${file} imports "${specifier}": ${from} and ${to} stay apart`);
  }
}

/** Depth-first; a file met again while it is still open closes a cycle. */
function findCycles() {
  const state = new Map();
  const path = [];
  const visit = (file) => {
    if (state.get(file) === "done" || !graph.has(file)) return;
    if (state.get(file) === "open") {
      problems.push(`cycle: ${[...path.slice(path.indexOf(file)), file].join(" -> ")}`);
      return;
    }
    state.set(file, "open");
    path.push(file);
    for (const target of graph.get(file)) visit(target);
    path.pop();
    state.set(file, "done");
  };
  for (const file of graph.keys()) visit(file);
}

for (const file of roots.flatMap(filesUnder)) {
  graph.set(file, []);
  if (layerOf(file) < 0) problems.push(`${file} is in no layer`);
  for (const imported of importsOf(file)) checkImport(file, imported);
}
findCycles();

for (const problem of problems) console.error(problem);
if (problems.length > 0) {
  console.error(`imports: ${problems.length} wrong in ${graph.size} files`);
  process.exit(1);
}
console.log(`imports: ${graph.size} files, every import points down, no cycle`);
