/** `tirc tune`, from a program to a profile that the other commands take. */

import { expect, test } from "vitest";
import { tune } from "../../src/bench/tune.ts";
import { compile } from "../../src/driver/compile.ts";
import type { Fn } from "../../src/ir/ir.ts";
import { parse } from "../../src/parse/parse.ts";
import type { HostTensor } from "../../src/runtime/host-tensor.ts";
import type { TargetProfile } from "../../src/target/target.ts";
import { Workplace } from "../support/cli.ts";
import { isDeep } from "../support/deep.ts";
import { deviceTest, gpuTest } from "../support/gpu.ts";
import { spyOn } from "../support/spy-device.ts";

const program = `fn norm(x: f32[rows, 64], g: f32[64]) -> f32[rows, 64] {
  return rmsnorm(x, g, axes = [-1])
}

fn act(x: f32[rows, 64], y: f32[rows, 64]) -> f32[rows, 64] {
  return tanh(x) * y
}
`;

deviceTest("measures each function, and what it writes is a target", async () => {
  const place = new Workplace({ "f.tir": program });
  const { code, stderr } = await place.run(["tune", "f.tir", "--dim", "rows=16", "--rounds", "1", "-o", "mine.json"]);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(stderr).toMatch(/^norm, rows of 64: \d+ kernels timed; /m);
  expect(stderr).toMatch(/^act: \d+ kernels timed; /m);
  const tuned: TargetProfile = JSON.parse(place.read("mine.json"));
  expect(tuned.schedules?.map(({ fn, columns }) => [fn, columns])).toEqual([
    ["norm", 64],
    ["act", 1],
  ]);
  for (const fn of ["norm", "act"]) {
    const ran = await place.run(["run", "f.tir", "--fn", fn, "--target", "mine.json", "--compare", "--dim", "rows=16"]);
    expect(ran, fn).toMatchObject({ code: 0 });
  }

  // Another row length is added beside the measured one; in deep runs it is measured again, and replaced.
  place.write("g.tir", program.replaceAll("64", "16"));
  const more = ["tune", "--rounds", "1", "--dim", "rows=8", "--target", "mine.json", "-o", "mine.json"];
  await place.run([...more, "g.tir", "--fn", "norm"]);
  if (isDeep) await place.run([...more, "f.tir", "--fn", "act"]);
  const both: TargetProfile = JSON.parse(place.read("mine.json"));
  expect(both.schedules?.map(({ fn, columns }) => `${fn} ${columns}`).sort()).toEqual(["act 1", "norm 16", "norm 64"]);
});

deviceTest("measures the kernels of a plan, those over tiles of rows too", async () => {
  const place = new Workplace({
    "b.tir": `fn b(x: f32[rows, 4], y: f32[rows, 4]) -> (z: f32[rows, 4], s: f32[4]) {
  return y - x * mean(y * x, axes = [-1], keepdims = true), sum(y * x, axes = [0])
}
`,
  });
  const dims = ["--dim", "rows=37"];
  const { code, stderr } = await place.run(["tune", "b.tir", ...dims, "--rounds", "1", "-o", "mine.json"]);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(stderr).toMatch(/^b_1, rows of 4: \d+ kernels timed; /m);
  const tuned: TargetProfile = JSON.parse(place.read("mine.json"));
  expect(tuned.schedules?.map(({ fn, columns }) => [fn, columns])).toEqual([["b_1", 4]]);
  const explained = await place.run(["compile", "b.tir", ...dims, "--target", "mine.json", "--explain-schedule"]);
  expect(explained.stdout).toMatch(/^b_1, .*: measured, by the profile$/m);
  expect(await place.run(["run", "b.tir", ...dims, "--target", "mine.json", "--compare"])).toMatchObject({ code: 0 });
});

deviceTest("E0627: a profile of another device, whose subgroups are wider", async () => {
  const place = new Workplace({ "f.tir": program });
  const { code, stderr } = await place.run(["tune", "f.tir", "--fn", "norm", "--target", "gpu-subgroup-64"]);
  expect(code).toBe(1);
  expect(stderr).toContain("E0627");
  expect(stderr).toContain("subgroups of at least 16 lanes, but this device may use subgroups of");
});

gpuTest("E0617: a device that gives wrong numbers", async ({ gpu }) => {
  const createShaderModule = ({ code }: GPUShaderModuleDescriptor) =>
    gpu.device.createShaderModule({ code: code.replaceAll("* 2.0", "* 3.0") });
  const { device } = spyOn(gpu.device, { createShaderModule });
  const fn = compile(parse("fn f(x: f32[64]) -> f32[64] { return x * 2 }")).module.fns[0] as Fn;
  const x: HostTensor = { element: "f32", shape: [64], data: new Float32Array(64).fill(1) };
  await expect(tune(device, fn, { target: gpu.target, inputs: { x }, rounds: 1 })).rejects.toMatchObject({
    diagnostics: [{ code: "E0617" }],
  });
});

test("E0705: rounds that are none", async () => {
  const { code, stderr } = await new Workplace({ "f.tir": program }).run(["tune", "f.tir", "--rounds", "0"]);
  expect(code).toBe(2);
  expect(stderr).toContain("a whole number from 1 to 1000");
});
