/** Records of norms give the outcome of each norm, however passes duplicate, merge and move norms. */

import { describe, expect, test } from "vitest";
import { builtins } from "../passes/index.ts";
import { applyFusedRmsNorm } from "../src/driver/apply-fused-rms-norm.ts";
import { normRecords } from "../src/driver/norm-records.ts";
import { rewrite, rewriteFn } from "../src/ir/builder.ts";
import type { Module, Op } from "../src/ir/ir.ts";
import { parse } from "../src/parse/parse.ts";
import { definePass } from "../src/pass/define-pass.ts";
import { PassManager } from "../src/pass-manager/pass-manager.ts";
import { sampleRowPrograms } from "./support/row-programs.ts";

/** A norm of a norm for each: two of one name and one place, of which the second is proved. */
const twice = definePass({
  name: "twice",
  summary: "Normalizes twice.",
  options: {},
  run: (fn, context) =>
    rewriteFn(fn, (op, builder) => {
      if (op.name !== "layernorm") return undefined;
      context.assume({ because: "normalized twice is another function" });
      const [x, gamma, beta] = op.operands;
      return builder.emit(
        "layernorm",
        [builder.emit("layernorm", [x], op.attributes), gamma, beta],
        op.attributes,
        op.result.name,
      );
    }),
});

/** The same norm once more, added: two of one place, both of the same rows. */
const doubled = definePass({
  name: "doubled",
  summary: "Adds each norm to itself with another eps.",
  options: {},
  run: (fn, context) =>
    rewriteFn(fn, (op, builder) => {
      if (op.name !== "layernorm") return undefined;
      context.assume({ because: "the sum is another function" });
      const other = builder.emit("layernorm", op.operands, { ...op.attributes, eps: 0.5 });
      return builder.emit("add", [builder.emit("layernorm", op.operands, op.attributes), other]);
    }),
});

const centersOf = (module: Module) => module.fns.flatMap((fn) => fn.ops.filter(({ name }) => name === "center"));
const program = parse(`fn f(x: f32[n, 8], c: f32[n, 8] @centered(-1)) -> (y: f32[n, 8], z: f32[n, 8]) {
  return layernorm(x, axes = [-1]), layernorm(c, axes = [-1])
}`);

describe("norms of one place", () => {
  test("one of which is proved", () => {
    const { norms, module } = applyFusedRmsNorm(new PassManager([twice]).run(program).module);
    expect(norms.map(({ centering }) => centering)).toEqual(["kept", "proved", "proved", "proved"]);
    expect(norms.map(({ because }) => because[0])).toEqual([
      "because `x` is a parameter, and nothing is known about its rows",
      "`layernorm(x, axes = [-1])` scales rows of mean zero (`rmsnorm`) (2:10)",
      "`c` is declared @centered(-1) (1:20)",
      "`layernorm(c, axes = [-1])` scales rows of mean zero (`rmsnorm`) (2:37)",
    ]);
    expect(norms.map(({ centers }) => centers())).toEqual([centersOf(module), [], [], []]);
  });

  test("that share one centering", () => {
    const { norms, module } = applyFusedRmsNorm(new PassManager([doubled]).run(program).module);
    expect(norms.map(({ centering }) => centering)).toEqual(["kept", "kept", "proved", "proved"]);
    const [center] = centersOf(module);
    expect(norms.map(({ centers }) => centers())).toEqual([[center], [center], [], []]);
  });
});

describe("a pass between those that rewrite norms and those that center", () => {
  /** Creates every op anew. `says` tells whether it returns the provenance. */
  const anew = (says: boolean) =>
    definePass({
      name: "anew",
      summary: "Makes every op anew.",
      options: {},
      run(fn) {
        const made = rewrite(fn, (op, builder) => builder.op(op.name, op.operands, op.attributes).results);
        return says ? made : made.fn;
      },
    });
  const outcomes = (says: boolean) => {
    const passes = ["layernorm-to-rmsnorm", anew(says), "eliminate-centering", anew(says), "cse,dce"];
    const { module, history } = new PassManager(passes, { builtins }).run(program);
    const centers = new Set<Op>(centersOf(module));
    return normRecords(history).map(({ centering, centers: own }) => [centering, own().map((op) => centers.has(op))]);
  };

  test("and says what it made of each value", () => {
    expect(outcomes(true)).toEqual([
      ["kept", [true]],
      ["proved", []],
    ]);
  });

  test("and says nothing: no record claims more than is known", () => {
    expect(outcomes(false)).toEqual([
      ["unknown", []],
      ["unknown", []],
    ]);
  });
});

describe("a pipeline that", () => {
  const outcomes = (passes: string) =>
    normRecords(new PassManager(passes, { builtins }).run(program).history).map(({ centering, because }) => [
      centering,
      because,
    ]);

  test("looks at norms twice has one record for each", () => {
    const again = "layernorm-to-rmsnorm,cse,eliminate-centering";
    expect(outcomes(`${again},${again}`)).toEqual(outcomes(again));
    expect(outcomes(`fixpoint(${again})`)).toEqual(outcomes(again));
  });

  test("looks at no centering says so", () => {
    expect(outcomes("layernorm-to-rmsnorm,cse")).toEqual(Array(2).fill(["kept", ["no pass looked at it"]]));
    expect(outcomes("layernorm-to-rmsnorm,eliminate-centering{mode=off}")).toEqual(
      Array(2).fill(["kept", ["mode=off"]]),
    );
  });

  test("keeps a centering first, and drops it later, has it dropped", () => {
    const passes = "layernorm-to-rmsnorm,eliminate-centering{mode=off},eliminate-centering";
    expect(outcomes(passes).map(([centering]) => centering)).toEqual(["kept", "proved"]);
  });

  test("is told to keep norms leaves these, and says so", () => {
    expect(outcomes("layernorm-to-rmsnorm{keep=0},eliminate-centering")).toEqual([
      ["left", ["`keep` has its number, 0"]],
      ["proved", ["`c` is declared @centered(-1) (1:20)"]],
    ]);
  });

  test("meets rows divided by their deviation has a record of them", () => {
    const text = `fn f(x: f32[n, 8], c: f32[n, 8] @centered(-1)) -> (y: f32[n, 8], z: f32[n, 8]) {
  let y = center(x, axes = [-1]) / (sqrt(var(x, axes = [-1], keepdims = true)) + 0.01)
  let z = center(c, axes = [-1]) / (sqrt(var(c, axes = [-1], keepdims = true)) + 0.02)
  return y, z
}`;
    const { norms } = applyFusedRmsNorm(parse(text));
    expect(norms.map(({ norm, name, centering, eps }) => [norm, name, centering, eps])).toEqual([
      ["standardize", "y", "kept", 0.01],
      ["standardize", "z", "proved", 0.02],
    ]);
  });

  test("writes no norm anew has no records", () => {
    expect(outcomes("cse,dce")).toEqual([]);
  });
});

const stream = `const w: f32[6, 6] = load("w.safetensors", "w")

fn f(x: f32[4, 6]) -> (a: f32[4, 6], b: f32[4, 6]) {
  let h = relu(x)
  let k = h + matmul(x, w)
  return layernorm(h, axes = [-1], eps = 0.1), layernorm(k, axes = [-1], eps = 0.1)
}
`;

test("the centerings of a module are those of its records, one for each row that is kept", () => {
  let [kept, shared, moved] = [0, 0, 0];
  // Among random programs a centering that moves is rare.
  const programs = [{ text: stream, module: parse(stream) }, ...sampleRowPrograms(60)];
  for (const { module: given, text } of programs) {
    const hasOwn = centersOf(new PassManager("raise-norms,canonicalize", { builtins }).run(given).module).length > 0;
    if (hasOwn) continue;
    for (const passes of [[], [twice], [doubled], [twice, doubled]]) {
      const started = new PassManager(["raise-norms,canonicalize,dce", ...passes], { builtins }).run(given).module;
      const { module, norms } = applyFusedRmsNorm(started);
      const own = norms.filter(({ centering }) => centering === "kept");
      const others = norms.filter(({ centering }) => centering === "moved");
      const none = norms.filter(({ centering }) => centering !== "kept" && centering !== "moved");
      expect(
        none.flatMap(({ centers }) => centers()),
        text,
      ).toEqual([]);
      for (const { centers } of own) expect(centers(), text).toHaveLength(1);
      for (const { centers } of others) expect(centers().length, text).toBeGreaterThan(0);
      const all = new Set(norms.flatMap(({ centers }) => centers()));
      expect(all, text).toEqual(new Set(centersOf(module)));
      // Nothing moved and no rows shared: then the numbers are equal.
      const rows = new Set(own.flatMap(({ centers }) => centers())).size;
      if (others.length === 0 && rows === own.length) expect(centersOf(module), text).toHaveLength(own.length);
      kept += own.length;
      shared += own.length - rows;
      moved += others.length;
    }
  }
  // The programs are of all kinds.
  expect(Math.min(kept, shared)).toBeGreaterThan(20);
  expect(moved).toBeGreaterThan(0);
});
