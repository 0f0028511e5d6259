/**
 * Plain kernels of matrix products, convolutions and others, so that every plan runs without a library of them: correct for
 * all shapes, and not tuned.
 *
 * A matrix product is tiled in registers: a lane computes 4 elements of a column, which share what it reads of the second
 * operand, and 64 lanes compute neighbouring columns. Runs of 16 terms are summed separately, which keeps the rounding error
 * of long sums small (Higham, Accuracy and Stability of Numerical Algorithms, section 4.2). Workgroup memory would be faster
 * on GPUs, but its barriers take SwiftShader seconds to compile. A convolution is direct, with an element per lane, and so is
 * the gradient of an embedding table.
 */

import { dimensionNames, type Fn, type Op, presentOperands, type Value } from "../src/ir/ir.ts";
import { attribute } from "../src/ir/ops/attributes.ts";
import type { PlainKernel } from "../src/ir/ops/def.ts";
import { ops } from "../src/ir/ops/index.ts";
import { type WindowAttributes, windowsOf } from "../src/ir/ops/window.ts";
import { broadcastShapes, type Dim, type Shape } from "../src/ir/types.ts";
import { type Buffer, storageOf } from "../src/kernel/buffer.ts";
import {
  add,
  allOf,
  call,
  construct,
  count,
  divide,
  type Expression,
  equals,
  literal,
  load,
  local,
  multiply,
  subtract,
  sumOf,
} from "../src/kernel/expression.ts";
import { type Program, Statements, type Target } from "../src/kernel/statement.ts";
import { f32 } from "../src/kernel/types.ts";
import type { Kernel } from "../src/target/manifest.ts";
import { makeSourceMap } from "../src/target/source-map.ts";
import type { TargetProfile } from "../src/target/target.ts";
import { laneType } from "./expression.ts";
import { manifestOf, variableOf } from "./manifest.ts";
import { extent, indices, isLess, type Made, offsetIn, placeIn, product } from "./plain-kernel.ts";
import { printKernel } from "./print-kernel.ts";

/** The tile of a matrix product that a workgroup computes. */
const tile = { rows: 4, columns: 64 } as const;
const lanes = tile.columns;
/** The number of terms that are summed separately. */
const termsOfRun = 16;

/** The names of the extents that count the tiles of a product, if its rows or columns are symbolic. */
export interface TileCounts {
  readonly rows?: string;
  readonly columns?: string;
}

/** For the symbolic rows and columns of a product: the dimension, and the extent of a tile along it. */
export function tiledDims(op: Op): { readonly [side in keyof TileCounts]-?: { of: string; by: number } | undefined } {
  if (!isTiled(op)) return { rows: undefined, columns: undefined };
  const { rows, columns } = matricesOf(op);
  const tiled = (of: Dim, by: number) => (typeof of === "string" ? { of, by } : undefined);
  return { rows: tiled(rows, tile.rows), columns: tiled(columns, tile.columns) };
}

/** The plain kernel of an op, and the program that its WGSL is printed from. @param fn consists of the op alone. */
export function generateProduct(
  fn: Fn,
  profile: TargetProfile,
  tiles: TileCounts,
): { readonly kernel: Kernel; readonly program: Program } {
  const [op] = fn.ops as [Op];
  const hasHalves = profile.features.includes("shader-f16");
  const bufferOf = ({ name, element, shape, span }: Value, access: Buffer["access"]): Buffer => {
    const [wgsl, storage] = [variableOf(name as string, access), storageOf(element, hasHalves)];
    return { wgsl, type: laneType(element, 1), shape, element, storage, access, span };
  };
  const inputs = presentOperands(op).map((value) => bufferOf(value, "read"));
  const buffers = [...inputs, bufferOf(op.result, "read_write")];
  const { body, dispatch, shared = [] } = makers[plainKernelOf(op) as PlainKernel](op, buffers, tiles);
  const dims = [...dimensionNames(fn), ...Object.values(tiles as Readonly<Record<string, string>>)];
  const enables = buffers.some(({ storage }) => storage === "f16") ? ["f16"] : [];
  const program: Program = {
    ...{ name: fn.name, entryPoint: "main", enables },
    ...{ dims: dims.map((name) => ({ name, isOverride: false })), buffers, shared, workgroupSize: lanes, body },
  };
  const printed = printKernel(program);
  const { lines, wgsl } = printed;
  const manifest = manifestOf([program], printed, profile, { dispatch: { ...dispatch, columns: [] } });
  return { kernel: { name: fn.name, wgsl, manifest, sourceMap: makeSourceMap(fn.span.source, lines) }, program };
}

/** The plain kernel of an op, if it has one. */
export function plainKernelOf({ name }: Op): PlainKernel | undefined {
  const def = ops[name];
  return "outside" in def ? def.outside?.plain : undefined;
}

/** Whether a workgroup computes a tile of the op's result, rather than each lane an element. */
export function isTiled(op: Op): boolean {
  const kernel = plainKernelOf(op);
  return kernel !== undefined && makers[kernel] === matrixProduct;
}

/** The rows, columns and terms of a product, and the layout of its operands. */
function matricesOf(op: Op) {
  const [a, b] = [op.operand(0).shape, op.operand(1).shape];
  const isByRows = plainKernelOf(op) === "product by rows";
  return {
    rows: a.length > 1 ? (a.at(-2) as Dim) : 1,
    columns: isByRows ? (b[0] as Dim) : b.length > 1 ? (b.at(-1) as Dim) : 1,
    terms: a.at(-1) as Dim,
    batchOfA: a.slice(0, -2),
    batchOfB: isByRows ? [] : b.slice(0, -2),
    isByRows,
  };
}

function matrixProduct(op: Op, buffers: readonly Buffer[], tiles: TileCounts): Made {
  const { rows, columns, terms, batchOfA, batchOfB, isByRows } = matricesOf(op);
  const [a, b] = buffers as [Buffer, Buffer];
  const [bias, out] = [buffers.length > 3 ? buffers[2] : undefined, buffers.at(-1) as Buffer];
  const batch = broadcastShapes(batchOfA, batchOfB) as Shape;
  const counted = (dim: Dim, side: keyof TileCounts): Dim =>
    typeof dim === "number" ? Math.ceil(dim / tile[side]) : (tiles[side] as string);
  const [down, across] = [counted(rows, "rows"), counted(columns, "columns")];
  const to = new Statements();
  to.at(op.span, () =>
    to.bind("grid", "number", undefined, (number) => {
      const index = indices(to, number, [...batch, down, across]);
      const [tileRow, tileColumn] = index.slice(-2) as [Expression, Expression];
      const matrix = index.slice(0, -2);
      const top = to.define("top", multiply(tileRow, tile.rows));
      const column = to.define("column", add(multiply(tileColumn, tile.columns), local));
      const isInside = [isLess(number, product([...batch, down, across])), isLess(column, extent(columns))];
      to.when(allOf(isInside), () => {
        const fromA = offsetOf(to, "from_a", batchOfA, matrix, [rows, terms]);
        const fromB = offsetOf(to, "from_b", batchOfB, matrix, [terms, columns]);
        const numbers = Array.from({ length: tile.rows }, (_, i) => i);
        const rowAt = numbers.map((i) => to.define(`row${i}`, add(top, i)));
        // Beyond the last row, the last row is read again, and nothing is stored.
        const readAt = rowAt.map((row, i) =>
          i === 0 ? row : to.define(`read${i}`, call("min", row, subtract(extent(rows), 1))),
        );
        const sums = sumsInRuns(to, numbers.map(String), extent(terms), "k", (k, parts) => {
          // With a transposed second operand, its rows are the columns of the product.
          const place = isByRows ? offsetIn([columns, terms], [column, k]) : offsetIn([terms, columns], [k, column]);
          const y = to.define("y", load(b, sumOf([...fromB, ...place]) ?? count(0)));
          for (const [i, part] of parts.entries()) {
            const at = [...fromA, ...offsetIn([rows, terms], [readAt[i] as Expression, k])];
            to.assign(part, multiply(load(a, sumOf(at) ?? count(0)), y), "+");
          }
        });
        for (const i of numbers) {
          const row = rowAt[i] as Expression;
          const sum = sums[i] as Expression;
          to.when(isLess(row, extent(rows)), () => {
            const at = placeIn([...batch, rows, columns], [...matrix, row, column]);
            to.store(out, at, bias ? add(sum, load(bias, column)) : sum);
          });
        }
      });
    }),
  );
  return { body: to.all, dispatch: { rows: [...batch, down, across], rowsPerWorkgroup: 1 } };
}

/** The offset of the matrix at a batch index, as at most one term: none if there is only one matrix. */
function offsetOf(
  to: Statements,
  name: string,
  batch: Shape,
  index: readonly Expression[],
  matrix: Shape,
): Expression[] {
  const offset = sumOf(offsetIn(batch, index));
  return offset === undefined ? [] : [to.define(name, multiply(offset, product(matrix)))];
}

/**
 * Sums terms in runs, whose sums are added.
 * @param suffixes of the names of the sums, which are computed together.
 * @param step adds the terms at an index to the sums of a run.
 */
function sumsInRuns(
  to: Statements,
  suffixes: readonly string[],
  terms: Expression,
  index: string,
  step: (at: Expression, parts: readonly Target[]) => void,
): readonly Target[] {
  const zeros = (name: string) => suffixes.map((suffix) => to.variable(name + suffix, literal(f32, 0)));
  const sums = zeros("sum");
  to.loop("first", count(0), terms, termsOfRun, (first) => {
    const parts = zeros("part");
    const end = to.define("end", call("min", add(first, termsOfRun), terms));
    to.loop(index, first, end, 1, (at) => step(at, parts));
    for (const [i, part] of parts.entries()) to.assign(sums[i] as Target, part, "+");
  });
  return sums;
}

/** A kernel in which each lane computes an element of the result, from the element's index along each axis. */
function elementPerLane(
  op: Op,
  out: Buffer,
  compute: (to: Statements, index: readonly Expression[]) => Expression,
): Made {
  const { shape } = op.result;
  const to = new Statements();
  to.at(op.span, () =>
    to.bind("grid", "number", undefined, (number) => {
      const element = to.define("element", add(multiply(number, lanes), local));
      to.when(isLess(element, product(shape)), () => {
        to.store(out, element, compute(to, indices(to, element, shape)));
      });
    }),
  );
  return { body: to.all, dispatch: { rows: shape, rowsPerWorkgroup: lanes } };
}

function convolution(op: Op, buffers: readonly Buffer[]): Made {
  const [x, weight] = buffers as [Buffer, Buffer];
  const [bias, out] = [buffers.length > 3 ? buffers[2] : undefined, buffers.at(-1) as Buffer];
  const [channels, kernel] = [weight.shape[1] as Dim, weight.shape.slice(2) as number[]];
  const windows = windowsOf(kernel, op.attributes as WindowAttributes);
  const group = attribute.number(op.attributes, "group");
  return elementPerLane(op, out, (to, index) => {
    const [image, output, ...place] = index as [Expression, Expression, ...Expression[]];
    const perGroup = group > 1 ? (op.result.shape[1] as number) / group : undefined;
    const first = perGroup === undefined ? count(0) : multiply(divide(output, perGroup), extent(channels));
    const sum = to.variable("sum", literal(f32, 0));
    to.loop("channel", count(0), extent(channels), 1, (channel) => {
      const part = to.variable("part", literal(f32, 0));
      const along = (taps: readonly Expression[]): void => {
        const axis = taps.length;
        const window = windows[axis];
        if (window !== undefined) {
          to.loop(`tap${axis}`, count(0), count(window.size), 1, (tap) => along([...taps, tap]));
          return;
        }
        // A position before the first element wraps to a very large number.
        const positions = windows.map(({ stride, before, dilation }, i) =>
          subtract(add(multiply(place[i] as Expression, stride), multiply(taps[i] as Expression, dilation)), before),
        );
        const isInside = positions.map((position, i) => isLess(position, extent(x.shape[i + 2] as Dim)));
        to.when(allOf(isInside), () => {
          const from = load(x, placeIn(x.shape, [image, add(first, channel), ...positions]));
          const by = load(weight, placeIn(weight.shape, [output, channel, ...taps]));
          to.assign(part, multiply(from, by), "+");
        });
      };
      along([]);
      to.assign(sum, part, "+");
    });
    return bias ? add(sum, load(bias, output)) : sum;
  });
}

/** A lane computes an element of the table's gradient: the sum, in order, of the rows of d_y whose id is its row. */
function tableGradient(op: Op, buffers: readonly Buffer[]): Made {
  const [ids, d_y, out] = buffers as [Buffer, Buffer, Buffer];
  return elementPerLane(op, out, (to, index) => {
    const [row, column] = index as [Expression, Expression];
    const id = ids.element === "i32" ? construct(ids.type, row) : row;
    const [sum] = sumsInRuns(to, [""], product(ids.shape), "n", (n, [part]) => {
      const element = add(multiply(n, extent(op.result.shape[1] as Dim)), column);
      to.when(equals(load(ids, n), id), () => to.assign(part as Target, load(d_y, element), "+"));
    });
    return sum as Target;
  });
}

type Maker = (op: Op, buffers: readonly Buffer[], tiles: TileCounts) => Made;

const makers: Readonly<Record<PlainKernel, Maker>> = {
  product: matrixProduct,
  "product by rows": matrixProduct,
  convolution,
  "rows by number": tableGradient,
};
