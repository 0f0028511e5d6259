/** What templates of models share: see templates.ts. */

import type { Config } from "./checkpoint.ts";
import type { NormKind, Rows, StreamProgram } from "./stream-program.ts";

/** Writes the program of a model. */
export type Template = (model: StreamProgram, config: Config) => void;

export const layersOf = (config: Config, key: string) => Array.from({ length: config.count(key) }, (_, i) => i);

/** Classes of which no head multiplies by the table of embeddings. */
const withoutHead = /((?<!Heads?)Model|Classification|QuestionAnswering|MultipleChoice|NextSentencePrediction)$/;

/** A table of embeddings, and a head that multiplies by it where they are tied. */
interface Head {
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
  const isBody = withoutHead.test(config.architecture);
  const isTable = config.flag("tie_word_embeddings", isTied);
  const [weight] = Object.keys(own) as [string];
  // What other classes make of the rows beside a head is not known, so a last norm keeps its gamma for it.
  if (model.hasReaders && !/(ForCausalLM|LMHeadModel|ForConditionalGeneration)$/.test(config.architecture))
    model.result(out);
  if (isTable && !isBody) model.tiedHead(out, table, own);
  else if (!isTable && !isBody && model.hasReaders && model.has(weight))
    model.result(model.reader(weight.replace(/\.weight$/, ""), out));
  else model.result(out);
}

/** A part of a block, with names within that: its norm stands before it (OPT, Whisper, CLIP), or behind its addition (BERT). */
interface PartRow {
  readonly norm: string;
  readonly writes: string;
  readonly what: string;
  /** The products that read the norm, where that is known. */
  readonly reads?: readonly string[];
  /** What else it reads: rows that another stream hands over. */
  readonly beside?: Rows;
  /** A LayerScale: what multiplies the rows before they are added. */
  readonly scale?: string;
}

export interface Part extends PartRow {
  readonly block: string;
  /** The modules in the block that have a matrix. */
  readonly matrices: readonly string[];
}

/** @param others modules in the block that have a matrix, and read none of its norms. */
export function partsOf(block: string, rows: readonly PartRow[], others: readonly string[] = []): Part[] {
  const matrices = [...others, ...rows.flatMap(({ writes, reads = [] }) => [writes, ...reads])];
  return rows.map((row) => ({ ...row, block, matrices }));
}

export const projections = (at: string) => ["q_proj", "k_proj", "v_proj"].map((name) => `${at}.${name}`);

export function blocks(
  model: StreamProgram,
  start: Rows,
  parts: readonly Part[],
  kind: NormKind,
  isNormFirst = true,
): Rows {
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
