/**
 * Builds the site in site/: the documents as pages, the playground, and the API reference. The pages open from the
 * folder; the playground consists of modules, which browsers load only from a server (`npx vite preview`).
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, runnerImport } from "vite";
import { buildGrammar } from "./build-grammar.mjs";
import { buildLauncher } from "./build-launcher.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const out = join(root, "site");

buildGrammar();
buildLauncher();
// The renderer imports TypeScript sources.
const { module } = await runnerImport(join(root, "scripts/site/render.mjs"));
const files = module.renderSite(root, [
  ["Playground", "playground/index.html"],
  ["Reference of the library", "api/index.html"],
]);
rmSync(out, { recursive: true, force: true });
for (const [path, content] of files) {
  mkdirSync(dirname(join(out, path)), { recursive: true });
  writeFileSync(join(out, path), content);
}
await build({
  configFile: join(root, "playground/vite.config.ts"),
  logLevel: "error",
  build: { outDir: join(out, "playground") },
});
const tool = join(root, "tools/api-reference");
const options = ["--options", join(tool, "typedoc.json"), "--logLevel", "Warn", "--out", join(out, "api")];
const typedoc = spawnSync(process.execPath, [join(tool, "node_modules/typedoc/bin/typedoc"), ...options], {
  cwd: root,
  stdio: "inherit",
});
if (typedoc.status !== 0) process.exit(typedoc.status ?? 1);
console.log(`site: ${files.size} files of pages, the playground and the API reference in ${out}`);
