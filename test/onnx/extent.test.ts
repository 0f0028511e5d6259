/** Symbolic extents and numbers: for all dimensions an expression evaluates to the result of plain arithmetic. */

import fc from "fast-check";
import { expect, test } from "vitest";
import {
  add,
  areEqual,
  divideExactly,
  type Extent,
  Extents,
  evaluate,
  isLess,
  isSame,
  least,
  multiply,
  subtract,
} from "../../src/onnx/extent.ts";

const names = ["b", "h", "w"] as const;

/** An expression twice: as an extent, and as a function of the dimensions. */
interface Both {
  readonly extent: (extents: Extents) => Extent;
  readonly value: (dims: readonly number[]) => number;
}

const leaf: fc.Arbitrary<Both> = fc.oneof(
  fc.integer({ min: -4, max: 8 }).map((n): Both => ({ extent: () => n, value: () => n })),
  fc.nat({ max: 2 }).map(
    (i): Both => ({
      extent: (extents) => extents.dimension(names[i] as string),
      value: (dims) => dims[i] as number,
    }),
  ),
);

const expressions: fc.Arbitrary<Both> = fc.letrec<{ tree: Both }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    fc.tuple(fc.constantFrom("add", "subtract", "multiply", "min", "max"), tie("tree"), tie("tree")).map(
      ([op, x, y]): Both => ({
        extent: (extents) => {
          const [a, b] = [x.extent(extents), y.extent(extents)];
          if (op === "min") return extents.minimum(a, b);
          if (op === "max") return extents.maximum(a, b);
          return { add, subtract, multiply }[op as "add"](a, b);
        },
        value: (dims) => {
          const [a, b] = [x.value(dims), y.value(dims)];
          if (op === "add") return a + b;
          if (op === "subtract") return a - b;
          return op === "multiply" ? a * b : Math[op as "min"](a, b);
        },
      }),
    ),
    fc.tuple(fc.constantFrom("floor", "ceil", "remainder"), tie("tree"), fc.integer({ min: 1, max: 9 })).map(
      ([op, x, n]): Both => ({
        extent: (extents) => {
          const a = x.extent(extents);
          if (op === "remainder") return extents.remainder(a, n);
          return op === "floor" ? extents.floorDivide(a, n) : extents.ceil(extents.ratio(a, n));
        },
        value: (dims) => {
          const a = x.value(dims);
          if (op === "remainder") return ((a % n) + n) % n;
          return Math[op as "floor"](a / n);
        },
      }),
    ),
  ),
})).tree;

const dims = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 3, maxLength: 3 });
const at = (extent: Extent, values: readonly number[]) =>
  evaluate(extent, (name) => values[names.indexOf(name as "b")] as number);

test("an extent is what arithmetic says, and never below its least", () => {
  fc.assert(
    fc.property(expressions, dims, ({ extent, value }, values) => {
      const symbolic = extent(new Extents());
      expect(at(symbolic, values)).toBe(value(values) + 0);
      expect(least(symbolic)).toBeLessThanOrEqual(value(values));
    }),
    { numRuns: 500 },
  );
});

test("what is said of two extents holds, and quotients are exact", () => {
  fc.assert(
    fc.property(expressions, expressions, dims, (x, y, values) => {
      const extents = new Extents();
      const [a, b] = [x.extent(extents), y.extent(extents)];
      const [m, n] = [at(a, values), at(b, values)];
      const equal = areEqual(a, b);
      if (equal !== undefined) expect(m === n).toBe(equal);
      const less = isLess(a, b);
      if (less !== undefined) expect(m < n).toBe(less);
      const quotient = divideExactly(a, b);
      if (quotient !== undefined) expect(at(quotient, values) * n + 0).toBe(m);
      if (!isSame(b, 0)) expect(divideExactly(multiply(a, b), b)).toEqual(a);
    }),
    { numRuns: 500 },
  );
});

test("equal arithmetic has one form", () => {
  const extents = new Extents();
  const [b, h] = [extents.dimension("b"), extents.dimension("h")];
  const half = extents.floorDivide(h, 2);
  expect(isSame(extents.floorDivide(half, 2), extents.floorDivide(h, 4))).toBe(true);
  expect(isSame(extents.floorDivide(add(h, 4), 2), add(half, 2))).toBe(true);
  expect(isSame(extents.ceil(extents.ratio(h, 2)), extents.floorDivide(add(h, 1), 2))).toBe(true);
  expect(isSame(extents.broadcast([b, 1, h]), extents.broadcast([h, b, b]))).toBe(true);
  expect(extents.broadcast([b, 7])).toBe(7);
  expect(extents.remainder(multiply(h, 6), 3)).toBe(0);
  expect(areEqual(b, -1)).toBe(false);
  expect(areEqual(b, h)).toBe(undefined);
});
