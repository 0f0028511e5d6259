/** All kernels of examples and of programs of many shapes are proved, for all targets and each arithmetic. */

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { proveKernel } from "../../codegen/prove.ts";
import { optimize } from "../../src/driver/compile.ts";
import { parse } from "../../src/parse/parse.ts";
import type { KernelOptions } from "../../src/target/options.ts";
import { allTargets } from "../support/compile.ts";
import { shapePrograms } from "../support/shape-programs.ts";

const examples = readdirSync("examples").filter((name) => name.endsWith(".tir"));
const programs: readonly (readonly [string, string])[] = [
  ...examples.map((name) => [`examples/${name}`, readFileSync(`examples/${name}`, "utf8")] as const),
  ...Object.entries(shapePrograms),
];
const arithmetics: readonly KernelOptions[] = [{}, { rounding: "strict" }, { accuracy: "scaled" }];

describe.each(programs)("%s", (_, text) => {
  test.each(arithmetics)("%o", (options) => {
    const { fns, consts } = optimize(parse(text)).module;
    for (const fn of fns) {
      for (const target of allTargets) {
        expect(proveKernel(fn, consts, target, options), target.name).toEqual({ verdict: "equal" });
      }
    }
  });
});
