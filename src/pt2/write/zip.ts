/**
 * Writes a zip archive with some entries replaced, removed or added. All others are ranges of the original file, so that a
 * large archive need not fit into memory; entries are only moved by multiples of PyTorch's alignment.
 */

import type { Range } from "../../onnx/bytes.ts";
import type { Piece } from "../../onnx/write.ts";
import { beyond16, beyond32, Crc, extra64, type ZipDirectory, type ZipEntry, type ZipRecord, zip } from "../zip.ts";

/** PyTorch aligns the data of entries, so that tensors can be memory-mapped. */
const alignment = 64;
/** The extra field that PyTorch uses for padding. */
const padding = { id: 0x4246, fill: 0x5a } as const;
/** Names are UTF-8. */
const utf8Flag = 0x800;

interface ZipChanges {
  /** The new data of entries, by name; undefined removes the entry. */
  readonly instead: ReadonlyMap<string, Uint8Array | undefined>;
  /** New entries, by name. */
  readonly added: ReadonlyMap<string, Uint8Array>;
}

/** An entry of the rewritten archive. */
interface Placed {
  readonly record: ZipRecord;
  readonly crc: number;
  readonly size: number;
  readonly offset: number;
}

export function rewrittenZip(directory: ZipDirectory, { instead, added }: ZipChanges): Piece[] {
  const writer = new ZipWriter();
  const inOrder = directory.entries.toSorted((a, b) => a.block.start - b.block.start);
  const placed = new Map<ZipEntry, Placed>();
  const first = inOrder[0]?.block.start ?? directory.start;
  writer.copy({ start: 0, end: first });
  for (const entry of inOrder) {
    const bytes = instead.get(entry.name);
    if (bytes !== undefined) placed.set(entry, writer.add(entry.record, bytes));
    else if (!instead.has(entry.name)) placed.set(entry, writer.copyEntry(entry));
    // The following entry keeps its alignment.
    writer.fillUpTo(entry.block.end % alignment);
  }
  const [like] = inOrder;
  const fresh = [...added].map(([name, bytes]) => writer.add(recordFor(name, like?.record), bytes));
  const kept = directory.entries.flatMap((entry) => placed.get(entry) ?? []);
  writer.end([...kept, ...fresh], directory.comment);
  return writer.pieces;
}

/** A record with the times and flags of another entry. */
function recordFor(name: string, like: ZipRecord | undefined): ZipRecord {
  const none = { madeBy: 0, needed: 20, time: 0, date: 0x21, attributes: { internal: 0, external: 0 } };
  const empty = { extra: new Uint8Array(), comment: new Uint8Array() };
  return { ...none, ...like, ...empty, flags: utf8Flag, name: new TextEncoder().encode(name) };
}

class ZipWriter {
  readonly pieces: Piece[] = [];
  private at = 0;

  private push(bytes: Uint8Array): void {
    if (bytes.length > 0) this.pieces.push(bytes);
    this.at += bytes.length;
  }

  copy(range: Range): void {
    const last = this.pieces.at(-1);
    if (range.end === range.start) return;
    if (last !== undefined && !(last instanceof Uint8Array) && last.end === range.start) {
      this.pieces[this.pieces.length - 1] = { start: last.start, end: range.end };
    } else this.pieces.push(range);
    this.at += range.end - range.start;
  }

  copyEntry({ block, data, crc, record }: ZipEntry): Placed {
    const offset = this.at;
    this.copy(block);
    return { record, crc, size: data.end - data.start, offset };
  }

  fillUpTo(remainder: number): void {
    const missing = (((remainder - this.at) % alignment) + alignment) % alignment;
    this.push(new Uint8Array(missing));
  }

  add(given: ZipRecord, bytes: Uint8Array): Placed {
    const offset = this.at;
    const crc = new Crc().add(bytes).sum;
    // Without the flag for a data descriptor: the sizes are in the local header.
    const record = { ...given, flags: given.flags & ~8 };
    const wide = bytes.length >= beyond32 ? extra64Field([bytes.length, bytes.length]) : new Uint8Array();
    const before = offset + zip.local.size + record.name.length + wide.length + 4;
    const fill = ((-before % alignment) + alignment) % alignment;
    const extra = new Uint8Array(4 + fill).fill(padding.fill);
    new DataView(extra.buffer).setUint16(0, padding.id, true);
    new DataView(extra.buffer).setUint16(2, fill, true);
    const head = new DataView(new ArrayBuffer(zip.local.size));
    const small = Math.min(bytes.length, beyond32);
    setNumbers(head, [
      ...[[0, zip.local.signature, 4] as const, [4, wide.length > 0 ? 45 : record.needed, 2] as const],
      ...[[6, record.flags, 2] as const, [10, record.time, 2] as const, [12, record.date, 2] as const],
      ...[[14, crc, 4] as const, [18, small, 4] as const, [22, small, 4] as const],
      ...[[26, record.name.length, 2] as const, [28, wide.length + extra.length, 2] as const],
    ]);
    for (const part of [new Uint8Array(head.buffer), record.name, wide, extra, bytes]) this.push(part);
    return { record, crc, size: bytes.length, offset };
  }

  /** Writes the directory and the end records. */
  end(entries: readonly Placed[], comment: Uint8Array): void {
    const start = this.at;
    for (const entry of entries) for (const part of recordParts(entry)) this.push(part);
    const length = this.at - start;
    const isWide = entries.length >= beyond16 || length >= beyond32 || start >= beyond32;
    if (isWide) this.end64(entries.length, length, start);
    const end = new DataView(new ArrayBuffer(zip.end.size));
    const count = Math.min(entries.length, beyond16);
    setNumbers(end, [
      ...[[0, zip.end.signature, 4] as const, [8, count, 2] as const, [10, count, 2] as const],
      ...[[12, Math.min(length, beyond32), 4] as const, [16, Math.min(start, beyond32), 4] as const],
      [20, comment.length, 2],
    ]);
    this.push(new Uint8Array(end.buffer));
    this.push(comment);
  }

  private end64(count: number, length: number, start: number): void {
    const at = this.at;
    const end = new DataView(new ArrayBuffer(zip.end64.size));
    setNumbers(end, [
      ...[[0, zip.end64.signature, 4] as const, [4, zip.end64.size - 12, 8] as const],
      ...[[12, 45, 2] as const, [14, 45, 2] as const, [24, count, 8] as const, [32, count, 8] as const],
      ...[[40, length, 8] as const, [48, start, 8] as const],
    ]);
    const locator = new DataView(new ArrayBuffer(zip.locator64.size));
    setNumbers(locator, [
      [0, zip.locator64.signature, 4],
      [8, at, 8],
      [16, 1, 4],
    ]);
    this.push(new Uint8Array(end.buffer));
    this.push(new Uint8Array(locator.buffer));
  }
}

function recordParts({ record, crc, size, offset }: Placed): Uint8Array[] {
  const { name, extra, comment, attributes } = record;
  const [isLarge, isFar] = [size >= beyond32, offset >= beyond32];
  const numbers = [...(isLarge ? [size, size] : []), ...(isFar ? [offset] : [])];
  const wide = numbers.length === 0 ? new Uint8Array() : extra64Field(numbers);
  const view = new DataView(new ArrayBuffer(zip.record.size));
  const shown = isLarge ? beyond32 : size;
  setNumbers(view, [
    ...[[0, zip.record.signature, 4] as const, [4, record.madeBy, 2] as const],
    ...[[6, wide.length > 0 ? 45 : record.needed, 2] as const, [8, record.flags, 2] as const],
    ...[[12, record.time, 2] as const, [14, record.date, 2] as const, [16, crc, 4] as const],
    ...[[20, shown, 4] as const, [24, shown, 4] as const, [28, name.length, 2] as const],
    ...[[30, extra.length + wide.length, 2] as const, [32, comment.length, 2] as const],
    ...[[36, attributes.internal, 2] as const, [38, attributes.external, 4] as const],
    [42, isFar ? beyond32 : offset, 4],
  ]);
  return [new Uint8Array(view.buffer), name, wide, extra, comment];
}

function extra64Field(numbers: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 + 8 * numbers.length));
  setNumbers(view, [[0, extra64, 2], [2, 8 * numbers.length, 2], ...numbers.map((n, i) => [4 + 8 * i, n, 8] as const)]);
  return new Uint8Array(view.buffer);
}

/** Writes integers of 2, 4 or 8 bytes. */
function setNumbers(view: DataView, fields: readonly (readonly [at: number, value: number, bytes: 2 | 4 | 8])[]): void {
  for (const [at, value, bytes] of fields) {
    if (bytes === 2) view.setUint16(at, value, true);
    else if (bytes === 4) view.setUint32(at, value, true);
    else view.setBigUint64(at, BigInt(value), true);
  }
}
