/** What `tirc explain` prints is in no bundle that does not ask for it. */

import { build } from "esbuild";
import { expect, test } from "vitest";
import { catalog } from "../../src/diagnostics/catalog.ts";

async function bundled(entry: string): Promise<string> {
  const { outputFiles } = await build({
    ...{ entryPoints: [entry], write: false, bundle: true, minify: true, format: "esm" },
    ...{ platform: "browser", target: "es2022", loader: { ".css": "empty" } },
  });
  return outputFiles.map(({ text }) => text).join("\n");
}

/** A part of each explanation that no bundler writes in another way. */
const parts = [...catalog].map(([code, { explanation }]) => {
  const [longest = ""] = explanation.split(/[^\w ,.]+/).toSorted((a, b) => b.length - a.length);
  return [code, longest.trim()] as const;
});

const pagesIn = (text: string) => parts.filter(([, part]) => text.includes(part)).map(([code]) => code);

test("the catalog has the page of every code", async () => {
  expect(Math.min(...parts.map(([, part]) => part.length))).toBeGreaterThan(10);
  expect(pagesIn(await bundled("src/diagnostics/catalog.ts"))).toEqual([...catalog.keys()]);
});

test.each([
  ...["src/index.ts", "src/runtime/index.ts", "src/language/index.ts", "src/lsp/server.ts", "src/onnx/index.ts"],
  ...["playground/main.ts", "playground/workers/compile-worker.ts", "playground/workers/surgery-worker.ts"],
])("%s has none", async (entry) => {
  expect(pagesIn(await bundled(entry))).toEqual([]);
});
