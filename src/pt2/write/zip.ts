/**
 * Writes a zip archive with some entries replaced, removed or added. All others are ranges of the original file, so that a
 * large archive need not fit into memory; entries are only moved by multiples of PyTorch's alignment.
 */

import { roundUp } from "../../launch/counts.ts";
import type { Range } from "../../onnx/bytes.ts";
import { joinBytes } from "../../onnx/encode.ts";
import type { Piece } from "../../onnx/write.ts";
import { beyond16, beyond32, Crc, extra64, type ZipDirectory, type ZipEntry, type ZipRecord, zip } from "../zip.ts";

/** PyTorch aligns the data of entries, so that tensors can be memory-mapped. */
const alignment = 64;
/** The extra field that PyTorch uses for padding. */
const padding = { id: 0x4246, fill: 0x5a } as const;
/** The number of bytes from a position to the next aligned one. */
const missingTo = (position: number): number => roundUp(position, alignment) - position;
/** The version that an entry with a Zip64 field needs: 4.5. */
const neededFor64 = 45;
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
  const none = { madeBy: 0, needed: 20, time: 0, date: 0x21, internal: 0, external: 0 };
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
    this.push(new Uint8Array(missingTo(this.at - remainder)));
  }

  add(given: ZipRecord, bytes: Uint8Array): Placed {
    const offset = this.at;
    const crc = new Crc().add(bytes).sum;
    // Without the flag for a data descriptor: the sizes are in the local header.
    const record = { ...given, flags: given.flags & ~8 };
    const wide = bytes.length >= beyond32 ? extra64Field([bytes.length, bytes.length]) : new Uint8Array();
    const before = offset + zip.local.size + record.name.length + wide.length + 4;
    const extra = extraField(padding.id, new Uint8Array(missingTo(before)).fill(padding.fill));
    const small = Math.min(bytes.length, beyond32);
    const head = zip.local.bytes({
      ...{ ...record, needed: wide.length > 0 ? neededFor64 : record.needed, crc, packed: small, size: small },
      ...{ nameLength: record.name.length, extraLength: wide.length + extra.length },
    });
    for (const part of [head, record.name, wide, extra, bytes]) this.push(part);
    return { record, crc, size: bytes.length, offset };
  }

  /** Writes the directory and the end records. */
  end(entries: readonly Placed[], comment: Uint8Array): void {
    const start = this.at;
    for (const entry of entries) for (const part of recordParts(entry)) this.push(part);
    const length = this.at - start;
    if (entries.length >= beyond16 || length >= beyond32 || start >= beyond32) {
      this.end64(entries.length, length, start);
    }
    const count = Math.min(entries.length, beyond16);
    const place = { length: Math.min(length, beyond32), start: Math.min(start, beyond32) };
    this.push(zip.end.bytes({ countHere: count, count, ...place, commentLength: comment.length }));
    this.push(comment);
  }

  private end64(count: number, length: number, start: number): void {
    const offset = this.at;
    const versions = { madeBy: neededFor64, needed: neededFor64 };
    this.push(zip.end64.bytes({ rest: zip.end64.size - 12, ...versions, countHere: count, count, length, start }));
    this.push(zip.locator64.bytes({ offset, disks: 1 }));
  }
}

function recordParts({ record, crc, size, offset }: Placed): Uint8Array[] {
  const { name, extra, comment } = record;
  const numbers = [...(size >= beyond32 ? [size, size] : []), ...(offset >= beyond32 ? [offset] : [])];
  const wide = numbers.length === 0 ? new Uint8Array() : extra64Field(numbers);
  const shown = Math.min(size, beyond32);
  const head = zip.record.bytes({
    ...{ ...record, needed: wide.length > 0 ? neededFor64 : record.needed, crc, packed: shown, size: shown },
    ...{ nameLength: name.length, extraLength: extra.length + wide.length, commentLength: comment.length },
    offset: Math.min(offset, beyond32),
  });
  return [head, name, wide, extra, comment];
}

function extraField(id: number, content: Uint8Array): Uint8Array {
  const head = new DataView(new ArrayBuffer(4));
  head.setUint16(0, id, true);
  head.setUint16(2, content.length, true);
  return joinBytes(new Uint8Array(head.buffer), content);
}

const extra64Field = (numbers: readonly number[]): Uint8Array =>
  extraField(extra64, new Uint8Array(BigUint64Array.from(numbers, BigInt).buffer));
