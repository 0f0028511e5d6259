/** `tirc compile --source-map`: where the maps are, and what they name. */

import { originalPositionFor, TraceMap } from "@jridgewell/trace-mapping";
import { describe, expect, test } from "vitest";
import { addNorm, twoFunctions, Workplace } from "../support/cli.ts";

const files = { "src/f.tir": addNorm, "src/two.tir": twoFunctions };

/** The text of the program behind the line of the WGSL that has `part`. */
function behind(
  place: Workplace,
  { wgsl, map, program }: { wgsl: string; map: string; program: string },
  part: string,
) {
  const line = wgsl.split("\n").findIndex((line) => line.includes(part)) + 1;
  const found = originalPositionFor(new TraceMap(place.read(map)), { line, column: 0 });
  return place
    .read(program)
    .split("\n")
    [(found.line as number) - 1]?.slice(found.column as number);
}

test("is a file for one function, and the rest is as without it", async () => {
  const place = new Workplace(files);
  const plain = await place.run(["compile", "src/f.tir"]);
  const ran = await place.run(["compile", "src/f.tir", "--source-map", "f.map"]);
  expect(ran).toEqual(plain);
  const parts = { wgsl: ran.stdout, map: "f.map", program: "src/f.tir" };
  expect(behind(place, parts, "let add = x + r;")).toBe("x + r, axes = [-1])");
  expect(behind(place, parts, "inverseSqrt")).toBe("rmsnorm(x + r, axes = [-1])");
});

test("names the files relative to itself", async () => {
  const place = new Workplace(files);
  await place.run(["compile", "src/f.tir", "-o", "src/k.wgsl", "--source-map", "src/k.wgsl.map"]);
  expect(JSON.parse(place.read("src/k.wgsl.map"))).toMatchObject({
    ...{ version: 3, file: "k.wgsl", sources: ["f.tir"], sourcesContent: [addNorm] },
  });
  await place.run(["compile", `${place.folder}/src/f.tir`, "-o", "k.wgsl", "--source-map", "src/k.map"]);
  expect(JSON.parse(place.read("src/k.map"))).toMatchObject({ file: "../k.wgsl", sources: ["f.tir"] });
  const { code } = await place.run(["compile", "-", "--source-map", "in.map"], { stdin: addNorm });
  const map = JSON.parse(place.read("in.map"));
  expect([code, map.file, map.sources]).toEqual([0, undefined, ["<stdin>"]]);
});

test("is a folder for several functions, or where one is named", async () => {
  const place = new Workplace(files);
  const { stderr } = await place.run(["compile", "src/two.tir", "-o", "out", "--source-map", "out"]);
  expect(stderr).toBe("");
  expect(place.files().filter((name) => name.startsWith("out/"))).toEqual([
    "out/first.wgsl",
    "out/first.wgsl.map",
    "out/second.wgsl",
    "out/second.wgsl.map",
  ]);
  expect(JSON.parse(place.read("out/second.wgsl.map"))).toMatchObject({
    ...{ file: "second.wgsl", sources: ["../src/two.tir"] },
  });
  const parts = { wgsl: place.read("out/second.wgsl"), map: "out/second.wgsl.map", program: "src/two.tir" };
  expect(behind(place, parts, "let exp_1 = ")).toBe("softmax(x, axes = [-1])");
  await place.run(["compile", "src/f.tir", "--source-map", "maps/"]);
  expect(place.files()).toContain("maps/add_norm.wgsl.map");
});

describe("is refused", () => {
  const refused = async (...argv: string[]) => {
    const place = new Workplace(files);
    const { code, stderr, stdout } = await place.run(["compile", ...argv, "--diagnostics", "short"]);
    expect([stdout, place.files()]).toEqual(["", ["src", "src/f.tir", "src/two.tir"]]);
    return [code, stderr];
  };

  test.each(["tir", "kernel", "ts"])("with --emit %s", async (kind) => {
    expect(await refused("src/f.tir", "--emit", kind, "--source-map", "f.map")).toEqual([
      2,
      expect.stringContaining(`error[E0709]: \`--source-map\` and \`--emit ${kind}\` cannot be combined`),
    ]);
  });

  test("on stdout, where the WGSL is", async () => {
    expect(await refused("src/f.tir", "--source-map", "-")).toEqual([2, expect.stringContaining("error[E0705]")]);
  });

  test("in the place of the WGSL", async () => {
    expect(await refused("src/f.tir", "-o", "k.wgsl", "--source-map", "./k.wgsl")).toEqual([
      2,
      expect.stringContaining("error[E0720]: `--source-map` would overwrite what `--output` writes"),
    ]);
  });

  test("as a file for several functions", async () => {
    expect(await refused("src/two.tir", "--source-map", "two.map")).toEqual([
      2,
      expect.stringContaining("error[E0714]"),
    ]);
  });
});
