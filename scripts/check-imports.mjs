/**
 * Checks that imports point one way: a file imports from its own layer or a lower one, there are no import cycles, of
 * types or values, and every export is imported somewhere. Exits 1 and names the file and the import otherwise. The
 * layers are in components.mjs. An argument names another folder to check.
 */

import { layers } from "./components.mjs";
import { importsOf, placeOf, sourceFiles } from "./imports.mjs";
import { unusedExports } from "./unused-exports.mjs";

/** The files that may import Node's modules. */
const nodeAllowed = [
  ...[/^src\/cli\//, /^src\/bundlers\//, /^src\/testing\//, /^src\/runtime\/node(-[a-z-]+)?\.ts$/],
  // Configures the page's build; not part of the page.
  /^playground\/vite\.config\.ts$/,
];

const root = process.argv[2];
const problems = [];
const graph = new Map();

function checkImport(file, { specifier, target }) {
  if (target === undefined) {
    if (specifier.startsWith("node:") && !nodeAllowed.some((pattern) => pattern.test(file))) {
      problems.push(`${file} imports "${specifier}": only src/cli and src/runtime/node*.ts may use Node's modules`);
    }
    return;
  }
  graph.get(file).push(target);
  const [from, to] = [placeOf(file), placeOf(target)];
  if (to === undefined) problems.push(`${file} imports "${specifier}": it is in no component`);
  if (from === undefined || to === undefined) return;
  const components = `${to.component.name} and ${from.component.name}`;
  if (to.layer > from.layer)
    problems.push(
      `${file} imports "${specifier}": ${to.component.name} is in a higher layer than ${from.component.name}`,
    );
  else if (to.layer === from.layer && to.component !== from.component && layers[to.layer].apart)
    problems.push(`${file} imports "${specifier}": ${components} may not import each other`);
}

/** Depth-first search: reaching a file that is still on the stack closes a cycle. */
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

for (const file of sourceFiles(root)) {
  graph.set(file, []);
  if (placeOf(file) === undefined) problems.push(`${file} is in no component`);
  for (const imported of importsOf(file, root)) checkImport(file, imported);
}
findCycles();
problems.push(...unusedExports(root));

for (const problem of problems) console.error(problem);
if (problems.length > 0) {
  console.error(`imports: ${problems.length} wrong in ${graph.size} files`);
  process.exit(1);
}
console.log(`imports: ${graph.size} files, every import points down, no cycle, no export unused`);
