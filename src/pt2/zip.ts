/**
 * Reads the directory of a zip archive, and locates the data of its entries.
 *
 * Entries must be stored, as PyTorch writes them: without compression, nothing can unpack to more than the file holds. Parts
 * of the file are read on demand and synchronously, which no zip library offers; the tests compare with such libraries.
 * The format is specified in APPNOTE.TXT 6.3.10 (PKWARE).
 */

import * as archiveErrors from "../diagnostics/areas/archives.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import type { ByteSource, Range } from "../onnx/bytes.ts";

export interface ZipEntry {
  readonly name: string;
  /** Its data. */
  readonly data: Range;
  /** From its local header to the next one, including what follows its data. */
  readonly block: Range;
  readonly crc: number;
  /** The fields of its directory record, except sizes and offset. */
  readonly record: ZipRecord;
}

export interface ZipRecord {
  readonly madeBy: number;
  readonly needed: number;
  readonly flags: number;
  readonly time: number;
  readonly date: number;
  readonly attributes: { readonly internal: number; readonly external: number };
  readonly name: Uint8Array;
  /** Without the Zip64 field. */
  readonly extra: Uint8Array;
  readonly comment: Uint8Array;
}

export interface ZipDirectory {
  /** In the order of the directory. */
  readonly entries: readonly ZipEntry[];
  readonly byName: ReadonlyMap<string, ZipEntry>;
  /** The offset of the directory. */
  readonly start: number;
  readonly comment: Uint8Array;
}

/** Signatures and sizes of the fixed parts of a zip file. */
export const zip = {
  local: { signature: 0x04034b50, size: 30 },
  record: { signature: 0x02014b50, size: 46 },
  end: { signature: 0x06054b50, size: 22 },
  end64: { signature: 0x06064b50, size: 56 },
  locator64: { signature: 0x07064b50, size: 20 },
} as const;

/** Markers in fields of 16 or 32 bits whose value is in a 64-bit field. */
export const beyond16 = 0xffff;
export const beyond32 = 0xffffffff;
/** The id of the Zip64 extra field. */
export const extra64 = 1;

/** No real model exceeds these limits. */
const most = { entries: 1 << 20, directory: 1 << 28 } as const;

/** Throws E0760. */
export function readZip(source: ByteSource): ZipDirectory {
  return new ZipReader(source).read();
}

interface DirectoryPlace {
  readonly count: number;
  readonly start: number;
  readonly end: number;
  readonly comment: Uint8Array;
}

/** A record of the directory, decoded. */
interface Listed {
  readonly name: string;
  readonly record: ZipRecord;
  readonly crc: number;
  readonly size: number;
  readonly offset: number;
}

class ZipReader {
  private readonly source: ByteSource;

  constructor(source: ByteSource) {
    this.source = source;
  }

  read(): ZipDirectory {
    const place = this.findDirectory();
    const listed = this.listed(place);
    const entries = this.placed(listed, place.start);
    const byName = new Map<string, ZipEntry>();
    for (const entry of entries) {
      if (byName.has(entry.name)) this.refuse(`it has the entry ${entry.name} twice`);
      byName.set(entry.name, entry);
    }
    return { entries, byName, start: place.start, comment: place.comment };
  }

  private refuse(reason: string): never {
    fail(archiveErrors.unsound(this.source.name, reason));
  }

  private view(start: number, length: number): DataView {
    if (start < 0 || start + length > this.source.size) this.refuse("it is cut off");
    const bytes = this.source.read(start, length);
    return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  private findDirectory(): DirectoryPlace {
    const { size } = this.source;
    const from = Math.max(0, size - zip.end.size - beyond16);
    const tail = this.view(from, size - from);
    let at = tail.byteLength - zip.end.size;
    // Check that the comment ends with the file: the signature may occur in the comment by chance.
    while (at >= 0 && !(isEnd(tail, at) && at + zip.end.size + tail.getUint16(at + 20, true) === tail.byteLength)) at--;
    if (at < 0) fail(archiveErrors.notZip(this.source.name));
    const comment = new Uint8Array(tail.buffer, tail.byteOffset + at + zip.end.size).slice();
    const end = from + at;
    const [count, length, start] = [
      tail.getUint16(at + 10, true),
      tail.getUint32(at + 12, true),
      tail.getUint32(at + 16, true),
    ];
    const other = this.directory64(end);
    const found = other ?? { count, length, start };
    const last = other?.at ?? end;
    if (found.count > most.entries) this.refuse(`it has ${found.count} entries`);
    if (found.length > most.directory || found.start + found.length > last) this.refuse("its directory is cut off");
    return { count: found.count, start: found.start, end: found.start + found.length, comment };
  }

  private directory64(end: number) {
    const at = end - zip.locator64.size;
    if (at < 0) return undefined;
    const locator = this.view(at, zip.locator64.size);
    if (locator.getUint32(0, true) !== zip.locator64.signature) return undefined;
    const place = this.number64(locator, 8);
    const view = this.view(place, zip.end64.size);
    if (view.getUint32(0, true) !== zip.end64.signature) this.refuse("its Zip64 end record is not at its offset");
    const [count, length, start] = [32, 40, 48].map((field) => this.number64(view, field)) as [number, number, number];
    return { at: place, count, length, start };
  }

  private number64(view: DataView, at: number): number {
    const value = view.getBigUint64(at, true);
    return value > BigInt(this.source.size) ? this.refuse("it is cut off") : Number(value);
  }

  private listed({ count, start, end }: DirectoryPlace): Listed[] {
    const view = this.view(start, end - start);
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    const found: Listed[] = [];
    let at = 0;
    while (found.length < count) {
      if (at + zip.record.size > bytes.length || view.getUint32(at, true) !== zip.record.signature) {
        this.refuse("its directory has fewer entries than its end record says");
      }
      const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) =>
        view.getUint16(at + field, true),
      ) as [number, number, number];
      const first = at + zip.record.size;
      const next = first + nameLength + extraLength + commentLength;
      if (next > bytes.length) this.refuse("its directory is cut off");
      const part = (from: number, length: number) => bytes.slice(from, from + length);
      const record = part(at, next - at);
      found.push(
        this.entry(new DataView(record.buffer), {
          name: part(first, nameLength),
          extra: part(first + nameLength, extraLength),
          comment: part(first + nameLength + extraLength, commentLength),
        }),
      );
      at = next;
    }
    return found;
  }

  private entry(view: DataView, parts: Pick<ZipRecord, "name" | "extra" | "comment">): Listed {
    const name = this.nameOf(parts.name);
    const number = (at: number) => view.getUint16(at, true);
    const [flags, method] = [number(8), number(10)];
    if ((flags & 1) !== 0) this.refuse(`its entry ${name} is encrypted`);
    if (method !== 0) fail(archiveErrors.compressed(this.source.name, name));
    const [packed, size, offset, extra] = this.numbers64(view, name, parts.extra);
    if (packed !== size) this.refuse(`its entry ${name} is not compressed, but has two sizes, ${packed} and ${size}`);
    const attributes = { internal: number(36), external: view.getUint32(38, true) };
    const times = { time: number(12), date: number(14) };
    const record = { madeBy: number(4), needed: number(6), flags, ...times, attributes, ...parts, extra };
    return { name, record, crc: view.getUint32(16, true), size, offset };
  }

  /** The sizes and the offset of an entry, from Zip64 fields if there are any, and the other extra fields. */
  private numbers64(view: DataView, name: string, extra: Uint8Array): [number, number, number, Uint8Array] {
    const fields = new DataView(extra.buffer, extra.byteOffset, extra.byteLength);
    const others: number[] = [];
    const wide: number[] = [];
    for (let at = 0; at < extra.length; ) {
      const length = at + 4 <= extra.length ? fields.getUint16(at + 2, true) : Infinity;
      if (at + 4 + length > extra.length) this.refuse(`the extra fields of its entry ${name} are cut off`);
      if (fields.getUint16(at, true) === extra64) {
        for (let i = 0; i + 8 <= Math.min(length, 24); i += 8) wide.push(this.number64(fields, at + 4 + i));
      } else others.push(...extra.subarray(at, at + 4 + length));
      at += 4 + length;
    }
    let next = 0;
    const read = (at: number) => {
      const value = view.getUint32(at, true);
      return value === beyond32 ? (wide[next++] ?? this.refuse(`its entry ${name} has no size`)) : value;
    };
    const [size, packed, offset] = [read(24), read(20), read(42)];
    return [packed, size, offset, Uint8Array.from(others)];
  }

  private nameOf(bytes: Uint8Array): string {
    let name: string;
    try {
      name = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch {
      this.refuse("the name of an entry is not UTF-8");
    }
    const isOutside = /^([/\\]|[A-Za-z]:)/.test(name) || name.split(/[/\\]/).includes("..");
    if (name === "" || name.includes("\0") || isOutside) this.refuse(`it has an entry named ${JSON.stringify(name)}`);
    return name;
  }

  /** Locates the data of entries, which must not overlap. */
  private placed(listed: readonly Listed[], end: number): ZipEntry[] {
    const starts = listed.map(({ offset }) => offset).sort((a, b) => a - b);
    const twice = starts.find((start, i) => start === starts[i + 1]);
    if (twice !== undefined) this.refuse(`two of its entries begin at byte ${twice}`);
    const nextOf = new Map(starts.map((start, i) => [start, starts[i + 1] ?? end]));
    return listed.map(({ name, record, crc, size, offset }) => {
      if (offset + zip.local.size > end) this.refuse(`the offset of its entry ${name} is beyond the data`);
      const local = this.view(offset, zip.local.size);
      if (local.getUint32(0, true) !== zip.local.signature) this.refuse(`its entry ${name} is not at its offset`);
      const start = offset + zip.local.size + local.getUint16(26, true) + local.getUint16(28, true);
      const next = nextOf.get(offset) as number;
      if (start + size > next) this.refuse(`its entry ${name} of ${size} bytes overlaps what follows`);
      return { name, data: { start, end: start + size }, block: { start: offset, end: next }, crc, record };
    });
  }
}

const isEnd = (view: DataView, at: number) => view.getUint32(at, true) === zip.end.signature;

/** The CRC-32 of zip files, computed incrementally. */
export class Crc {
  private value = -1;

  add(bytes: Uint8Array): this {
    let value = this.value;
    for (const byte of bytes) value = (crcTable[(value ^ byte) & 0xff] as number) ^ (value >>> 8);
    this.value = value;
    return this;
  }

  get sum(): number {
    return ~this.value >>> 0;
  }
}

const crcTable = Int32Array.from({ length: 256 }, (_, i) => {
  let value = i;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});
