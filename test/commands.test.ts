/** What commands of this repository import is there: they need dist/, devices and peers, so that no test runs all of them. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const commands = ["scripts", "scripts/site", "bench", "bench/lib"].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".mjs"))
    .map((name) => join(folder, name)),
);

/** The source of a path in dist/. */
const sourceOf = (path: string) => path.replace(/^dist\/(.*)\.js$/, "$1.ts");

test.each(commands)("%s imports files that are there", (file) => {
  const text = readFileSync(file, "utf8");
  const found = [...text.matchAll(/(?:from |import\()"(\.[^"]+)"/g)].map(([, path]) =>
    join(dirname(file), path as string),
  );
  expect(found.filter((path) => !existsSync(sourceOf(path)))).toEqual([]);
});
