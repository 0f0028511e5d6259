/**
 * Every op of the table on random rows in float64: what the algebra claims of row means is so, and what is so is claimed,
 * but for what is listed with its reason.
 *
 * A row of the result may lie along any axes, or be a block of one. Operands are centered in every such way, and it is
 * looked at whether the result then has rows of mean zero, and whether it is the centered result.
 */

import { expect, test } from "vitest";
import { type Way, waysOf } from "../../passes/row-mean.ts";
import { along, ownRows, type Rows } from "../../passes/rows.ts";
import { makeOp } from "../../src/ir/builder.ts";
import { evaluateOp } from "../../src/ir/interpret.ts";
import type { Attributes, Op } from "../../src/ir/ir.ts";
import { type OpName, opNames, ops } from "../../src/ir/ops/index.ts";
import { rowMeans } from "../../src/ir/row-means.ts";
import { broadcastTo, elementCount, type Tensor } from "../../src/ir/tensor.ts";
import type { ElementType } from "../../src/ir/types.ts";
import { nowhere, parameter } from "../support/ir.ts";

type Shape = readonly number[];
interface Sample {
  readonly shapes: readonly (Shape | undefined)[];
  readonly attributes?: Attributes;
}

const [whole, column, vector] = [[4, 6], [4, 1], [6]];
const cube = [4, 3, 6];
const overAxes = (shape: Shape): Attributes[] => subsets(shape.length).map((axes) => ({ axes }));

/** How ops are called that are not elementwise. */
const samples: Readonly<Partial<Record<OpName, readonly Sample[]>>> = {
  cast: [{ shapes: [whole], attributes: { to: "f32" } }],
  layernorm: [
    ...overAxes(whole).map((attributes) => ({ shapes: [whole], attributes })),
    { shapes: [whole, vector], attributes: { axes: [-1] } },
    { shapes: [whole, undefined, vector], attributes: { axes: [-1] } },
  ],
  rmsnorm: [
    ...overAxes(whole).map((attributes) => ({ shapes: [whole], attributes })),
    { shapes: [whole, vector], attributes: { axes: [-1] } },
  ],
  groupnorm: [{ shapes: [cube], attributes: { groups: 3 } }],
  reshape: [
    { shapes: [whole], attributes: { shape: [4, 2, 3] } },
    { shapes: [[4, 2, 3]], attributes: { shape: [4, 6] } },
    { shapes: [cube], attributes: { shape: [12, 6] } },
    { shapes: [cube], attributes: { shape: [4, 18] } },
    { shapes: [cube], attributes: { shape: [4, 3, 2, 3] } },
    { shapes: [whole], attributes: { shape: [3, 8] } },
  ],
  transpose: [
    { shapes: [cube], attributes: { perm: [0, 2, 1] } },
    { shapes: [cube], attributes: { perm: [2, 0, 1] } },
  ],
  broadcast: [
    { shapes: [vector], attributes: { shape: [4, 6] } },
    { shapes: [column], attributes: { shape: [4, 6] } },
  ],
  matmul: [
    { shapes: [whole, [6, 4]] },
    { shapes: [cube, [6, 3]] },
    { shapes: [whole, [6]] },
    { shapes: [[6], [6, 4]] },
  ],
  linear: [{ shapes: [whole, [4, 6]] }, { shapes: [whole, [4, 6], [4]] }],
  embedding: [{ shapes: [[3], [3, 6]] }],
  embedding_grad: [{ shapes: [[3], [3, 6]], attributes: { shape: [5, 6] } }],
  cumsum: [
    { shapes: [whole], attributes: { axis: -1 } },
    { shapes: [whole], attributes: { axis: 0 } },
  ],
  conv_input_grad: [
    {
      shapes: [
        [6, 2, 1],
        [2, 6, 4],
      ],
      attributes: { shape: [2, 2, 4] },
    },
  ],
  conv_weight_grad: [
    {
      shapes: [
        [2, 2, 4],
        [2, 6, 4],
      ],
      attributes: { shape: [6, 2, 1] },
    },
  ],
  concat: [0, 1].map((axis) => ({ shapes: [whole, whole], attributes: { axis } })),
  slice: [0, 1].map((axis) => ({ shapes: [whole], attributes: { axis, start: 0, end: 3 } })),
  pad: [0, 1].map((axis) => ({ shapes: [whole], attributes: { axis, before: 1, after: 2 } })),
  flip: [0, 1].map((axis) => ({ shapes: [whole], attributes: { axis } })),
  gather: [0, 1].map((axis) => ({ shapes: [whole, whole], attributes: { axis } })),
  conv: [
    { shapes: [[2, 2, 4], [6, 2, 1], [6]] },
    {
      shapes: [
        [2, 4, 4],
        [6, 2, 1],
      ],
      attributes: { group: 2 },
    },
    {
      shapes: [
        [2, 2, 4],
        [6, 2, 2],
      ],
      attributes: { pads: [1, 0] },
    },
  ],
};

function samplesOf(name: OpName): readonly Sample[] {
  const given = samples[name];
  const { kind, operands } = ops[name];
  if (given !== undefined) return given;
  if (kind === "reduction") {
    return overAxes(cube).flatMap((attributes) =>
      [true, false].map((keepdims) => ({ shapes: [cube], attributes: { ...attributes, keepdims } })),
    );
  }
  if (kind === "norm") return overAxes(whole).map((attributes) => ({ shapes: [whole], attributes }));
  if (operands.length === 1) return [{ shapes: [whole] }];
  const shapes = operands.length === 2 ? [whole, column, vector] : [whole, column];
  return combinations(operands.map(() => shapes))
    .filter((list) => list.includes(whole))
    .map((list) => ({ shapes: list }));
}

/** Not called by programs, or nothing is known of them; or other ops where a program is read. */
const others: ReadonlySet<OpName> = new Set(["constant", "global", "extern", "dropout"]);

function subsets(rank: number): number[][] {
  return Array.from({ length: 2 ** rank - 1 }, (_, bits) =>
    Array.from({ length: rank }, (_, i) => i - rank).filter((_, i) => ((bits + 1) >> i) & 1),
  );
}

function combinations<T>([first, ...rest]: readonly (readonly T[])[]): T[][] {
  if (first === undefined) return [[]];
  const tails = combinations(rest);
  return first.flatMap((one) => tails.map((tail) => [one, ...tail]));
}

/** Rows along axes that have an extent, and in blocks of them. */
function rowsIn(shape: Shape): Rows[] {
  const along = subsets(shape.length).filter((axes) => axes.every((axis) => shape.at(axis) !== 1));
  const blocks = shape.flatMap((extent, i) =>
    // In a centered block of two, one number is the negative of the other, and odd functions preserve that.
    extent % 3 === 0 && extent > 3 ? [{ axes: [i - shape.length], block: 3 }] : [],
  );
  return [...along.map((axes) => ({ axes })), ...blocks];
}

/** Numbers without a pattern, of both signs and more than 1 apart, so that no rounding makes them equal. */
function numbersFor(element: ElementType, shape: Shape, seed: number): Tensor {
  const count = elementCount(shape);
  const noise = (i: number) => Math.abs(Math.sin(12.9898 * (i + 1) + 78.233 * seed) * 43758.5453) % 1;
  const data = Float64Array.from({ length: count }, (_, i) => {
    if (element === "bool") return Number(noise(i) < 0.5);
    return element === "i32" ? Math.floor(3 * noise(i)) : 18 * noise(i) - 7;
  });
  return { element, shape, data };
}

const largest = (data: Float64Array) => data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
const tolerance = 1e-9;

function centered(x: Tensor, rows: Rows): Tensor {
  const { means } = rowMeans(x, rows);
  const [axis] = rows.axes as [number];
  const { block } = rows;
  const cut = (shape: Shape) =>
    block === undefined ? shape : shape.toSpliced(axis + shape.length, 1, (shape.at(axis) as number) / block, block);
  const view = cut(x.shape);
  const meansShape = view.map((extent, i) => (rows.axes.includes(i - view.length) ? 1 : extent));
  const all = broadcastTo({ element: x.element, shape: meansShape, data: means }, view);
  return { ...x, data: x.data.map((value, i) => value - (all[i] as number)) };
}

interface Findings {
  readonly wrong: string[];
  readonly missed: string[];
}

const spell = ({ axes, block }: Rows) => `[${axes}]${block === undefined ? "" : `/${block}`}`;

function look(name: OpName, { shapes, attributes = {} }: Sample, { wrong, missed }: Findings): void {
  const elements = ops[name].operands.map(({ element }): ElementType => {
    return element === "bool" ? "bool" : element === "index" ? "i32" : "f32";
  });
  const values = shapes.map((shape, i) => shape && parameter(`p${i}`, elements[i] as ElementType, ...shape));
  const op: Op = makeOp(name, values, attributes, { places: { op: nowhere } });
  if (op.results.length > 1 || op.result.element !== "f32") return;
  const draws = [1, 2, 3].map((seed) =>
    shapes.map((shape, i) => shape && numbersFor(elements[i] as ElementType, shape, seed + 5 * i)),
  );
  const evaluate = (operands: readonly (Tensor | undefined)[]) => evaluateOp(op, operands, {})[0] as Tensor;
  /** Operands centered, or 0 where their row is one number. */
  const withRows = (draw: readonly (Tensor | undefined)[], rows: readonly (Rows | undefined)[]) =>
    draw.map((x, i) => {
      const of = rows[i];
      if (x === undefined || of === undefined) return x;
      return of.axes.length === 0 ? { ...x, data: x.data.map(() => 0) } : centered(x, of);
    });
  const choices = values.map((value, i) =>
    value === undefined || elements[i] !== "f32" ? [undefined] : [undefined, ...rowsIn(value.shape as number[])],
  );
  const centerings = combinations<Rows | undefined>(choices);
  const plain = draws.map(evaluate);
  const results = centerings.map((rows) => draws.map((draw) => evaluate(withRows(draw, rows))));
  const label = `${name} ${JSON.stringify(shapes)} ${JSON.stringify(attributes)}`;
  const isZero = (result: Tensor, rows: Rows) =>
    result.data.every(Number.isFinite) &&
    largest(rowMeans(result, rows).means) < tolerance * (1 + largest(result.data));
  for (const rows of rowsIn(op.result.shape as number[])) {
    const wanted = plain.map((result) => centered(result, rows));
    const isWanted = (result: Tensor, i: number) =>
      isZero(result, rows) &&
      largest(result.data.map((value, k) => value - (wanted[i]?.data[k] as number))) <
        tolerance * (1 + largest(result.data));
    const found = waysOf(op, rows);
    const ways = "because" in found ? [] : found;
    const isUsable = ({ claims }: Way) =>
      claims.every(
        ({ kind, operand, rows: of }) => kind === "zero" || ownRows(op.operand(operand), of).axes.length === 0,
      );
    const usable = ways.filter(isUsable);
    // A mean over more axes is a mean of means.
    const hasWay = subsets(rows.axes.length).some((which) => {
      const part = along(
        rows,
        which.map((i) => rows.axes.at(i) as number),
      );
      const of = waysOf(op, part);
      return !("because" in of) && of.some(isUsable);
    });
    for (const { claims, exact } of usable) {
      const own = values.map((value, i) => {
        const claim = claims.find((one) => one.operand === i && one.kind === "zero");
        return claim && value && ownRows(value, claim.rows);
      });
      const got = draws.map((draw) => evaluate(withRows(draw, own)));
      const holds = exact ? got.every(isWanted) : got.every((result) => isZero(result, rows));
      if (!holds) wrong.push(`${label} over ${spell(rows)}: ${own.map((one) => one && spell(one))}`);
    }
    const commuting = results.findIndex((all) => all.every(isWanted));
    const zero = results.findIndex((all) => all.every((result) => isZero(result, rows)));
    const by = (i: number) => (centerings[i] as (Rows | undefined)[]).map((one) => (one ? spell(one) : "-")).join(" ");
    const isItself = commuting >= 0 && (centerings[commuting] as unknown[]).every((one) => one === undefined);
    if (commuting >= 0 && !isItself && !usable.some(({ exact }) => exact))
      missed.push(`${label} over ${spell(rows)}: commutes by ${by(commuting)}`);
    else if (zero >= 0 && !hasWay) missed.push(`${label} over ${spell(rows)}: zero by ${by(zero)}`);
  }
}

/** True statements that are not claimed, and why not. */
const unclaimed: readonly (readonly [string, RegExp])[] = [
  ["its rows are no axes of its operand", /^groupnorm /],
  ["a centering is what moves, and not what is moved over", /^center .*: commutes/],
  ["axes that are not next to each other, which no norm of a model has", /^reshape .* over \[-4,-2,-1\]/],
  ["other rows of what only an optimizer reads", /^(embedding|conv_input|conv_weight)_grad /],
  ["rows of images or of places in them, which no norm behind a convolution has", /^conv .* over \[(-3|-1|-3,-1)\]/],
];

test("all ops: no claim is wrong, and none is missed without a reason", () => {
  const findings: Findings = { wrong: [], missed: [] };
  for (const name of opNames) {
    if (others.has(name)) continue;
    if (!ops[name].elements.includes("f32")) continue;
    for (const sample of samplesOf(name)) look(name, sample, findings);
  }
  expect(findings.wrong).toEqual([]);
  const isListed = (miss: string) => unclaimed.some(([, pattern]) => pattern.test(miss));
  expect(findings.missed.filter((miss) => !isListed(miss))).toEqual([]);
  for (const [reason, pattern] of unclaimed)
    expect(
      findings.missed.some((miss) => pattern.test(miss)),
      reason,
    ).toBe(true);
});
