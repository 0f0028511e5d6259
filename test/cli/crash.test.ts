/** What happens when tirc itself fails: one line, exit code 70, and a file that fails in the same way. */

import { beforeEach, describe, expect, test, vi } from "vitest";
import type { Fn } from "../../src/ir/ir.ts";
import { makeFn } from "../../src/ir/ir.ts";
import type { Pass } from "../../src/pass/define-pass.ts";
import { addNorm, Workplace } from "../support/cli.ts";

/** What the pass `cse` does instead of its work, and what the code generator does. */
const mistakes: { cse?: ((fn: Fn) => Fn) | undefined; codegen?: (() => never) | undefined } = {};

vi.mock("../../passes/cse.ts", async (original) => {
  const module = await original<{ cse: Pass }>();
  const { cse } = module;
  return {
    ...module,
    cse: { ...cse, run: (fn: Fn, context: never) => (mistakes.cse ?? ((same) => cse.run(same, context)))(fn) },
  };
});

vi.mock("../../codegen/generate.ts", async (original) => {
  const module = await original<typeof import("../../codegen/generate.ts")>();
  return {
    ...module,
    generateKernel: (...args: Parameters<typeof module.generateKernel>) =>
      mistakes.codegen?.() ?? module.generateKernel(...args),
  };
});

const throws = () => {
  throw new RangeError("index 7\nof 3");
};
const breaks = (fn: Fn) => makeFn({ ...fn, ops: [] });

beforeEach(() => {
  mistakes.cse = undefined;
  mistakes.codegen = undefined;
});

describe("a pass that fails", () => {
  test("is named, and what it failed on is kept with what was left of the pipeline", async () => {
    mistakes.cse = throws;
    const place = new Workplace({ "f.tir": addNorm });
    const { code, stdout, stderr } = await place.run(["compile", "f.tir", "--passes", "canonicalize,cse,O0"]);
    expect(code).toBe(70);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/^error\[E0799\]: .*the pass `cse` failed on the function `add_norm`: index 7/);
    expect(stderr).toContain("the program is in tirc-reproducer-1.tir");
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(place.files()).toEqual(["f.tir", "tirc-reproducer-1.tir"]);
    const kept = place.read("tirc-reproducer-1.tir");
    expect(kept).toMatch(/^\/\/ tirc-pipeline: cse,fuse-elementwise\n/);
    expect(kept).toContain("fn add_norm(x: f32[rows, 8]");
  });

  test("fails in the same way on the file that is kept", async () => {
    mistakes.cse = throws;
    const place = new Workplace({ "f.tir": addNorm });
    await place.run(["compile", "f.tir"]);
    const again = await place.run(["compile", "tirc-reproducer-1.tir"]);
    expect(again.code).toBe(70);
    expect(again.stderr).toContain("the pass `cse` failed on the function `add_norm`: index 7");
    expect(place.files()).toContain("tirc-reproducer-2.tir");
    mistakes.cse = undefined;
    const { code, stdout } = await place.run(["compile", "tirc-reproducer-1.tir"]);
    expect(code).toBe(0);
    expect(stdout).toContain("@compute");
  });

  test("is found by the verifier where it breaks the IR", async () => {
    mistakes.cse = breaks;
    const place = new Workplace({ "f.tir": addNorm });
    const { code, stderr } = await place.run(["run", "f.tir", "--device", "cpu"]);
    expect(code).toBe(70);
    expect(stderr).toContain("the pass `cse` broke the function `add_norm`");
    expect(place.read("tirc-reproducer-1.tir")).toMatch(
      /^\/\/ tirc-pipeline: cse,dce,nest-reductions,fuse-elementwise\n/,
    );
  });

  test("can be left out", async () => {
    mistakes.cse = throws;
    const place = new Workplace({ "f.tir": addNorm });
    expect((await place.run(["compile", "f.tir", "--disable-pass", "cse"])).code).toBe(0);
  });
});

test("a mistake of the code generator keeps the whole program", async () => {
  mistakes.codegen = throws;
  const place = new Workplace({ "f.tir": addNorm });
  const { code } = await place.run(["compile", "f.tir", "-O0", "-o", "out.wgsl"]);
  expect(code).toBe(70);
  expect(place.files()).toEqual(["f.tir", "tirc-reproducer-1.tir"]);
  const kept = place.read("tirc-reproducer-1.tir");
  expect(kept).toMatch(/^\/\/ tirc-pipeline: fuse-elementwise\n/);
  expect(kept.endsWith(addNorm)).toBe(true);
  mistakes.codegen = undefined;
  expect((await place.run(["compile", "tirc-reproducer-1.tir"])).code).toBe(0);
});

test("TIRC_DEBUG=1 shows where it happened", async () => {
  mistakes.codegen = throws;
  const place = new Workplace({ "f.tir": addNorm });
  const { stderr } = await place.run(["compile", "f.tir"], { env: { TIRC_DEBUG: "1" } });
  expect(stderr).toMatch(/^RangeError: index 7/m);
  expect(stderr).toMatch(/^\s+at /m);
});
