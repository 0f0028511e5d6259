/**
 * Writes the files of a rewritten checkpoint. Tensors keep their positions in their files: only the bytes of changed weights
 * differ from the original, and only the files with weights and the configuration.
 */

import * as checkpointErrors from "../diagnostics/areas/checkpoints.ts";
import * as constErrors from "../diagnostics/areas/consts.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { headerLength, readSafetensor, type WeightElement, weightElement } from "../formats/safetensors.ts";
import { roundoff, roundTo } from "../ir/float16.ts";
import { encode } from "../ir/number-formats.ts";
import { meanTolerance } from "../ir/row-means.ts";
import { roundUp } from "../launch/counts.ts";
import type { ByteSource, Range } from "../onnx/bytes.ts";
import type { Piece } from "../onnx/write.ts";
import { centerInPlace, multiplyInPlace, productsAlong, rowsAlong, worstMean } from "./center.ts";
import { type Checkpoint, configFile, indexFile, type Json, type StoredTensor } from "./checkpoint.ts";
import { withMember } from "./json-text.ts";
import type { Folded } from "./rewriting.ts";
import type { CenteredTensor, CheckpointSurgery } from "./surgery.ts";

/** The report on a centered tensor. */
export interface WrittenTensor {
  readonly tensor: string;
  /** The largest row mean that is left, relative to the largest element of its row. */
  readonly residual: number;
  /** False if it was already centered, and is copied. */
  readonly isChanged: boolean;
}

interface CheckpointFile {
  readonly name: string;
  /** The original file, to which ranges among the pieces refer. */
  readonly source: ByteSource;
  /** Computed on demand; a single range for a file that does not change. */
  readonly pieces: Iterable<Piece>;
}

/**
 * @param tell is called for each centered tensor when it is written.
 * @throws TircError E0671 if a row mean remains that rounding does not explain, E0796 if a number is too large for its type,
 * E0640 if a file cannot be read.
 */
export function checkpointFiles(
  checkpoint: Checkpoint,
  surgery: CheckpointSurgery,
  tell: (written: WrittenTensor) => void,
): CheckpointFile[] {
  const { folder, shards, tensors } = checkpoint;
  const centered = new Map(surgery.centered.map((one) => [one.tensor, one]));
  const changed = new Map<string, () => Float64Array>([
    ...surgery.folded.map(({ tensor, folded }) => [tensor, () => foldedNumbers(checkpoint, folded)] as const),
    ...surgery.emptied.map(({ tensor, number }) => {
      return [tensor, () => numbersOf(checkpoint, tensor).fill(number)] as const;
    }),
  ]);
  const copies = surgery.untied
    .flatMap(({ copies }) => copies)
    .map(({ tensor, from }) => ({ name: tensor, from, of: tensors.get(from) as StoredTensor }));
  const bytesOfCopy = ({ from, of }: Added) => {
    const numbers = changed.get(from);
    return numbers === undefined ? bytesIn(folder.open(of.file), of) : bytesWith(checkpoint, from, of, numbers());
  };
  const isNew = ({ name }: { name: string }) => !tensors.has(name);
  const shardPieces = (source: ByteSource, file: string): Iterable<Piece> => {
    const replaced = new Map<StoredTensor, () => Piece>();
    for (const [name, entry] of tensors) {
      if (entry.file !== file) continue;
      const [own, numbers] = [centered.get(name), changed.get(name)];
      const copy = copies.find((one) => one.name === name);
      if (copy !== undefined) replaced.set(entry, () => bytesOfCopy(copy));
      else if (own !== undefined) replaced.set(entry, () => centeredPiece(checkpoint, own, entry, tell));
      else if (numbers !== undefined) replaced.set(entry, () => bytesWith(checkpoint, name, entry, numbers()));
    }
    const added = copies.filter((copy) => isNew(copy) && copy.of.file === file);
    return patched(source, replaced, added, (copy) => (changed.has(copy.from) ? bytesOfCopy(copy) : rangeOf(copy.of)));
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

/** The original weights in other formats are not copied: a loader might prefer them. */
const isCopied = (name: string) => !/\.(bin|pt|pth|ckpt|h5|msgpack|onnx|gguf)$|\.bin\.index\.json$/.test(name);

/** The files that are not copied. */
export const leftBehind = ({ folder }: Checkpoint): string[] => folder.files.filter((name) => !isCopied(name));

const whole = ({ size }: ByteSource): Piece[] => [{ start: 0, end: size }];

const bytesIn = (source: ByteSource, { start, length }: StoredTensor) => source.read(start, length);

/** A copy of a tensor, including what was folded into that. */
interface Added {
  readonly name: string;
  readonly from: string;
  readonly of: StoredTensor;
}

/** A file with some tensors replaced, and others appended. */
function* patched(
  source: ByteSource,
  replaced: ReadonlyMap<StoredTensor, () => Piece>,
  added: readonly Added[],
  pieceOf: (copy: Added) => Piece,
): Generator<Piece> {
  const length = headerLength(source);
  if (added.length > 0) yield longerHeader(source, length, added);
  let at = added.length > 0 ? 8 + length : 0;
  for (const [entry, piece] of [...replaced].sort(([a], [b]) => a.start - b.start)) {
    const instead = piece();
    // An unchanged tensor is part of the surrounding range.
    if (!(instead instanceof Uint8Array)) continue;
    if (at < entry.start) yield { start: at, end: entry.start };
    yield instead;
    at = entry.start + entry.length;
  }
  if (at < source.size) yield { start: at, end: source.size };
  for (const copy of added) yield pieceOf(copy);
}

const rangeOf = ({ start, length }: StoredTensor): Range => ({ start, end: start + length });

/** The header with entries for appended tensors. */
function longerHeader(source: ByteSource, length: number, added: readonly Added[]): Uint8Array {
  let end = source.size - 8 - length;
  let text = new TextDecoder().decode(source.read(8, length)).trimEnd();
  for (const { name, of } of added) {
    const offsets = [end, end + of.length];
    text = withMember(text, name, { dtype: of.type, shape: of.shape, data_offsets: offsets });
    end += of.length;
  }
  const bytes = new TextEncoder().encode(text);
  const padded = roundUp(bytes.length, 8);
  const header = new Uint8Array(8 + padded).fill(0x20, 8);
  new DataView(header.buffer).setBigUint64(0, BigInt(padded), true);
  header.set(bytes, 8);
  return header;
}

function numbersOf({ folder, tensors }: Checkpoint, name: string): Float64Array {
  const entry = tensors.get(name) as StoredTensor;
  const source = folder.open(entry.file);
  return readSafetensor(source, source.name, name, entry).numbers;
}

/** Rounds numbers to the type of a tensor, and encodes them. Throws E0796. */
function bytesWith({ folder }: Checkpoint, tensor: string, entry: StoredTensor, numbers: Float64Array): Uint8Array {
  const element = weightElement(entry.type) as WeightElement;
  const rounded = numbers.map(roundTo[element]);
  const lost = rounded.findIndex((number, i) => Math.abs(number) === Infinity && Number.isFinite(numbers[i]));
  if (lost >= 0) fail(checkpointErrors.tooLarge(folder.name, tensor, element, numbers[lost] as number));
  return encode(element, rounded);
}

/** W diag(g) or W diag(1 + g); c + W b. */
function foldedNumbers(checkpoint: Checkpoint, folded: Folded): Float64Array {
  const [weight, by] = [numbersOf(checkpoint, folded.weight), numbersOf(checkpoint, folded.by)];
  const { shape } = checkpoint.tensors.get(folded.weight) as StoredTensor;
  const rows = rowsAlong(shape, folded.axis);
  if (folded.kind === "scaled") {
    multiplyInPlace(weight, rows, folded.plusOne ? by.map((number) => 1 + number) : by);
    return weight;
  }
  const sums = productsAlong(weight, rows, by);
  return numbersOf(checkpoint, folded.bias).map((number, i) => number + (sums[i] as number));
}

function centeredPiece(
  checkpoint: Checkpoint,
  { tensor, axis, scale }: CenteredTensor,
  entry: StoredTensor,
  tell: (written: WrittenTensor) => void,
): Piece {
  const element = weightElement(entry.type) as WeightElement;
  const numbers = numbersOf(checkpoint, tensor);
  const factors = scale === undefined ? undefined : numbersOf(checkpoint, scale);
  const isScaled = factors?.some((factor) => factor !== 1) === true;
  if (factors !== undefined && isScaled) multiplyInPlace(numbers, rowsAlong(entry.shape, axis), factors);
  const rows = rowsAlong(entry.shape, axis);
  const before = worstMean(numbers, rows);
  // A mean that is due to rounding is not worth centering again.
  if (before.part <= roundoff[element] && !isScaled) {
    tell({ tensor, residual: before.part, isChanged: false });
    return rangeOf(entry);
  }
  centerInPlace(numbers, rows, roundTo[element]);
  const { row, mean, part } = worstMean(numbers, rows);
  if (!(part <= meanTolerance[element])) {
    const span = { source: { name: checkpoint.folder.open(entry.file).name, text: "" }, start: 0, end: 0 };
    fail(constErrors.notCentered(span, tensor, row, mean));
  }
  tell({ tensor, residual: part, isChanged: true });
  return bytesWith(checkpoint, tensor, entry, numbers);
}

/** A text file after an edit; the original if that changes nothing. */
function edited(source: ByteSource, edit: (text: string) => string): Piece[] {
  const text = new TextDecoder().decode(source.read(0, source.size));
  const after = edit(text);
  return after === text ? whole(source) : [new TextEncoder().encode(after)];
}

/** `rms_norms` lists the modules that may be RMSNorms: the library ignores it, programs that replace modules read it. */
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
