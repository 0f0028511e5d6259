/** `tirc targets`, and the names that `--target` takes besides built-in ones and files. */

import { expect, test } from "vitest";
import { deviceFamilies } from "../../src/cli/device-families.ts";
import { builtinTargets, targetNotes } from "../../src/target/target.ts";
import { Workplace } from "../support/cli.ts";
import { deviceTest } from "../support/gpu.ts";

const names = builtinTargets.map(({ name }) => name);
const program = "fn f(x: f16[rows, 64]) -> f16[rows, 64] { return rmsnorm(x, axes = [-1]) }\n";
const place = new Workplace({ "f.tir": program });

test("says of every target what it is for, and of no other", () => {
  expect(Object.keys(targetNotes)).toEqual(names);
  for (const { target } of deviceFamilies) expect(names).toContain(target);
});

test("a target for a family of devices asks for no more than they have", () => {
  for (const { name, subgroups, f16, target } of deviceFamilies) {
    const profile = builtinTargets.find((one) => one.name === target);
    expect(profile?.subgroup?.min ?? 0, name).toBeLessThanOrEqual(Number.parseInt(subgroups, 10));
    if (profile?.features.includes("shader-f16")) expect(f16, name).toBe("yes");
  }
});

test("lists them, and as JSON with whole profiles, which --target takes", async () => {
  const { code, stdout } = await place.run(["targets"]);
  expect(code).toBe(0);
  for (const name of names) expect(stdout).toMatch(new RegExp(`^${name} +\\S`, "m"));
  const data = JSON.parse((await place.run(["targets", "--json"])).stdout);
  expect(data.targets).toEqual(builtinTargets.map((target) => ({ ...target, for: targetNotes[target.name] })));
  expect(data.all).toContain("portable");
  expect(data).not.toHaveProperty("here");
});

deviceTest("says what runs here", async () => {
  const { stdout } = await place.run(["targets", "--json", "--detect"]);
  const { here } = JSON.parse(stdout);
  expect(here.runs).toContain("portable");
  for (const name of here.runs) {
    const target = builtinTargets.find((one) => one.name === name);
    for (const feature of target?.features ?? []) expect(here.profile.features).toContain(feature);
    expect(target?.subgroup?.min ?? 0).toBeLessThanOrEqual(here.profile.subgroup?.min ?? 0);
  }
  expect((await place.run(["targets", "--detect"])).stdout).toContain(
    `here: ${here.description}\n  runs ${here.runs[0]}`,
  );
});

deviceTest("--target auto compiles for what is here", async () => {
  const manifest = async (target: string) =>
    JSON.parse((await place.run(["compile", "f.tir", "--emit", "json", "--target", target])).stdout).manifest;
  const { here } = JSON.parse((await place.run(["targets", "--json", "--detect"])).stdout);
  place.write("here.json", JSON.stringify(here.profile));
  expect(await manifest("auto")).toEqual(await manifest("here.json"));
  const [auto, none] = await Promise.all([
    place.run(["run", "f.tir", "--target", "auto", "--dim", "rows=4", "--json"]),
    place.run(["run", "f.tir", "--dim", "rows=4", "--json"]),
  ]);
  expect(auto).toEqual(none);
});
