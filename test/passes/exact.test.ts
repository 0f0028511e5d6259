/** Programs with every op, and of norms in all spellings, are equal after every pass, in exact arithmetic. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { builtins } from "../../passes/index.ts";
import type { Module } from "../../src/ir/ir.ts";
import { callableNames, type OpName, ops } from "../../src/ir/ops/index.ts";
import { print } from "../../src/ir/print.ts";
import { verifyFn } from "../../src/ir/verify.ts";
import { parse } from "../../src/parse/parse.ts";
import { PassFailure, PassManager } from "../../src/pass-manager/pass-manager.ts";
import { anyProgram } from "../support/any-programs.ts";
import { programs } from "../support/programs.ts";

const runs = Number(process.env.TIRC_FUZZ_RUNS ?? 0);
const count = runs > 0 ? (5 * runs) / 2 : 60;
const pipeline = "raise-norms,canonicalize,layernorm-to-rmsnorm,eliminate-centering{fold=true},cse,dce,canonicalize";

/** The violation of a pass, with the program; undefined if all programs are equivalent. */
function accused(module: Module): string | undefined {
  try {
    new PassManager(pipeline, { builtins, verify: "exact" }).run(module);
    return undefined;
  } catch (caught) {
    if (caught instanceof PassFailure) return `${caught.message}\n${print(module)}`;
    throw caught;
  }
}

describe("no false alarm", () => {
  test("for programs with every op", () => {
    const made = new Set<OpName>();
    for (let seed = 0; seed < count; seed++) {
      const { module, names } = anyProgram(seed, 14);
      for (const name of names) made.add(name);
      expect(verifyFn(module.fns[0] as Module["fns"][0])).toEqual([]);
      expect(accused(module)).toBeUndefined();
    }
    expect(callableNames.filter((name) => !made.has(name) && ops[name].kind !== "composite")).toEqual([]);
  });

  test("for norms and what is around them", () => {
    const property = fc.property(programs, ({ text }) => {
      expect(accused(parse(text))).toBeUndefined();
    });
    fc.assert(property, { numRuns: count / 2, seed: 1 });
  });
});
