/** What templates of models share: see templates.ts. */

import type { Config } from "./checkpoint.ts";
import type { NormKind, Rows, StreamProgram } from "./stream-program.ts";

/** Writes the program of a model. */
export type Template = (model: StreamProgram, config: Config) => void;

export const layersOf = (config: Config, key: string) => Array.from({ length: config.count(key) }, (_, i) => i);

/** Classes of which no head multiplies by the table of embeddings. */
const withoutHead = /((?<!Heads?)Model|Classification|QuestionAnswering|MultipleChoice|NextSentencePrediction)$/;

/** A table of embeddings, and a head that multiplies by it where they are tied. */
export interface Head {
  readonly table: string;
  /** What the head has of its own where `tie_word_embeddings` is false, and what it reads otherwise. */
  readonly own: Readonly<Record<string, string>>;
  /** Whether the library ties them where the configuration does not say: it does unless said otherwise. */
  readonly isTied?: boolean;
}

/**
 * The end of a model: the product of its rows with the table of embeddings where a head is tied to it, the rows otherwise.
 * A class that is not known counts as one with such a head: its table is not centered without a copy for the head.
 */
export function end(model: StreamProgram, config: Config, out: Rows, { table, own, isTied = true }: Head): void {
  const hasTied = config.flag("tie_word_embeddings", isTied) && !withoutHead.test(config.architecture);
  if (hasTied) model.tiedHead(out, table, own);
  else model.result(out);
}

/** A part of a block before which its norm stands (OPT, Whisper, CLIP), or behind whose addition (BERT). */
export interface Part {
  readonly norm: string;
  readonly writes: string;
  readonly what: string;
  /** What else it reads: rows that another stream hands over. */
  readonly beside?: Rows;
}

export function blocks(
  model: StreamProgram,
  start: Rows,
  parts: readonly Part[],
  kind: NormKind,
  isNormFirst = true,
): Rows {
  let h = start;
  for (const { norm, writes, what, beside } of parts) {
    const others = beside === undefined ? [] : [beside];
    const read = isNormFirst ? model.norm(norm, h, kind) : h;
    const sum = model.add(h, model.linear(writes, what, [read, ...others]));
    h = isNormFirst ? sum : model.norm(norm, sum, kind);
  }
  return h;
}
