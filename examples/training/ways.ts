/** The four ways to train the example, and its sizes. */

import { applyFusedRmsNorm, type Module, parse } from "tirc";
import { type ModelSize, modelSource, size } from "./model.ts";
import { centeredOnce } from "./reference.ts";
import { initial, weightsOf } from "./train.ts";

export interface Setting {
  readonly model: ModelSize;
  /** The number of rows of characters in a batch. */
  readonly rows: number;
  /** Adam's learning rate. */
  readonly rate: number;
}

/** `full` needs a GPU; the interpreter takes seconds for a hundred steps of `tiny`, and minutes for `small`. */
export const settings = {
  tiny: { model: { blocks: 1, width: 8, heads: 2, length: 8, alphabet: 64 }, rows: 2, rate: 0.01 },
  small: { model: { blocks: 2, width: 16, heads: 1, length: 16, alphabet: 64 }, rows: 2, rate: 0.01 },
  full: { model: size, rows: 8, rate: 3e-3 },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof settings;

/** A model, and its initial weights. */
export interface Way {
  readonly name: string;
  readonly module: Module;
  readonly start: Float32Array;
}

export const wayNames = ["LayerNorm", "RMSNorm, exact", "RMSNorm, weights centered once", "RMSNorm, lossy"] as const;

/** In the order of `wayNames`. */
export function waysOf({ model }: Setting): readonly Way[] {
  const original = parse(modelSource(model));
  const start = initial(weightsOf(original));
  const { module: exact } = applyFusedRmsNorm(original);
  const { module: lossy } = applyFusedRmsNorm(original, { mode: "lossy" });
  const modules = [original, exact, lossy, lossy];
  const starts = [start, start, centeredOnce(exact, start), start];
  return wayNames.map((name, i) => ({ name, module: modules[i] as Module, start: starts[i] as Float32Array }));
}
