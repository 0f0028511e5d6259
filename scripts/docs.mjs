/** Writes the generated pages of docs/ from the built package: `npm run build && npm run docs`. */
import { readFileSync, writeFileSync } from "node:fs";
import { builtinPasses, defaultPipeline } from "../dist/passes/index.js";
import { catalog } from "../dist/src/diagnostics/catalog.js";
import { signatureOf } from "../dist/src/ir/infer.js";
import { ops } from "../dist/src/ir/ops/index.js";
import { diagnosticsPage, languagePage, passesPage } from "./reference.mjs";

const docs = new URL("../docs/", import.meta.url);
const intro = readFileSync(new URL("language.intro.md", docs), "utf8");
writeFileSync(new URL("language.md", docs), languagePage(intro, ops, signatureOf));
writeFileSync(new URL("passes.md", docs), passesPage(builtinPasses, defaultPipeline));
writeFileSync(new URL("diagnostics.md", docs), diagnosticsPage(catalog));
