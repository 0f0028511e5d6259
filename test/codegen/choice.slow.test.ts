/**
 * Any choice gives the interpreter's results: lanes, workgroups, rows per lane, vector widths and cached elements, in
 * any combination.
 */

import { expect } from "vitest";
import { scheduleOf } from "../../codegen/generate.ts";
import { compile } from "../../src/driver/compile.ts";
import type { Fn } from "../../src/ir/ir.ts";
import { parse } from "../../src/parse/parse.ts";
import type { Choice } from "../../src/target/choice.ts";
import { compileText, targetsFor } from "../support/compile.ts";
import { isDeep } from "../support/deep.ts";
import { gpuTest } from "../support/gpu.ts";
import { compareKernel, inputsFor, random } from "../support/oracle.ts";

const programs = {
  layernorm:
    "fn f(x: f32[rows, 40], g: f32[40], b: f32[40]) -> f32[rows, 40] { return layernorm(x, g, b, axes = [-1]) }",
  "odd rows": "fn f(x: f32[rows, 37]) -> f32[rows, 37] { return rmsnorm(x, axes = [-1]) }",
  "two reductions and results": `fn f(x: f32[rows, 40]) -> (p: f32[rows, 40], m: f32[rows]) {
    let p = softmax(layernorm(x, axes = [-1]), axes = [-1])
    return p, max(p, axes = [-1])
  }`,
  "no reduction": "fn f(x: f32[rows, 40], y: f32[40]) -> f32[rows, 40] { return tanh(x) * y }",
  "two axes": "fn f(x: f32[rows, 6, 8], g: f32[6, 8]) -> f32[rows, 6, 8] { return layernorm(x, g, axes = [-2, -1]) }",
  "long rows": "fn f(x: f32[rows, 2052]) -> f32[rows, 2052] { return layernorm(x, axes = [-1]) }",
};

gpuTest.for(Object.entries(programs))("%s", async ([, text], { gpu }) => {
  const next = random(7);
  const pick = <T>(list: readonly T[]) => list[Math.floor(next() * list.length)] as T;
  const taken = new Set<string>();
  for (const target of targetsFor(gpu.target)) {
    const after = compile(parse(text), { target }).module.fns[0] as Fn;
    const { space, length = 0 } = scheduleOf(after, target);
    for (let i = 0; i < (isDeep ? 5 : 1); i++) {
      const choice: Choice = {
        lanes: pick(space.lanes),
        workgroup: pick(space.workgroup),
        rowsPerLane: pick(space.rowsPerLane),
        width: pick(space.width),
        keep: pick(space.keep),
      };
      const { fn, kernel } = compileText(text, { ...target, schedules: [{ fn: "f", columns: length, choice }] });
      taken.add(kernel.wgsl);
      const { errors } = await compareKernel(gpu.device, kernel, fn, inputsFor(fn, { rows: 9 }));
      for (const [name, error] of Object.entries(errors)) {
        expect(error, `${name}, ${target.name}, ${JSON.stringify(choice)}`).toBeLessThanOrEqual(2e-6);
      }
    }
  }
  expect(taken.size).toBeGreaterThanOrEqual(isDeep ? 6 : 2);
});
