/** The torch.export archives among the fixtures, and PyTorch's results for them. */

import { readFileSync } from "node:fs";
import type { RunInput } from "../../src/cli/onnxruntime.ts";
import { bytesInMemory } from "../../src/onnx/bytes.ts";
import { Pt2Model } from "../../src/pt2/model.ts";

interface Described {
  readonly kind: "integer" | "float";
  readonly shape: readonly number[];
  readonly numbers: readonly number[];
}

/** Of a model: its norms by the names of their classes, inputs, and the output in float64. */
export interface Outcome {
  readonly norms: Readonly<Partial<Record<"LayerNorm" | "RMSNorm", number>>>;
  readonly inputs: readonly Described[];
  readonly output: Described;
}

const folder = new URL("../pt2/models/", import.meta.url);

export const expected: Readonly<Record<string, Outcome>> = JSON.parse(
  readFileSync(new URL("expected.json", folder), "utf8"),
);

export const archiveBytes = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(`${name}.pt2`, folder)));

export const openArchive = (name: string): Pt2Model => Pt2Model.read(bytesInMemory(`${name}.pt2`, archiveBytes(name)));

/** The inputs that PyTorch ran a model on. */
export function feedsOf(name: string, { graph }: Pt2Model): Readonly<Record<string, RunInput>> {
  const { inputs } = expected[name] as Outcome;
  const feeds = graph.inputs.map(({ name, elementType }, i) => {
    const { shape, numbers } = inputs[i] as Described;
    return [name, { dataType: elementType as number, shape, numbers: Float64Array.from(numbers) }] as const;
  });
  return Object.fromEntries(feeds);
}
