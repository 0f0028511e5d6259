/** Patterns as a pass of one's own uses them. */

import { describe, expect, test } from "vitest";
import { builtins } from "../../passes/index.ts";
import { definePass, type Fn, interpret, parse, patterns, printFn } from "../../src/index.ts";
import { PassManager } from "../../src/pass-manager/pass-manager.ts";

const { any, call, plus, times, matchOf, rewritePatterns } = patterns;
const fnOf = (body: string) => parse(`fn f(x: f32[n, 4]) -> (y: f32[n, 4]) {\n  return ${body}\n}`).fns[0] as Fn;
const resultOf = (body: string) => (fnOf(body).results[0] as Fn["results"][0]).value;
const square = times(1, [any("x"), 2]);

describe("`matchOf`", () => {
  test.each(["x * x", "pow(x, 2)", "x / (1 / x)"])("%s is a square", (body) => {
    expect(matchOf(square, resultOf(body))?.x?.shape).toEqual(["n", 4]);
  });

  test.each(["x * (x + 1)", "2 * x * x", "x * x * x"])("%s is none", (body) => {
    expect(matchOf(square, resultOf(body))).toBeUndefined();
  });

  // These are NaN for numbers that are not positive.
  test.each(["pow(sqrt(x), 4)", "sqrt(x) * x * sqrt(x)", "pow(pow(x, 0.5), 4)", "x * x * x / x", "pow(rsqrt(x), -4)"])(
    "%s is none, for it can be NaN",
    (body) => {
      expect(matchOf(square, resultOf(body))).toBeUndefined();
      const { fns } = parse(`fn f(x: f32[2]) -> (y: f32[2]) {\n  return ${body}\n}`);
      const results = interpret(fns[0] as Fn, { x: { element: "f32", shape: [2], data: Float64Array.of(-1, 0) } });
      expect([...(results.y?.data ?? [])].some(Number.isNaN)).toBe(true);
    },
  );

  test("a name stands for one value", () => {
    const both = plus(any("x"), call("exp", any("x")));
    expect(matchOf(both, resultOf("exp(x) + x"))).toBeDefined();
    expect(matchOf(both, resultOf("exp(x) + relu(x)"))).toBeUndefined();
  });
});

describe("`rewritePatterns`", () => {
  const silu = times(1, [any("x"), 1], [call("sigmoid", any("x")), 1]);
  const pass = definePass({
    name: "find-silu",
    summary: "",
    options: {},
    run: (fn) => rewritePatterns(fn, [[silu, ({ x }, builder) => builder.emit("silu", [x])]]),
  });
  const after = (body: string) => {
    const source = parse(`fn f(x: f32[n]) -> (y: f32[n]) {\n  return ${body}\n}`);
    const { module, changed } = new PassManager([pass, "dce"], { builtins }).run(source);
    return { text: printFn(module.fns[0] as Fn), changed };
  };

  test("puts in what the rule builds, at every place and inside out", () => {
    expect(after("sigmoid(x) * x").text).toContain("= silu(x)");
    expect(after("exp(sigmoid(x) * x) + x * sigmoid(x)").text.match(/silu\(x\)/g)).toHaveLength(2);
  });

  test("leaves what does not match, the same object", () => {
    const near = fnOf("x * sigmoid(-x)");
    expect(rewritePatterns(near, [[silu, ({ x }, builder) => builder.emit("silu", [x])]]).fn).toBe(near);
    expect(after("x * sigmoid(2 * x)").changed).toEqual([]);
  });

  test("asks the next rule where one declines", () => {
    const seen: string[] = [];
    rewritePatterns(fnOf("x * x"), [
      [square, () => void seen.push("first") as undefined],
      [square, () => void seen.push("second") as undefined],
    ]);
    expect(seen).toEqual(["first", "second"]);
  });
});
