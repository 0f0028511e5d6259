/**
 * The size of the compiler in a page: everything that `tirc` exports, including ohm-js, bundled and minified. Exits 1
 * above the limits, which were set 3 % above the measured size.
 */

import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/** In bytes. */
const limits = { minified: 731_000, gzip: 254_000 };

const root = fileURLToPath(new URL("..", import.meta.url));
const { outputFiles } = await build({
  ...{ absWorkingDir: root, entryPoints: ["src/index.ts"], write: false, legalComments: "none" },
  ...{ bundle: true, minify: true, format: "esm", platform: "browser", target: "es2022" },
});
const code = outputFiles[0].contents;
const sizes = { minified: code.length, gzip: gzipSync(code, { level: 9 }).length };
for (const [name, size] of Object.entries(sizes)) {
  console.log(
    `${name.padEnd(9)} ${(size / 1000).toFixed(1).padStart(7)} kB, at most ${(limits[name] / 1000).toFixed(1)} kB`,
  );
  if (size > limits[name]) process.exitCode = 1;
}
