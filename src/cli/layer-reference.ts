/**
 * Layers of models that are one ONNX op, in float64: pooling, recurrences and attention, after the operators' pages
 * (https://onnx.ai/onnx/operators/).
 */

import { broadcastStrides, elementCount, gather, rowMajorStrides } from "../ir/tensor.ts";
import {
  type Evaluate,
  input,
  made,
  type NodeValues,
  NotComputed,
  type Numbers,
  offsetOf,
  reader,
} from "./node-values.ts";

/** The spatial extents, and how a window moves over them. */
interface Windows {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly begin: readonly number[];
  /** The padding of each axis, at both ends. */
  readonly padded: readonly number[];
  readonly shape: readonly number[];
}

function windowsOf(node: NodeValues): Windows {
  const extents = input(node, 0).shape.slice(2);
  const each = (name: string) => node.integers(name) ?? extents.map(() => 1);
  const [kernel, strides, dilations] = [each("kernel_shape"), each("strides"), each("dilations")];
  const reach = kernel.map((size, i) => (size - 1) * (dilations[i] as number) + 1);
  const auto = node.text("auto_pad") ?? "NOTSET";
  const isSame = auto.startsWith("SAME");
  const same = extents.map((extent, i) => {
    const [stride, size] = [strides[i] as number, reach[i] as number];
    return isSame ? Math.max(0, (Math.ceil(extent / stride) - 1) * stride + size - extent) : 0;
  });
  const pads = node.integers("pads") ?? [];
  const begin = extents.map((_, i) => {
    if (isSame) return auto === "SAME_LOWER" ? Math.ceil((same[i] as number) / 2) : Math.floor((same[i] as number) / 2);
    return pads[i] ?? 0;
  });
  const padded = extents.map((extent, i) => {
    const both = isSame ? (same[i] as number) : (pads[i] ?? 0) + (pads[i + extents.length] ?? 0);
    return extent + both;
  });
  const isCeil = node.integer("ceil_mode", 0) !== 0;
  const shape = padded.map((extent, i) => {
    const steps = (extent - (reach[i] as number)) / (strides[i] as number);
    if (!isCeil) return Math.floor(steps) + 1;
    const count = Math.ceil(steps) + 1;
    // No window begins in the padding after the end.
    const last = (count - 1) * (strides[i] as number) - (begin[i] as number);
    return last >= (extents[i] as number) ? count - 1 : count;
  });
  return { kernel, strides, dilations, begin, padded, shape };
}

/** @param of the result of a window, from its numbers and the number of its positions within the padded tensor. */
const pool =
  (of: (numbers: readonly number[], places: number, node: NodeValues) => number): Evaluate =>
  (node) => {
    const x = input(node, 0);
    const extents = x.shape.slice(2);
    const { kernel, strides, dilations, begin, padded, shape } = windowsOf(node);
    const places = elementCount(kernel);
    const read = reader(x);
    return made([...x.shape.slice(0, 2), ...shape], (index) => {
      const numbers: number[] = [];
      let within = 0;
      for (let place = 0; place < places; place++) {
        let rest = place;
        const at = kernel.map(() => 0);
        for (let axis = kernel.length - 1; axis >= 0; axis--) {
          const size = kernel[axis] as number;
          at[axis] =
            (index[axis + 2] as number) * (strides[axis] as number) + (rest % size) * (dilations[axis] as number);
          rest = Math.floor(rest / size);
        }
        if (at.some((one, axis) => one >= (padded[axis] as number))) continue;
        within++;
        const from = at.map((one, axis) => one - (begin[axis] as number));
        const isRead = from.every((one, axis) => one >= 0 && one < (extents[axis] as number));
        if (isRead) numbers.push(read([...index.slice(0, 2), ...from]));
      }
      return of(numbers, within, node);
    });
  };

const average = pool((numbers, places, node) => {
  const count = node.integer("count_include_pad", 0) !== 0 ? places : numbers.length;
  return numbers.reduce((a, b) => a + b, 0) / count;
});

function transposed({ shape, data }: Numbers, perm: readonly number[]): Numbers {
  const strides = rowMajorStrides(shape);
  const to = perm.map((axis) => shape[axis] as number);
  const along = perm.map((axis) => strides[axis] as number);
  return { shape: to, data: gather(data, to, along) };
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

const defaultActivations = ["sigmoid", "tanh", "tanh"];

/** Gates in the order input, output, forget, cell. */
const lstm: Evaluate = (node) => {
  const names = node.texts("activations").map((name) => name.toLowerCase());
  if (names.some((name, i) => name !== defaultActivations[i % 3]))
    throw new NotComputed(`its activations are ${names.join(", ")}`);
  const isBatchFirst = node.integer("layout", 0) !== 0;
  /** The inputs and states with the axis of the batch second. */
  const inputs = node.inputs.map((tensor, i) => {
    return tensor && isBatchFirst && [0, 5, 6].includes(i) ? transposed(tensor, [1, 0, 2]) : tensor;
  });
  const [x, w, r] = inputs as [Numbers, Numbers, Numbers];
  const [steps, batch] = x.shape as [number, number, number];
  const [directions, , width] = w.shape as [number, number, number];
  const size = r.shape[2] as number;
  const direction = node.text("direction") ?? "forward";
  const clip = node.number("clip", Infinity);
  const clipped = (value: number) => Math.max(-clip, Math.min(clip, value));
  const isCoupled = node.integer("input_forget", 0) !== 0;
  const readers = inputs.map((tensor) => tensor && reader(tensor));
  const at = (i: number, ...index: number[]) => readers[i]?.(index) ?? 0;
  const initial = (i: number, d: number, b: number) => Array.from({ length: size }, (_, k) => at(i, d, b, k));
  const zeros = (...shape: number[]) => ({ shape, data: new Float64Array(elementCount(shape)) });
  const [outputs, lastH, lastC] = [
    zeros(steps, directions, batch, size),
    zeros(directions, batch, size),
    zeros(directions, batch, size),
  ];
  for (let d = 0; d < directions; d++) {
    const isReverse = direction === "reverse" || d === 1;
    for (let b = 0; b < batch; b++) {
      const length = node.inputs[4]?.data[b] ?? steps;
      let [h, c] = [initial(5, d, b), initial(6, d, b)];
      for (let step = 0; step < length; step++) {
        const t = isReverse ? length - 1 - step : step;
        const gate = (which: number, k: number) => {
          const row = which * size + k;
          let sum = at(3, d, row) + at(3, d, 4 * size + row);
          for (let i = 0; i < width; i++) sum += at(0, t, b, i) * at(1, d, row, i);
          for (let i = 0; i < size; i++) sum += (h[i] as number) * at(2, d, row, i);
          return sum;
        };
        // Peepholes read the cell; those of the input and forget gates read the previous one.
        const peephole = (which: number, k: number, cell: readonly number[]) =>
          at(7, d, which * size + k) * (cell[k] as number);
        const before = c;
        const cell = before.map((old, k) => {
          const inputGate = sigmoid(clipped(gate(0, k) + peephole(0, k, before)));
          const forget = isCoupled ? 1 - inputGate : sigmoid(clipped(gate(2, k) + peephole(2, k, before)));
          return forget * old + inputGate * Math.tanh(clipped(gate(3, k)));
        });
        const hidden = cell.map((now, k) => sigmoid(clipped(gate(1, k) + peephole(1, k, cell))) * Math.tanh(now));
        [h, c] = [hidden, cell];
        outputs.data.set(h, ((t * directions + d) * batch + b) * size);
      }
      lastH.data.set(h, (d * batch + b) * size);
      lastC.data.set(c, (d * batch + b) * size);
    }
  }
  if (!isBatchFirst) return [outputs, lastH, lastC];
  return [transposed(outputs, [2, 0, 1, 3]), transposed(lastH, [1, 0, 2]), transposed(lastC, [1, 0, 2])];
};

/** [batch, rows, heads * size] as [batch, heads, rows, size]; tensors of four axes have this form already. */
function byHead({ shape, data }: Numbers, heads: number): Numbers {
  if (shape.length === 4) return { shape, data };
  const [batch, rows, width] = shape as [number, number, number];
  const size = width / heads;
  return transposed({ shape: [batch, rows, heads, size], data }, [0, 2, 1, 3]);
}

/** Cached keys or values, followed by the current ones. */
function after(past: Numbers | undefined, now: Numbers): Numbers {
  if (past === undefined) return now;
  const [batch, heads, rows, size] = past.shape as [number, number, number, number];
  const [readPast, readNow] = [reader(past), reader(now)];
  return made([batch, heads, rows + (now.shape[2] as number), size], ([b = 0, h = 0, row = 0, i = 0]) =>
    row < rows ? readPast([b, h, row, i]) : readNow([b, h, row - rows, i]),
  );
}

/** Softmax(scale Q K^T + mask) V of set 23, with its updates of the caches. */
const attention: Evaluate = (node) => {
  const heads = [node.integer("q_num_heads", 1), node.integer("kv_num_heads", 1)] as const;
  const q = byHead(input(node, 0), heads[0]);
  const k = after(node.inputs[4], byHead(input(node, 1), heads[1]));
  const v = after(node.inputs[5], byHead(input(node, 2), heads[1]));
  const [batch, queryHeads, rows, size] = q.shape as [number, number, number, number];
  const [, keyHeads, keys] = k.shape as [number, number, number];
  const width = v.shape[3] as number;
  const past = node.inputs[4]?.shape[2] ?? 0;
  const isCausal = node.integer("is_causal", 0) !== 0;
  const scale = node.number("scale", 1 / Math.sqrt(size));
  const cap = node.number("softcap", 0);
  const mask = node.inputs[3];
  const along = mask && broadcastStrides(mask.shape, [batch, queryHeads, rows, keys]);
  const bias = (index: readonly number[]) => {
    const [, , row, key] = index as [number, number, number, number];
    if (isCausal && key > row + past) return -Infinity;
    if (mask === undefined || along === undefined) return 0;
    const number = mask.data[offsetOf(along, index)] as number;
    return mask.element === "bool" ? (number === 0 ? -Infinity : 0) : number;
  };
  const [readQ, readK, readV] = [reader(q), reader(k), reader(v)];
  const y = new Float64Array(batch * queryHeads * rows * width);
  let offset = 0;
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < queryHeads; h++) {
      const shared = Math.floor((h * keyHeads) / queryHeads);
      for (let row = 0; row < rows; row++, offset += width) {
        const scores = Array.from({ length: keys }, (_, key) => {
          let sum = 0;
          for (let i = 0; i < size; i++) sum += readQ([b, h, row, i]) * readK([b, shared, key, i]);
          const score = cap > 0 ? cap * Math.tanh((sum * scale) / cap) : sum * scale;
          return score + bias([b, h, row, key]);
        });
        const largest = scores.reduce((most, score) => Math.max(most, score), -Infinity);
        // A row that is masked entirely is zero.
        if (largest === -Infinity) continue;
        const parts = scores.map((score) => Math.exp(score - largest));
        const whole = parts.reduce((sum, part) => sum + part, 0);
        for (const [key, part] of parts.entries()) {
          for (let i = 0; i < width; i++)
            y[offset + i] = (y[offset + i] as number) + (part / whole) * readV([b, shared, key, i]);
        }
      }
    }
  }
  const result = { shape: [batch, queryHeads, rows, width], data: y };
  if (input(node, 0).shape.length === 4) return [result, k, v];
  return [{ shape: [batch, rows, queryHeads * width], data: transposed(result, [0, 2, 1, 3]).data }, k, v];
};

export const layerReferences: Readonly<Record<string, Evaluate>> = {
  AveragePool: average,
  MaxPool: pool((numbers) => numbers.reduce((a, b) => Math.max(a, b), -Infinity)),
  LSTM: lstm,
  Attention: attention,
};
