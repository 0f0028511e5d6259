/** Writes the generated pages of docs/ from the built package: `npm run build && npm run docs`. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import * as words from "../dist/grammar/words.js";
import { builtinPasses, defaultPipeline } from "../dist/passes/index.js";
import { deviceFamilies } from "../dist/src/cli/device-families.js";
import { catalog, families } from "../dist/src/diagnostics/catalog.js";
import * as tirc from "../dist/src/index.js";
import { signatureOf } from "../dist/src/ir/infer.js";
import { callableNames, ops } from "../dist/src/ir/ops/index.js";
import { elementTypes } from "../dist/src/ir/types.js";
import { targetNotes } from "../dist/src/target/target.js";
import { architecturePage, architecturePicture } from "./architecture.mjs";
import * as components from "./components.mjs";
import { componentImports } from "./imports.mjs";
import { diagnosticsPages, languagePage, passesPage, targetsPage, walkthrough, withExamples } from "./reference.mjs";
import { textmateGrammar } from "./textmate.mjs";

const root = new URL("../", import.meta.url);
const read = (path) => readFileSync(new URL(path, root), "utf8");
const docs = new URL("../docs/", import.meta.url);
const intro = read("docs/language.intro.md");
writeFileSync(new URL("language.md", docs), languagePage(intro, ops, signatureOf));
writeFileSync(new URL("passes.md", docs), passesPage(builtinPasses, defaultPipeline));
const profile = catalog.get("E0592").fix;
writeFileSync(
  new URL("targets.md", docs),
  targetsPage(read("docs/targets.intro.md"), tirc.builtinTargets, targetNotes, deviceFamilies, profile),
);
const ofDiagnostics = new URL("diagnostics/", docs);
rmSync(ofDiagnostics, { recursive: true, force: true });
mkdirSync(ofDiagnostics);
for (const [name, text] of diagnosticsPages(families)) writeFileSync(new URL(name, ofDiagnostics), text);
writeFileSync(
  new URL("architecture.md", docs),
  architecturePage(read("docs/architecture.md"), components.layers, componentImports()),
);
writeFileSync(new URL("architecture.svg", docs), architecturePicture(components));

writeFileSync(new URL("editors/vscode/tir.tmLanguage.json", root), textmateGrammar(callableNames, elementTypes, words));

for (const page of ["README.md", ...readdirSync(docs).map((name) => `docs/${name}`)]) {
  if (page.endsWith(".md") && read(page).includes("<!-- example "))
    writeFileSync(new URL(page, root), withExamples(read(page), read));
}
const walk = walkthrough(read("docs/walkthrough.md"), read, { ...tirc, defaultPipeline });
writeFileSync(new URL("walkthrough.md", docs), walk);
