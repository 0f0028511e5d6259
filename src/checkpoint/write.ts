/**
 * The files of a checkpoint whose weights are centered. Tensors keep their places in their files: all bytes but those of
 * the weights that change are the original's, and so are all files but those of weights and the configuration.
 */

import { fail } from "../diagnostics/diagnostic.ts";
import { constErrors } from "../diagnostics/errors-const.ts";
import { putElements } from "../formats/bytes.ts";
import { headerLength, readSafetensor, writtenType } from "../formats/safetensors.ts";
import { roundTo } from "../ir/float16.ts";
import { meanTolerance } from "../ir/row-means.ts";
import type { ByteSource, Range } from "../onnx/bytes.ts";
import type { Piece } from "../onnx/write.ts";
import { fromNumbers } from "../runtime/host-tensor.ts";
import { centerInPlace, rowsAlong, worstMean } from "./center.ts";
import { type Checkpoint, configFile, indexFile, type Json, type StoredTensor } from "./checkpoint.ts";
import { withMember } from "./json-text.ts";
import type { CheckpointSurgery } from "./surgery.ts";

/** What became of a tensor's numbers. */
export interface WrittenTensor {
  readonly tensor: string;
  /** The largest row mean that is left, as a part of the largest element of its row. */
  readonly residual: number;
  /** False of one that was centered already: it is written as it was. */
  readonly isChanged: boolean;
}

export interface CheckpointFile {
  readonly name: string;
  /** The file of that name as it was: ranges among the pieces are parts of it. */
  readonly source: ByteSource;
  /** Made as they are asked for; a file that stays is one range, the whole. */
  readonly pieces: Iterable<Piece>;
}

type Half = "f32" | "f16" | "bf16";
const elementOf = new Map(Object.entries(writtenType).map(([element, type]) => [type, element as Half]));

/** Half an ulp of a number of 1: centering again what rounding has left this far off changes nothing that is meant. */
const roundoff: Readonly<Record<Half, number>> = { f32: 2 ** -24, f16: 2 ** -11, bf16: 2 ** -8 };

/**
 * @param tell is called for each centered tensor as it is written. Throws TircError E0671 where a row mean is left that
 * rounding does not explain, E0640 where a file cannot be read.
 */
export function checkpointFiles(
  checkpoint: Checkpoint,
  surgery: CheckpointSurgery,
  tell: (written: WrittenTensor) => void,
): CheckpointFile[] {
  const { folder, shards, tensors } = checkpoint;
  const axes = new Map(surgery.centered.map(({ tensor, axis }) => [tensor, axis]));
  const copies = surgery.untied
    .flatMap(({ copies }) => copies)
    .map(({ tensor, from }) => ({ name: tensor, of: tensors.get(from) as StoredTensor }));
  const isNew = ({ name }: { name: string }) => !tensors.has(name);
  const shardPieces = (source: ByteSource, file: string): Iterable<Piece> => {
    const replaced = new Map<StoredTensor, () => Piece>();
    for (const [name, entry] of tensors) {
      if (entry.file !== file) continue;
      const axis = axes.get(name);
      const copy = copies.find((one) => one.name === name);
      if (copy !== undefined) replaced.set(entry, () => bytesIn(folder.open(copy.of.file), copy.of));
      else if (axis !== undefined) replaced.set(entry, () => centeredPiece(source, name, entry, axis, tell));
    }
    const added = copies.filter((copy) => isNew(copy) && copy.of.file === file);
    return patched(source, replaced, added);
  };
  return folder.files.filter(isCopied).map((name): CheckpointFile => {
    const source = folder.open(name);
    if (shards.includes(name)) return { name, source, pieces: shardPieces(source, name) };
    if (name === configFile) return { name, source, pieces: edited(source, (text) => configText(text, surgery)) };
    if (name === indexFile)
      return { name, source, pieces: edited(source, (text) => indexText(text, copies.filter(isNew))) };
    return { name, source, pieces: whole(source) };
  });
}

/** Other forms of the weights are left behind: they are what they were, and a loader might take them. */
const isCopied = (name: string) => !/\.(bin|pt|pth|ckpt|h5|msgpack|onnx|gguf)$|\.bin\.index\.json$/.test(name);

/** Names of files that are not in the result. */
export const leftBehind = ({ folder }: Checkpoint): string[] => folder.files.filter((name) => !isCopied(name));

const whole = ({ size }: ByteSource): Piece[] => [{ start: 0, end: size }];

const bytesIn = (source: ByteSource, { start, length }: StoredTensor) => source.read(start, length);

interface Added {
  readonly name: string;
  readonly of: StoredTensor;
}

/** The file with other bytes for some tensors, and with tensors behind its last. */
function* patched(
  source: ByteSource,
  replaced: ReadonlyMap<StoredTensor, () => Piece>,
  added: readonly Added[],
): Generator<Piece> {
  const length = headerLength(source);
  if (added.length > 0) yield longerHeader(source, length, added);
  let at = added.length > 0 ? 8 + length : 0;
  for (const [entry, piece] of [...replaced].sort(([a], [b]) => a.start - b.start)) {
    const instead = piece();
    // One that stays as it is belongs to the range around it.
    if (!(instead instanceof Uint8Array)) continue;
    if (at < entry.start) yield { start: at, end: entry.start };
    yield instead;
    at = entry.start + entry.length;
  }
  if (at < source.size) yield { start: at, end: source.size };
  for (const { of } of added) yield rangeOf(of);
}

const rangeOf = ({ start, length }: StoredTensor): Range => ({ start, end: start + length });

/** The header with tensors that lie behind the last. */
function longerHeader(source: ByteSource, length: number, added: readonly Added[]): Uint8Array {
  let end = source.size - 8 - length;
  let text = new TextDecoder().decode(source.read(8, length)).trimEnd();
  for (const { name, of } of added) {
    const offsets = [end, end + of.length];
    text = withMember(text, name, { dtype: of.type, shape: of.shape, data_offsets: offsets });
    end += of.length;
  }
  const bytes = new TextEncoder().encode(text);
  const padded = Math.ceil(bytes.length / 8) * 8;
  const header = new Uint8Array(8 + padded).fill(0x20, 8);
  new DataView(header.buffer).setBigUint64(0, BigInt(padded), true);
  header.set(bytes, 8);
  return header;
}

function centeredPiece(
  source: ByteSource,
  name: string,
  entry: StoredTensor,
  axis: number,
  tell: (written: WrittenTensor) => void,
): Piece {
  const element = elementOf.get(entry.type) as Half;
  const { numbers } = readSafetensor(source, source.name, name, entry);
  const rows = rowsAlong(entry.shape, axis);
  const before = worstMean(numbers, rows);
  if (before.part <= roundoff[element]) {
    tell({ tensor: name, residual: before.part, isChanged: false });
    return rangeOf(entry);
  }
  centerInPlace(numbers, rows, roundTo[element]);
  const { row, mean, part } = worstMean(numbers, rows);
  if (!(part <= meanTolerance[element])) {
    const span = { source: { name: source.name, text: "" }, start: 0, end: 0 };
    fail(constErrors.notCentered(span, name, row, mean));
  }
  tell({ tensor: name, residual: part, isChanged: true });
  const bytes = new Uint8Array(entry.length);
  putElements(fromNumbers(element, entry.shape, numbers), bytes, 0);
  return bytes;
}

/** A file of text, with another text in its place where that differs. */
function edited(source: ByteSource, edit: (text: string) => string): Piece[] {
  const text = new TextDecoder().decode(source.read(0, source.size));
  const after = edit(text);
  return after === text ? whole(source) : [new TextEncoder().encode(after)];
}

/** `rms_norms` names the modules that may be RMSNorms: the library ignores it, and those who exchange modules read it. */
function configText(text: string, { norms, untied }: CheckpointSurgery): string {
  const names = norms.filter(({ norm, isRms }) => norm === "layernorm" && isRms).map(({ module }) => module);
  const untiedText = untied.length === 0 ? text : withMember(text, "tie_word_embeddings", false);
  return names.length === 0 ? untiedText : withMember(untiedText, "rms_norms", names);
}

function indexText(text: string, added: readonly Added[]): string {
  if (added.length === 0) return text;
  const { metadata, weight_map: map } = JSON.parse(text) as { metadata?: { total_size?: number }; weight_map: Json };
  const total = added.reduce((sum, { of }) => sum + of.length, metadata?.total_size ?? 0);
  const files = Object.fromEntries(added.map(({ name, of }) => [name, of.file]));
  const mapped = withMember(text, "weight_map", { ...(map as object), ...files });
  return metadata?.total_size === undefined
    ? mapped
    : withMember(mapped, "metadata", { ...metadata, total_size: total });
}
