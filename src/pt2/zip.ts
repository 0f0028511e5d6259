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
import { type Fields, ZipPart } from "./zip-part.ts";

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

/** The fields of a directory record that a rewritten archive keeps. */
export interface ZipRecord extends Pick<Fields<typeof zip.record>, (typeof keptFields)[number]> {
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

/** The fixed parts of a zip file. */
export const zip = {
  local: new ZipPart(0x04034b50, {
    ...{ needed: 2, flags: 2, method: 2, time: 2, date: 2, crc: 4, packed: 4, size: 4 },
    ...{ nameLength: 2, extraLength: 2 },
  }),
  record: new ZipPart(0x02014b50, {
    ...{ madeBy: 2, needed: 2, flags: 2, method: 2, time: 2, date: 2, crc: 4, packed: 4, size: 4 },
    ...{ nameLength: 2, extraLength: 2, commentLength: 2, disk: 2, internal: 2, external: 4, offset: 4 },
  }),
  end: new ZipPart(0x06054b50, {
    ...{ disk: 2, directoryDisk: 2, countHere: 2, count: 2, length: 4, start: 4, commentLength: 2 },
  }),
  end64: new ZipPart(0x06064b50, {
    ...{ rest: 8, madeBy: 2, needed: 2, disk: 4, directoryDisk: 4, countHere: 8, count: 8, length: 8, start: 8 },
  }),
  locator64: new ZipPart(0x07064b50, { disk: 4, offset: 8, disks: 4 }),
} as const;

const keptFields = ["madeBy", "needed", "flags", "time", "date", "internal", "external"] as const;

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
    const isEnd = () =>
      zip.end.isAt(tail, at) && at + zip.end.size + zip.end.read(tail, at).commentLength === tail.byteLength;
    while (at >= 0 && !isEnd()) at--;
    if (at < 0) fail(archiveErrors.notZip(this.source.name));
    const comment = new Uint8Array(tail.buffer, tail.byteOffset + at + zip.end.size).slice();
    const other = this.directory64(from + at);
    const { count, length, start } = other ?? zip.end.read(tail, at);
    if (count > most.entries) this.refuse(`it has ${count} entries`);
    const last = other?.at ?? from + at;
    if (length > most.directory || start + length > last) this.refuse("its directory is cut off");
    return { count, start, end: start + length, comment };
  }

  private directory64(end: number) {
    const at = end - zip.locator64.size;
    if (at < 0) return undefined;
    const locator = this.view(at, zip.locator64.size);
    if (!zip.locator64.isAt(locator)) return undefined;
    const place = this.inside(zip.locator64.read(locator).offset);
    const view = this.view(place, zip.end64.size);
    if (!zip.end64.isAt(view)) this.refuse("its Zip64 end record is not at its offset");
    const { count, length, start } = zip.end64.read(view);
    for (const number of [count, length, start]) this.inside(number);
    return { at: place, count, length, start };
  }

  /** A number of 64 bits, which must not exceed the size of the file. */
  private inside(value: number): number {
    return value > this.source.size ? this.refuse("it is cut off") : value;
  }

  private listed({ count, start, end }: DirectoryPlace): Listed[] {
    const view = this.view(start, end - start);
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    const found: Listed[] = [];
    let at = 0;
    while (found.length < count) {
      if (!zip.record.isAt(view, at)) this.refuse("its directory has fewer entries than its end record says");
      const fields = zip.record.read(view, at);
      at += zip.record.size;
      const { nameLength, extraLength, commentLength } = fields;
      const [name, extra, comment] = [nameLength, extraLength, commentLength].map((length) => {
        at += length;
        return bytes.slice(at - length, at);
      }) as [Uint8Array, Uint8Array, Uint8Array];
      if (at > bytes.length) this.refuse("its directory is cut off");
      found.push(this.entry(fields, { name, extra, comment }));
    }
    return found;
  }

  private entry(fields: Fields<typeof zip.record>, parts: Pick<ZipRecord, "name" | "extra" | "comment">): Listed {
    const name = this.nameOf(parts.name);
    if ((fields.flags & 1) !== 0) this.refuse(`its entry ${name} is encrypted`);
    if (fields.method !== 0) fail(archiveErrors.compressed(this.source.name, name));
    const { packed, size, offset, extra } = this.numbers64(fields, name, parts.extra);
    if (packed !== size) this.refuse(`its entry ${name} is not compressed, but has two sizes, ${packed} and ${size}`);
    return { name, record: { ...fields, ...parts, extra }, crc: fields.crc, size, offset };
  }

  /** The sizes and the offset of an entry, from Zip64 fields if there are any, and the other extra fields. */
  private numbers64(given: Fields<typeof zip.record>, name: string, extra: Uint8Array) {
    const view = new DataView(extra.buffer, extra.byteOffset, extra.byteLength);
    const others: number[] = [];
    const wide: number[] = [];
    for (let at = 0; at < extra.length; ) {
      const length = at + 4 <= extra.length ? view.getUint16(at + 2, true) : Infinity;
      if (at + 4 + length > extra.length) this.refuse(`the extra fields of its entry ${name} are cut off`);
      if (view.getUint16(at, true) === extra64) {
        for (let i = 0; i + 8 <= Math.min(length, 24); i += 8) {
          wide.push(this.inside(Number(view.getBigUint64(at + 4 + i, true))));
        }
      } else others.push(...extra.subarray(at, at + 4 + length));
      at += 4 + length;
    }
    // In the order in which the Zip64 field has them.
    const [size, packed, offset] = [given.size, given.packed, given.offset].map((value) =>
      value === beyond32 ? (wide.shift() ?? this.refuse(`its entry ${name} has no size`)) : value,
    ) as [number, number, number];
    return { packed, size, offset, extra: Uint8Array.from(others) };
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
      if (!zip.local.isAt(local)) this.refuse(`its entry ${name} is not at its offset`);
      const { nameLength, extraLength } = zip.local.read(local);
      const start = offset + zip.local.size + nameLength + extraLength;
      const next = nextOf.get(offset) as number;
      if (start + size > next) this.refuse(`its entry ${name} of ${size} bytes overlaps what follows`);
      return { name, data: { start, end: start + size }, block: { start: offset, end: next }, crc, record };
    });
  }
}

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
