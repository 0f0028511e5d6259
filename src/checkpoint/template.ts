/** Building blocks of the templates in templates.ts. */

import type { Value } from "../ir/ir.ts";
import type { Config } from "./checkpoint.ts";
import type { NormKind, StreamProgram } from "./stream-program.ts";

/** Builds the program of a model. */
export type Template = (model: StreamProgram, config: Config) => void;

export const layersOf = (config: Config, key: string) => Array.from({ length: config.count(key) }, (_, i) => i);

/** Classes without a head that multiplies by the embedding table. */
const withoutHead = /((?<!Heads?)Model|Classification|QuestionAnswering|MultipleChoice|NextSentencePrediction)$/;

/** An embedding table, and a head that may be tied to it. */
interface Head {
  readonly table: string;
  /** The head's tensors if `tie_word_embeddings` is false, and the tensors that it reads otherwise. */
  readonly own: Readonly<Record<string, string>>;
  /** The library's default for `tie_word_embeddings`; true if omitted. */
  readonly isTied?: boolean;
}

/**
 * The end of a model: the product with the embedding table if a head is tied to it, otherwise the rows. An unknown class
 * counts as one with a tied head, so that its table is not centered without a copy.
 */
export function end(model: StreamProgram, config: Config, out: Value, { table, own, isTied = true }: Head): void {
  const isBody = withoutHead.test(config.architecture);
  const isTable = config.flag("tie_word_embeddings", isTied);
  const [weight] = Object.keys(own) as [string];
  // Other classes may also return the rows themselves, so that the last norm must keep its gamma.
  if (model.hasReaders && !/(ForCausalLM|LMHeadModel|ForConditionalGeneration)$/.test(config.architecture))
    model.result(out);
  if (isTable && !isBody) model.tiedHead(out, table, own);
  else if (!isTable && !isBody && model.hasReaders && model.has(weight))
    model.result(model.reader(weight.replace(/\.weight$/, ""), out));
  else model.result(out);
}

/** A part of a block, with names relative to it. Its norm is before it (OPT, Whisper, CLIP), or after its addition (BERT). */
interface PartRow {
  readonly norm: string;
  readonly writes: string;
  readonly what: string;
  /** The products that read the norm, if they are known. */
  readonly reads?: readonly string[];
  /** Rows of another stream that it reads too. */
  readonly beside?: Value;
  /** The LayerScale that multiplies its rows before they are added. */
  readonly scale?: string;
}

export interface Part extends PartRow {
  readonly block: string;
  /** All modules in the block that have a matrix. */
  readonly matrices: readonly string[];
}

/** @param others modules in the block that have a matrix and do not read a norm. */
export function partsOf(block: string, rows: readonly PartRow[], others: readonly string[] = []): Part[] {
  const matrices = [...others, ...rows.flatMap(({ writes, reads = [] }) => [writes, ...reads])];
  return rows.map((row) => ({ ...row, block, matrices }));
}

export const projections = (at: string) => ["q_proj", "k_proj", "v_proj"].map((name) => `${at}.${name}`);

export function blocks(
  model: StreamProgram,
  start: Value,
  parts: readonly Part[],
  kind: NormKind,
  isNormFirst = true,
): Value {
  let h = start;
  for (const { block, norm, writes, what, matrices, reads = [], beside, scale } of parts) {
    const named = `${block}.${norm}`;
    const read = isNormFirst ? model.readers(model.norm(named, h, kind), block, reads, matrices) : [h];
    const from = [...read, ...(beside === undefined ? [] : [beside])];
    const sum = model.add(h, model.linear(`${block}.${writes}`, what, from, scale && `${block}.${scale}`));
    h = isNormFirst ? sum : model.norm(named, sum, kind);
  }
  return h;
}
