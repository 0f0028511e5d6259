/** What cannot be one kernel is refused with the op, its place and the reason. */

import { describe, expect, test } from "vitest";
import { TircError } from "../../src/diagnostics/diagnostic.ts";
import { lineColumn } from "../../src/diagnostics/source.ts";
import { portableTarget } from "../../src/target/target.ts";
import { compileText } from "../support/compile.ts";

/** `code line:column: message` of the one diagnostic. */
function refusal(text: string, passes?: string, target = portableTarget): string {
  try {
    compileText(text, target, { singleKernel: true, ...(passes !== undefined && { passes }) });
  } catch (caught) {
    if (!(caught instanceof TircError)) throw caught;
    expect(caught.diagnostics).toHaveLength(1);
    const [found] = caught.diagnostics;
    const at = found?.span && lineColumn(found.span.source, found.span.start);
    return `${found?.code} ${at?.line}:${at?.column}: ${found?.message}`;
  }
  return "compiled";
}

describe("reductions over different axes are named with their axes", () => {
  const softmaxes = `  let a = softmax(x, axes = [-1])
  return softmax(a, axes = [0])`;
  test.each([
    ["of other extents", "x: f32[n, 20]) -> f32[n, 20]", softmaxes, "softmax", "[-2] of [n, 20]", "[-1] of [n, 20]"],
    [
      "of equal extents",
      "x: f32[20, 20]) -> f32[20, 20]",
      softmaxes,
      "softmax",
      "[-2] of [20, 20]",
      "[-1] of [20, 20]",
    ],
    [
      "one of them more",
      "x: f32[n, c, 16]) -> (a: f32[n, c], b: f32[n])",
      "  return mean(x, axes = [-1]), mean(x, axes = [1, 2])",
      "mean",
      "[-2, -1] of [n, c, 16]",
      "[-1] of [n, c, 16]",
    ],
    [
      "of what was reduced",
      "x: f32[n, classes]) -> (a: f32[n], b: f32)",
      "  let a = -mean(x, axes = [-1])\n  return a, mean(a, axes = [0])",
      "mean",
      "[-1] of [n]",
      "[-1] of [n, classes]",
    ],
    [
      "rows of other lengths",
      "x: f32[n, 16], y: f32[n, 15]) -> (a: f32[n], b: f32[n])",
      "  return mean(x, axes = [-1]), mean(y, axes = [-1])",
      "mean",
      "[-1] of [n, 15]",
      "[-1] of [n, 16]",
    ],
    [
      "groups as a norm sees them",
      "x: f32[4, 8, 16]) -> f32[4, 8, 16]",
      "  let a = exp(softmax(x, axes = [-1]))\n  return groupnorm(a, groups = 2)",
      "groupnorm",
      "[-2, -1] of [4, 2, 4, 16]",
      "[-1] of [4, 8, 16]",
    ],
  ])("%s", (_, signature, body, name, axes, before) => {
    const first = /(softmax|mean)/.exec(body)?.[0];
    expect(refusal(`fn f(${signature} {\n${body}\n}`)).toContain(
      `\`${name}\` cannot be computed with the ops before it: it reduces axes ${axes}, but \`${first}\` before it reduces ` +
        `axes ${before}; one kernel reduces the same axes throughout`,
    );
  });

  test("called the same, with a transpose between them", () => {
    const text = `fn f(x: f32[20, 20]) -> f32[20, 20] {
  let a = transpose(softmax(x, axes = [-1]), perm = [1, 0])
  return softmax(a, axes = [-1])
}`;
    expect(refusal(text)).toContain(
      "it reduces axes [-1] of [20, 20], which are not the axes that `softmax` before it reduces, although they have " +
        "the same numbers; one kernel reduces the same axes throughout",
    );
  });
});

test("a row's statistic used along the row", () => {
  const text = `fn f(x: f32[20, 20]) -> f32[20, 20] {
  let h = exp(x)
  let m = mean(h, axes = [-1])
  return h - m
}`;
  expect(refusal(text)).toBe(
    "E0502 4:10: `f` is not one kernel: `sub` cannot be computed with the ops before it: its operands are read in " +
      "different orders: that would treat two axes of one tensor as the same",
  );
});

test("a reshape across the axes of what was computed", () => {
  const text = `fn f(x: f32[6, 4]) -> f32[4, 6] {
  let h = exp(x)
  return softmax(reshape(h, shape = [4, 6]), axes = [-1])
}`;
  expect(refusal(text)).toBe(
    "E0502 3:18: `f` is not one kernel: `reshape` cannot be computed with the ops before it: the extent 6 does not end " +
      "where an axis of the operand ends",
  );
});

test("results that have nothing to do with one another", () => {
  const text = "fn f(x: f32[n], z: f32[m]) -> (a: f32[n], b: f32[m]) { return exp(x), exp(z) }";
  expect(refusal(text)).toBe(
    "E0503 1:1: `f` is not one kernel: none of its tensors has all axes of its iteration space",
  );
});

test("ops that no kernel computes", () => {
  const text = `fn f(x: f32[n, 20], w: f32[8, 20]) -> f32[n, 4] {
  let h = gelu(linear(exp(x), w))
  return slice(h, axis = -1, start = 0, end = 4)
}`;
  const message =
    "E0505 2:16: `f` is not one kernel: it calls `linear`, and matrix products are not compiled to kernels";
  expect(refusal(text)).toBe(message);
  expect(refusal(text, "canonicalize")).toBe(message);
});

describe("rows that are moved after they are reduced", () => {
  test.each([
    ["flip", "flip(h, axis = 0)", -2],
    ["concat", "concat(x, h, axis = 0)", -2],
    ["slice", "slice(transpose(h, perm = [1, 0]), axis = 1, start = 1, end = 3)", -1],
    ["gather", "gather(h, at, axis = 0)", -2],
    ["embedding", "embedding(reshape(at, shape = [80]), h)", -2],
  ])("%s", (op, call, axis) => {
    const text = `fn f(x: f32[4, 20], at: i32[4, 20]) -> f32 {
  let h = tanh(softmax(x, axes = [-1]))
  return sum(${call}, axes = [0, 1])
}`;
    expect(refusal(text)).toContain(
      `\`${op}\` cannot be computed with the ops before it: \`${op}\` moves rows along axis ${axis} after they are reduced, ` +
        "but a kernel has the results of a row only while it iterates over that row",
    );
  });

  test("but not their columns, and not before", () => {
    const text = `fn f(x: f32[4, 20]) -> f32[4, 20] {
  return flip(softmax(flip(x, axis = 0), axes = [-1]), axis = -1)
}`;
    expect(refusal(text)).toBe("compiled");
  });
});

test("what is moved over and over, each time to two places", () => {
  const steps = Array.from({ length: 30 }, (_, i) => {
    const x = i === 0 ? "x" : `x${i - 1}`;
    return `  let x${i} = concat(slice(tanh(${x}), axis = 0, start = 3, end = 8), slice(tanh(${x}), axis = 0, start = 0, end = 3), axis = 0)`;
  });
  expect(refusal(`fn f(x: f32[8]) -> f32[8] {\n${steps.join("\n")}\n  return x29\n}`)).toContain(
    "would be too large: what it computes up to",
  );
});

test("a pipeline that fuses nothing", () => {
  const text = "fn f(x: f32[n]) -> f32[n] { return exp(x) }";
  expect(refusal(text, "canonicalize")).toBe(
    "E0501 1:36: `exp` of `f` is not in a kernel: the pipeline did not fuse the function",
  );
});

test("kernels that the program itself keeps apart", () => {
  const text = `fn f(x: f32[n]) -> f32[n] {
  kernel { let a = exp(x) }
  kernel { let b = exp(a) }
  return b
}`;
  expect(refusal(text, "canonicalize")).toBe(
    "E0502 3:20: `f` is not one kernel: `exp` cannot be computed with the ops before it: the program puts it into " +
      "another `kernel`",
  );
});

test("more buffers than the target has", () => {
  const params = Array.from({ length: 8 }, (_, i) => `p${i}: f32[n]`).join(", ");
  const text = `fn f(${params}) -> f32[n] { return p0 + p7 }`;
  expect(refusal(text)).toBe("E0504 1:1: `f` needs 9 storage buffers, but the target `portable` has 8");
  const limits = { ...portableTarget.limits, maxStorageBuffersPerShaderStage: 10 };
  expect(refusal(text, undefined, { ...portableTarget, limits })).toBe("compiled");
});

describe("many reductions in sequence", () => {
  const norms = (count: number, columns: string) => {
    const lines = Array.from({ length: count }, (_, i) => `  let v${i + 1} = layernorm(v${i}, axes = [-1]) + y`);
    const type = `f32[rows, ${columns}]`;
    return `fn f(x: ${type}, y: ${type}) -> ${type} {\n  let v0 = x\n${lines.join("\n")}\n  return v${count}\n}`;
  };

  test("the text grows with their number: what a lane keeps is not computed again", () => {
    const length = (count: number) => compileText(norms(count, "512")).kernel.wgsl.length;
    expect(length(300) / length(100)).toBeLessThan(3.2);
  });

  test("of rows too long to keep, too", () => {
    const length = (count: number) => compileText(norms(count, "100000")).kernel.wgsl.length;
    expect(length(300) / length(100)).toBeLessThan(3.2);
  });

  test("E0506: of rows whose length is a name, where each would begin anew", () => {
    expect(compileText(norms(3, "n")).kernel.wgsl).toContain("unit < dims.dim_n");
    const message = refusal(norms(500, "n"));
    expect(message).toMatch(/^E0506 1:1: the kernel of `f` would be too large: \d+ ops in 501 loops over a row/);
  });
});
