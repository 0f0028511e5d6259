/**
 * Extents for the dimensions that the inputs of a model leave open, most likely first. Which extents fit together is
 * implied somewhere in the model: by the number of rows of a table of positions, or by a number in a traced shape. These
 * numbers are tried, and the first with which the model runs are used.
 */

import { elementCount } from "../ir/tensor.ts";
import type { OnnxModel } from "../onnx/model.ts";
import type { Extents } from "./model-inputs.ts";

/** Common extents of images, texts and windows. */
const usual = [32, 8, 64, 16, 224, 128, 256, 4, 384, 512, 1, 2, 3, 7, 12, 48, 96];

/** The model is run for each of them until one succeeds. */
const mostTries = 160;

/** With more than that, running takes too long. */
const longest = 1024;

/** @param open the axis at which each name first occurs: a first axis is usually the batch. */
export function* extentsToTry(
  model: OnnxModel,
  open: ReadonlyMap<string, number>,
  order: "likeliest" | "smallest" = "likeliest",
): Generator<Extents> {
  const names = [...open.keys()];
  const first = names.filter((name) => open.get(name) === 0);
  const others = names.filter((name) => open.get(name) !== 0);
  const isSmallest = order === "smallest";
  const known = [...new Set([...usual.slice(0, 2), ...integersIn(model), ...lengthsIn(model), ...usual])];
  const values = isSmallest ? known.toSorted((a, b) => a - b).filter((value) => value > 1) : known;
  const all = (list: readonly string[], value: number) => list.map((name) => [name, value] as const);
  const tried = new Set<string>();
  for (const candidate of candidates()) {
    const extents = Object.fromEntries(candidate);
    const key = JSON.stringify(extents);
    if (tried.has(key)) continue;
    if (tried.size === mostTries) return;
    tried.add(key);
    yield extents;
  }

  function* candidates() {
    const [once, other] = isSmallest ? [1, 2] : [2, 1];
    for (const rows of [once, other]) {
      for (const value of others.length === 0 ? [1] : values) yield [...all(first, rows), ...all(others, value)];
    }
    for (const rows of values) yield [...all(first, rows), ...all(others, rows)];
    for (const [at, name] of others.entries()) {
      const rest = others.filter((_, i) => i !== at);
      for (const value of values.slice(0, 10)) {
        for (const own of values.slice(0, 12)) yield [...all(first, once), ...all(rest, value), [name, own] as const];
      }
    }
  }
}

const int64 = 7;
/** More elements than a shape has. */
const mostItems = 8;

/** The numbers in small constants, such as shapes. */
function integersIn(model: OnnxModel): number[] {
  const found = new Set<number>();
  for (const name of model.tensorNames) {
    const type = model.tensorType(name);
    if (type?.dataType !== int64 || elementCount(type.dims) > mostItems) continue;
    for (const item of model.numbers(name)?.numbers ?? []) if (item > 2 && item <= longest) found.add(item);
  }
  return [...found].slice(0, 8);
}

/** The extents of the model's weights. */
function lengthsIn({ graph }: OnnxModel): number[] {
  const lengths = graph.initializers.flatMap(({ dims }) => dims.filter((dim) => dim > 1 && dim <= longest));
  return [...new Set(lengths)].sort((a, b) => a - b).slice(0, 24);
}
