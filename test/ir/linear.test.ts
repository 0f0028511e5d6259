/** Products, concatenations, slices and lookups of rows, against other ways to write the same. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { makeOp } from "../../src/ir/builder.ts";
import { evaluateOp } from "../../src/ir/interpret.ts";
import type { Attributes } from "../../src/ir/ir.ts";
import type { IndexDef, LinearDef, Rows } from "../../src/ir/ops/def.ts";
import { type IndexName, type LinearName, type OpName, ops } from "../../src/ir/ops/index.ts";
import { elementCount, type Tensor } from "../../src/ir/tensor.ts";
import type { ElementType } from "../../src/ir/types.ts";
import { diagnosticsOf } from "../support/diagnostics.ts";
import { nowhere, parameter, row, tensor } from "../support/ir.ts";

function run(name: OpName, operands: readonly (Tensor | undefined)[], attributes: Attributes = {}): Tensor {
  const values = operands.map((one, i) => one && parameter(`p${i}`, one.element, ...one.shape));
  return evaluateOp(makeOp(name, values, attributes, { places: { op: nowhere } }), operands, {})[0] as Tensor;
}

const extent = fc.integer({ min: 1, max: 4 });
const someNumbers = (shape: readonly number[], element: ElementType = "f32"): fc.Arbitrary<Tensor> =>
  fc
    .array(fc.integer({ min: -9, max: 9 }), { minLength: elementCount(shape), maxLength: elementCount(shape) })
    .map((numbers) => tensor(element, shape, ...numbers));

/** The number at an index; along axes of extent 1, and axes that the tensor lacks, the index does not count. */
function at({ shape, data }: Tensor, index: readonly number[]): number {
  const own = index.slice(index.length - shape.length);
  return data[shape.reduce((offset, size, i) => offset * size + (size === 1 ? 0 : (own[i] as number)), 0)] as number;
}

/** Every index of a shape, in row-major order. */
function indices([size, ...rest]: readonly number[]): number[][] {
  if (size === undefined) return [[]];
  return Array.from({ length: size }, (_, i) => indices(rest).map((tail) => [i, ...tail])).flat();
}

const shapes = fc.tuple(fc.array(extent, { maxLength: 2 }), extent, extent, extent);

const products = fc
  .tuple(shapes, fc.array(fc.tuple(fc.boolean(), fc.boolean()), { minLength: 2, maxLength: 2 }), fc.nat(2))
  .chain(([[batch, m, k, n], ones, drop]) => {
    const of = (which: 0 | 1) => batch.map((size, i) => (ones[i]?.[which] ? 1 : size));
    return fc.tuple(someNumbers([...of(0).slice(drop), m, k]), someNumbers([...of(1), k, n]));
  });

test("matmul is the sum over k of a[.., i, k] b[.., k, j], index by index", () => {
  fc.assert(
    fc.property(products, ([a, b]) => {
      const result = run("matmul", [a, b]);
      const inner = b.shape.at(-2) as number;
      const wanted = indices(result.shape).map((index) => {
        const [batch, i, j] = [index.slice(0, -2), index.at(-2) as number, index.at(-1) as number];
        const terms = Array.from({ length: inner }, (_, k) => at(a, [...batch, i, k]) * at(b, [...batch, k, j]));
        return terms.reduce((sum, term) => sum + term, 0);
      });
      expect([...result.data].map((value) => value + 0)).toEqual(wanted.map((value) => value + 0));
    }),
  );
});

test("linear is matmul by the transpose, plus the bias", () => {
  const operands = fc
    .tuple(fc.array(extent, { maxLength: 2 }), extent, extent)
    .chain(([rows, inner, out]) =>
      fc.tuple(
        someNumbers([...rows, inner]),
        someNumbers([out, inner]),
        fc.option(someNumbers([out]), { nil: undefined }),
      ),
    );
  fc.assert(
    fc.property(operands, ([x, weight, bias]) => {
      const product = run("matmul", [x, run("transpose", [weight], { perm: [1, 0] })]);
      expect(run("linear", [x, weight, bias])).toEqual(bias === undefined ? product : run("add", [product, bias]));
    }),
  );
});

test("embedding is indexing", () => {
  const operands = fc
    .tuple(fc.array(extent, { maxLength: 2 }), extent, extent)
    .chain(([shape, count, width]) =>
      fc.tuple(
        fc.array(fc.nat(count - 1), { minLength: elementCount(shape), maxLength: elementCount(shape) }),
        fc.constant(shape),
        someNumbers([count, width]),
      ),
    );
  fc.assert(
    fc.property(operands, ([numbers, shape, table]) => {
      const ids = tensor("i32", shape, ...numbers);
      const result = run("embedding", [ids, table]);
      expect(result.shape).toEqual([...shape, table.shape[1]]);
      for (const index of indices(result.shape)) {
        expect(at(result, index)).toBe(at(table, [at(ids, index.slice(0, -1)), index.at(-1) as number]));
      }
    }),
  );
});

test("an id that the table does not have is named", () => {
  const table = tensor("f32", [3, 2], 1, 2, 3, 4, 5, 6);
  const embed = (...ids: number[]) =>
    diagnosticsOf(() => run("embedding", [tensor("i32", [ids.length], ...ids), table]));
  expect(embed(0, 2)).toEqual([]);
  expect(embed(0, 3)).toEqual([
    "E0629: the id 3 (element 1 of `ids`) is not in a table of 3 rows\nnote: ids run from 0 to 2\nhelp: change the data: a kernel clamps the number, and reads another element\nhelp: `tirc run` draws it if it is not given, where it knows the range: `--in 'NAME=uniform(0, 3)'` or `--in NAME=FILE.npy`",
  ]);
  expect(embed(-1)[0]).toContain("E0629: the id -1 (element 0 of `ids`)");
  const none = diagnosticsOf(() => run("embedding", [tensor("u32", [1], 0), tensor("f32", [0, 2])]));
  expect(none[0]).toContain("the table has no rows");
});

test("slices of a whole at its seams are its pieces", () => {
  const pieces = fc
    .tuple(
      fc.array(extent, { minLength: 1, maxLength: 3 }),
      fc.nat(2),
      fc.array(extent, { minLength: 2, maxLength: 4 }),
    )
    .chain(([shape, where, sizes]) => {
      const axis = where % shape.length;
      return fc.tuple(fc.constant(axis), fc.tuple(...sizes.map((size) => someNumbers(shape.with(axis, size)))));
    });
  fc.assert(
    fc.property(pieces, ([axis, parts]) => {
      const whole = run("concat", parts, { axis });
      let start = 0;
      for (const part of parts) {
        const end = start + (part.shape[axis] as number);
        expect(run("slice", [whole], { axis, start, end })).toEqual(part);
        start = end;
      }
      expect(whole.shape[axis]).toBe(start);
    }),
  );
});

const weight = tensor("f32", [3, 4], 1, 7, -2, 5, 3, -8, 6, 2, 9, 4, -1, 0);
const cube = tensor("f32", [2, 3, 4], ...Array.from({ length: 24 }, (_, i) => (i * i) % 11));
const ids = tensor("i32", [5], 2, 0, 0, 1, 2);

const image = tensor("f32", [2, 2, 3, 3], ...Array.from({ length: 36 }, (_, i) => (i * i * 7) % 11));
const kernels = tensor("f32", [4, 2, 2, 1], ...Array.from({ length: 16 }, (_, i) => ((i * i * 5) % 13) - 3));

/** Operands without any mean of zero. What `gather` looks up has no mean that is known, and `iota`, `linear_index` and `size` no operand. */
const samples: {
  readonly [Name in Exclude<LinearName | IndexName, "gather" | "iota" | "linear_index" | "size">]: readonly {
    of: (Tensor | undefined)[];
    with?: Attributes;
  }[];
} = {
  matmul: [
    { of: [weight, run("transpose", [weight], { perm: [1, 0] })] },
    { of: [cube, run("transpose", [weight], { perm: [1, 0] })] },
    { of: [cube, row(1, 2, 3, 5)] },
    { of: [row(1, 2, 5), weight] },
    { of: [row(1, 2, 5), cube] },
  ],
  linear: [{ of: [cube, weight] }, { of: [cube, weight, row(1, 2, 5)] }, { of: [row(1, 2, 3, 5), weight] }],
  embedding: [{ of: [ids, weight] }, { of: [tensor("i32", [2, 2], 0, 2, 1, 1), weight] }],
  concat: [0, 1, 2].map((axis) => ({ of: [cube, cube, undefined, cube], with: { axis } })),
  slice: [0, 1, 2].flatMap((axis) => [
    { of: [cube], with: { axis, start: 1, end: 2 } },
    { of: [cube], with: { axis, start: 0, end: 2, step: 2 } },
  ]),
  pad: [0, 1, 2].flatMap((axis) => [
    { of: [cube], with: { axis, before: 1, after: 2 } },
    { of: [cube], with: { axis, before: 1, value: 2 } },
    { of: [cube], with: { axis, before: 1, after: 1, mode: "reflect" } },
    { of: [cube], with: { axis, after: 2, mode: "edge" } },
  ]),
  flip: [0, 1, 2].map((axis) => ({ of: [cube], with: { axis } })),
  conv: [
    { of: [image, kernels] },
    { of: [image, kernels, row(1, 2, 5, 3)], with: { strides: [2, 1], pads: [1, 0, 0, 2], dilations: [1, 2] } },
    { of: [image, tensor("f32", [4, 1, 1, 1], 3, -1, 4, 5)], with: { group: 2 } },
  ],
  embedding_grad: [{ of: [tensor("i32", [3], 2, 0, 2), weight], with: { shape: [3, 4] } }],
  cumsum: [0, 1, 2].map((axis) => ({ of: [cube], with: { axis, exclusive: axis === 1, reverse: axis === 2 } })),
  conv_input_grad: [{ of: [kernels, run("conv", [image, kernels])], with: { shape: [2, 2, 3, 3] } }],
  conv_weight_grad: [{ of: [image, run("conv", [image, kernels])], with: { shape: [4, 2, 2, 1] } }],
};

const subsets = (rank: number) =>
  Array.from({ length: 2 ** rank - 1 }, (_, bits) =>
    Array.from({ length: rank }, (_, i) => i - rank).filter((_, i) => ((bits + 1) >> i) & 1),
  );

const largestOf = (data: Float64Array) => Math.max(...data.map(Math.abs));

/** With the mean of each row taken away, and the largest of these means. */
function centeredRows(x: Tensor, { axes, block }: Rows): { centered: Tensor; mean: number } {
  const axis = (axes[0] as number) + x.shape.length;
  const cut = block && x.shape.toSpliced(axis, 1, (x.shape[axis] as number) / block, block);
  const rows = cut ? { ...x, shape: cut } : x;
  const mean = largestOf(run("mean", [rows], { axes: [...axes] }).data);
  return { centered: { ...run("center", [rows], { axes: [...axes] }), shape: x.shape }, mean };
}

/** Rows over each choice of axes, and in blocks along each axis. */
const rowsIn = (shape: readonly number[]): Rows[] => [
  ...subsets(shape.length).map((axes) => ({ axes })),
  ...shape.flatMap((extent, i) =>
    [2, 3].flatMap((block) => (extent % block === 0 && block < extent ? [{ axes: [i - shape.length], block }] : [])),
  ),
];

test.each(Object.entries(samples))(
  "%s: each way to a mean of zero leads to one, and no claim can be left out",
  (name, all) => {
    const def = ops[name as OpName] as LinearDef | IndexDef;
    let ways = 0;
    for (const { of, with: given = {} } of all) {
      const values = of.map((one, i) => one && parameter(`p${i}`, one.element, ...one.shape));
      const { attributes, result } = makeOp(name as OpName, values, given, { places: { op: nowhere } });
      const plain = run(name as OpName, of, attributes);
      for (const rows of rowsIn(result.shape as number[])) {
        const found = def.zeroMean(
          rows,
          of.map((operand) => operand?.shape),
          attributes,
        );
        const claims = (way: (typeof found)[0]["means"]) =>
          of.map((operand, i) => {
            const claim = way.find((one) => one.operand === i);
            return claim && operand ? centeredRows(operand, claim).centered : operand;
          });
        for (const { means: way, exact } of found) {
          ways++;
          const centered = run(name as OpName, claims(way), attributes);
          expect(centeredRows(centered, rows).mean).toBeLessThan(1e-12);
          const wanted = centeredRows(plain, rows).centered.data;
          const off = largestOf(centered.data.map((value, i) => value - (wanted[i] as number)));
          if (exact) expect(off, "centering the operands is centering the result").toBeLessThan(1e-12);
          for (const left of way) {
            const without = claims(way.filter((claim) => claim !== left));
            expect(centeredRows(run(name as OpName, without, attributes), rows).mean).toBeGreaterThan(1e-3);
          }
        }
      }
    }
    expect(ways).toBeGreaterThan(0);
  },
);
