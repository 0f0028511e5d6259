/**
 * ONNX ops that the language lacks, in float64: those that models have around their norms, so that a whole model can be
 * evaluated. They follow the operators' pages (https://onnx.ai/onnx/operators/) of sets 9 to 23.
 */

import { elementCount, gather, rowMajorStrides } from "../ir/tensor.ts";
import { layerReferences } from "./layer-reference.ts";
import { type Evaluate, fromEnd, input, list, made, type NodeValues, offsetOf, reader, vector } from "./node-values.ts";

const mapped =
  (of: (number: number, node: NodeValues) => number): Evaluate =>
  (node) => ({ shape: input(node, 0).shape, data: input(node, 0).data.map((number) => of(number, node)) });

const shapeOf: Evaluate = (node) => {
  const { shape } = input(node, 0);
  return vector(shape.slice(node.integer("start", 0), node.integer("end", shape.length)));
};

const range: Evaluate = (node) => {
  const [start, limit, step] = [0, 1, 2].map((i) => input(node, i).data[0] as number) as [number, number, number];
  const count = Math.max(0, Math.ceil((limit - start) / step));
  return vector(Array.from({ length: count }, (_, i) => start + i * step));
};

const gatherAxis: Evaluate = (node) => {
  const [x, indices] = [input(node, 0), input(node, 1)];
  const axis = fromEnd(node.integer("axis", 0), x.shape.length);
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  const [read, at] = [reader(x), reader(indices)];
  const rank = indices.shape.length;
  return made(shape, (index) => {
    const chosen = fromEnd(at(index.slice(axis, axis + rank)), x.shape[axis] as number);
    return read([...index.slice(0, axis), chosen, ...index.slice(axis + rank)]);
  });
};

const gatherElements: Evaluate = (node) => {
  const [x, indices] = [input(node, 0), input(node, 1)];
  const axis = fromEnd(node.integer("axis", 0), x.shape.length);
  const [read, at] = [reader(x), reader(indices)];
  return made(indices.shape, (index) => read(index.with(axis, fromEnd(at(index), x.shape[axis] as number))));
};

const gatherNd: Evaluate = (node) => {
  const [x, indices] = [input(node, 0), input(node, 1)];
  const batch = node.integer("batch_dims", 0);
  const outer = indices.shape.slice(0, -1);
  const depth = indices.shape.at(-1) as number;
  const [read, at] = [reader(x), reader(indices)];
  return made([...outer, ...x.shape.slice(batch + depth)], (index) => {
    const own = index.slice(0, outer.length);
    const chosen = Array.from({ length: depth }, (_, i) => fromEnd(at([...own, i]), x.shape[batch + i] as number));
    return read([...index.slice(0, batch), ...chosen, ...index.slice(outer.length)]);
  });
};

const scatterNd: Evaluate = (node) => {
  const [x, indices, updates] = [input(node, 0), input(node, 1), input(node, 2)];
  const depth = indices.shape.at(-1) as number;
  const strides = rowMajorStrides(x.shape);
  const size = elementCount(x.shape.slice(depth));
  const data = x.data.slice();
  for (let i = 0; i < indices.data.length / depth; i++) {
    const index = Array.from({ length: depth }, (_, k) =>
      fromEnd(indices.data[i * depth + k] as number, x.shape[k] as number),
    );
    data.set(updates.data.subarray(i * size, (i + 1) * size), offsetOf(strides, index));
  }
  return { shape: x.shape, data };
};

const trilu: Evaluate = (node) => {
  const x = input(node, 0);
  const k = node.inputs[1]?.data[0] ?? 0;
  const isUpper = node.integer("upper", 1) !== 0;
  const read = reader(x);
  return made(x.shape, (index) => {
    const [row, column] = index.slice(-2) as [number, number];
    return (isUpper ? column - row >= k : column - row <= k) ? read(index) : 0;
  });
};

const cumSum: Evaluate = (node) => {
  const x = input(node, 0);
  const axis = fromEnd(input(node, 1).data[0] as number, x.shape.length);
  const [isExclusive, isReverse] = [node.integer("exclusive", 0) !== 0, node.integer("reverse", 0) !== 0];
  const read = reader(x);
  return made(x.shape, (index) => {
    const own = index[axis] as number;
    const [from, to] = isReverse ? [own, (x.shape[axis] as number) - 1] : [0, own];
    let sum = 0;
    for (let at = from; at <= to; at++) if (!isExclusive || at !== own) sum += read(index.with(axis, at));
    return sum;
  });
};

const pad: Evaluate = (node) => {
  const x = input(node, 0);
  const rank = x.shape.length;
  const axes = (list(node.inputs[3]) ?? [...x.shape.keys()]).map((axis) => fromEnd(axis, rank));
  const pads = list(node.inputs[1]) ?? node.integers("pads") ?? [];
  const begin = x.shape.map(() => 0);
  const shape = [...x.shape];
  for (const [i, axis] of axes.entries()) {
    begin[axis] = pads[i] as number;
    shape[axis] = (shape[axis] as number) + (pads[i] as number) + (pads[i + axes.length] as number);
  }
  const filled = node.inputs[2]?.data[0] ?? node.number("value", 0);
  const mode = node.text("mode") ?? "constant";
  const read = reader(x);
  return made(shape, (index) => {
    const from = index.map((at, axis) => placed(at - (begin[axis] as number), x.shape[axis] as number, mode));
    return from.includes(-1) ? filled : read(from);
  });
};

/** The position from which a position outside a row is read; -1 where it is zero. */
function placed(at: number, extent: number, mode: string): number {
  if (at >= 0 && at < extent) return at;
  if (mode === "edge") return at < 0 ? 0 : extent - 1;
  if (mode === "wrap") return ((at % extent) + extent) % extent;
  if (mode === "reflect") return at < 0 ? -at : 2 * (extent - 1) - at;
  return -1;
}

const globalAverage: Evaluate = (node) => {
  const { shape, data } = input(node, 0);
  const size = elementCount(shape.slice(2));
  const mean = (_: number, i: number) => data.subarray(i * size, (i + 1) * size).reduce((a, b) => a + b, 0) / size;
  const to = shape.map((extent, axis) => (axis < 2 ? extent : 1));
  return { shape: to, data: new Float64Array(elementCount(to)).map(mean) };
};

const batchNorm: Evaluate = (node) => {
  const { shape, data } = input(node, 0);
  const [scale, bias, mean, variance] = [1, 2, 3, 4].map((i) => input(node, i).data) as [
    ...[Float64Array, Float64Array, Float64Array, Float64Array],
  ];
  const eps = node.number("epsilon", 1e-5);
  const size = elementCount(shape.slice(2));
  const at = (numbers: Float64Array, i: number) => numbers[Math.floor(i / size) % (shape[1] as number)] as number;
  return {
    shape,
    data: data.map((x, i) => ((x - at(mean, i)) / Math.sqrt(at(variance, i) + eps)) * at(scale, i) + at(bias, i)),
  };
};

const tile: Evaluate = (node) => {
  const x = input(node, 0);
  const read = reader(x);
  const shape = x.shape.map((extent, axis) => extent * (input(node, 1).data[axis] as number));
  return made(shape, (index) => read(index.map((at, axis) => at % (x.shape[axis] as number))));
};

const argMax: Evaluate = (node) => {
  const x = input(node, 0);
  const axis = fromEnd(node.integer("axis", 0), x.shape.length);
  const read = reader(x);
  const isLast = node.integer("select_last_index", 0) !== 0;
  const best = made(x.shape.with(axis, 1), (index) => {
    let found = 0;
    for (let at = 1; at < (x.shape[axis] as number); at++) {
      const [now, most] = [read(index.with(axis, at)), read(index.with(axis, found))];
      if (now > most || (isLast && now === most)) found = at;
    }
    return found;
  });
  return node.integer("keepdims", 1) !== 0 ? best : { ...best, shape: x.shape.filter((_, i) => i !== axis) };
};

const einsum: Evaluate = (node) => {
  const equation = (node.text("equation") ?? "").replaceAll(" ", "");
  const [left = "", right] = equation.split("->");
  const terms = left.split(",");
  const letters = [...new Set(terms.join(""))].sort();
  const implicit = letters.filter((letter) => terms.join("").split(letter).length === 2).join("");
  const out = [...(right ?? implicit)];
  const extents = new Map<string, number>();
  for (const [i, term] of terms.entries()) {
    for (const [axis, letter] of [...term].entries()) extents.set(letter, input(node, i).shape[axis] as number);
  }
  const summed = letters.filter((letter) => !out.includes(letter));
  const order = [...out, ...summed];
  const shape = order.map((letter) => extents.get(letter) as number);
  // Each operand in the order of all letters, with stride 0 along those that it does not have.
  const factors = terms.map((term, i) => {
    const strides = rowMajorStrides(input(node, i).shape);
    const along = order.map((letter) =>
      [...term].reduce((sum, own, axis) => sum + (own === letter ? (strides[axis] as number) : 0), 0),
    );
    return gather(input(node, i).data, shape, along);
  });
  const inner = elementCount(shape.slice(out.length));
  const data = new Float64Array(elementCount(shape.slice(0, out.length)));
  for (let i = 0; i < data.length; i++) {
    for (let k = i * inner; k < (i + 1) * inner; k++) {
      data[i] = (data[i] as number) + factors.reduce((product, factor) => product * (factor[k] as number), 1);
    }
  }
  return { shape: shape.slice(0, out.length), data };
};

const isInfinite = (x: number, node: NodeValues) =>
  Number(
    (x === Infinity && node.integer("detect_positive", 1) !== 0) ||
      (x === -Infinity && node.integer("detect_negative", 1) !== 0),
  );

/** By op type, in ONNX's own domain. */
export const nodeReferences: Readonly<Record<string, Evaluate>> = {
  Shape: shapeOf,
  Size: (node) => ({ shape: [], data: Float64Array.of(elementCount(input(node, 0).shape)) }),
  ConstantOfShape: (node) => {
    const value = node.tensor("value")?.data[0] ?? 0;
    return made(list(node.inputs[0]) ?? [], () => value);
  },
  Range: range,
  IsNaN: mapped((x) => Number(Number.isNaN(x))),
  IsInf: mapped(isInfinite),
  Gather: gatherAxis,
  GatherElements: gatherElements,
  GatherND: gatherNd,
  ScatterND: scatterNd,
  Trilu: trilu,
  CumSum: cumSum,
  Pad: pad,
  Tile: tile,
  ArgMax: argMax,
  GlobalAveragePool: globalAverage,
  BatchNormalization: batchNorm,
  Einsum: einsum,
  ...layerReferences,
};
