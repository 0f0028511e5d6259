/** The modules that `tirc` loads at its start: loading them is most of the time of a short command. */

import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect, test } from "vitest";

/** The file and all that it imports when it starts, without what `import()` brings later. */
function importedBy(file: string, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const text = readFileSync(file, "utf8");
  for (const [, path] of text.matchAll(/^(?:import|export) (?!type\b)[^;"]*?from "(\.[^"]+)";/gm)) {
    importedBy(relative(".", join(dirname(file), path as string)), seen);
  }
  return seen;
}

test("the command line and its help read no compiler", () => {
  const read = [...importedBy("src/cli/tirc.ts")];
  expect(read).toContain("src/cli/commands.ts");
  expect(read.filter((file) => /^(?:codegen|passes|grammar)\/|^src\/(?:parse|driver|plan)\//.test(file))).toEqual([]);
});

test("a compilation to WGSL reads no models, and no modules of other languages", () => {
  const read = [...importedBy("src/cli/compile-command.ts")];
  expect(read).toContain("codegen/generate.ts");
  expect(
    read.filter((file) => /^src\/(?:onnx|pt2|formats|checkpoint|lsp)\/|\/emit\/module|\/text-/.test(file)),
  ).toEqual([]);
  // The expression above finds such imports.
  expect([...importedBy("src/cli/emit-modules.ts")]).toEqual(
    expect.arrayContaining(["src/emit/module.ts", "src/launch/text-ts.ts"]),
  );
  expect([...importedBy("src/cli/constants.ts")]).toContain("src/onnx/model.ts");
});
