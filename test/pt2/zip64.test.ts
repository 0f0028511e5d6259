/** Archives whose sizes and places stand in fields of 64 bits (APPNOTE.TXT 4.5.3), as those beyond 4 GiB have them. */

import { unzipSync } from "fflate";
import { expect, test } from "vitest";
import { type ByteSource, bytesInMemory } from "../../src/onnx/bytes.ts";
import { bytesOf, type Piece } from "../../src/onnx/write.ts";
import { Pt2Model } from "../../src/pt2/model.ts";
import { surgery } from "../../src/surgery/surgery.ts";
import { archiveBytes } from "../support/pt2.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);

/** Numbers of 2, 4 or 8 bytes, one behind the other. */
function numbers(...fields: readonly (readonly [value: number, bytes: 2 | 4 | 8])[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(fields.reduce((sum, [, bytes]) => sum + bytes, 0)));
  let at = 0;
  for (const [value, bytes] of fields) {
    if (bytes === 8) view.setBigUint64(at, BigInt(value), true);
    else if (bytes === 4) view.setUint32(at, value, true);
    else view.setUint16(at, value, true);
    at += bytes;
  }
  return new Uint8Array(view.buffer);
}

interface Entry {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly crc: number;
}

function entriesOf(archive: Uint8Array): Entry[] {
  const view = new DataView(archive.buffer, archive.byteOffset, archive.length);
  return Object.entries(unzipSync(archive)).map(([name, bytes]) => {
    // Its checksum is in its record, 30 bytes before its name.
    const at = Buffer.from(archive).lastIndexOf(name) - 30;
    return { name, bytes, crc: view.getUint32(at, true) };
  });
}

const [all16, all32] = [0xffff, 0xffffffff];

/** An archive of the entries, in which every number that has a field of 64 bits stands there; `before` bytes precede it. */
function zip64(entries: readonly Entry[], before: Uint8Array[] = [], listed: Uint8Array[] = [], start = 0): Uint8Array {
  const parts = [...before];
  const records = [...listed];
  let at = start;
  const push = (...more: Uint8Array[]) => {
    for (const part of more) at += part.length;
    parts.push(...more);
  };
  for (const { name, bytes, crc } of entries) {
    const offset = at;
    const [text, size] = [utf8(name), bytes.length];
    const common = [
      ...([[0x800, 2] as const, [0, 2] as const, [0, 2] as const, [0x21, 2] as const, [crc, 4] as const] as const),
      ...([[all32, 4] as const, [all32, 4] as const, [text.length, 2] as const] as const),
    ];
    push(
      numbers([0x04034b50, 4], [45, 2], ...common, [20, 2]),
      text,
      numbers([1, 2], [16, 2], [size, 8], [size, 8]),
      bytes,
    );
    records.push(
      numbers([0x02014b50, 4], [45, 2], [45, 2], ...common, [28, 2], [0, 2], [0, 2], [0, 2], [0, 4], [all32, 4]),
      text,
      numbers([1, 2], [24, 2], [size, 8], [size, 8], [offset, 8]),
    );
  }
  const directory = at;
  push(...records);
  const [end, count] = [at, entries.length + (listed.length > 0 ? 1 : 0)];
  push(
    numbers([0x06064b50, 4], [44, 8], [45, 2], [45, 2], [0, 4], [0, 4], [count, 8], [count, 8], [end - directory, 8]),
    numbers([directory, 8], [0x07064b50, 4], [0, 4], [end, 8], [1, 4]),
    numbers([0x06054b50, 4], [0, 2], [0, 2], [all16, 2], [all16, 2], [all32, 4], [all32, 4], [0, 2]),
  );
  return new Uint8Array(Buffer.concat(parts));
}

const operated = (source: ByteSource) => surgery(Pt2Model.read(source));
const entries = entriesOf(archiveBytes("gpt"));

test("an archive that has all its numbers there is read, and written with the same entries", () => {
  const [plain, wide] = [archiveBytes("gpt"), zip64(entries)].map((bytes) => {
    const { source, pieces } = operated(bytesInMemory("gpt.pt2", bytes));
    return unzipSync(Buffer.concat([...bytesOf(source, pieces)]));
  });
  expect(Object.keys(unzipSync(zip64(entries)))).toEqual(entries.map(({ name }) => name));
  expect(wide).toEqual(plain);
});

/** Bytes and stretches of zeros, as one source. */
function composed(parts: readonly (Uint8Array | number)[]): ByteSource {
  const lengthOf = (part: Uint8Array | number) => (typeof part === "number" ? part : part.length);
  const size = parts.reduce<number>((sum, part) => sum + lengthOf(part), 0);
  const read = (start: number, length: number) => {
    if (length > 2 ** 24) throw new Error("more than was needed is read");
    const result = new Uint8Array(length);
    let at = 0;
    for (const part of parts) {
      const [from, to] = [Math.max(at, start), Math.min(at + lengthOf(part), start + length)];
      if (from < to && typeof part !== "number") result.set(part.subarray(from - at, to - at), from - start);
      at += lengthOf(part);
    }
    return result;
  };
  return { name: "huge.pt2", size, read };
}

const huge = 5 * 2 ** 30;

/** The archive behind an entry of 5 GiB of zeros, which nobody could hold. */
function hugeSource(): { source: ByteSource; head: number } {
  const text = utf8(`${entries[0]?.name.split("/")[0]}/data/huge`);
  const common = [
    ...([[0x800, 2] as const, [0, 2] as const, [0, 2] as const, [0x21, 2] as const, [0, 4] as const] as const),
    ...([[all32, 4] as const, [all32, 4] as const, [text.length, 2] as const] as const),
  ];
  const sizes = numbers([1, 2], [16, 2], [huge, 8], [huge, 8]);
  const local = [numbers([0x04034b50, 4], [45, 2], ...common, [20, 2]), text, sizes];
  const record = [
    numbers([0x02014b50, 4], [45, 2], [45, 2], ...common, [20, 2], [0, 2], [0, 2], [0, 2], [0, 4], [0, 4]),
    ...[text, sizes],
  ];
  const head = new Uint8Array(Buffer.concat(local));
  return { source: composed([head, huge, zip64(entries, [], record, head.length + huge)]), head: head.length };
}

test("an entry of 5 GiB, and what stands behind it, is neither held nor lost", () => {
  const { source, head } = hugeSource();
  const first = operated(source);
  expect(first.norms.map(({ centering }) => centering)).toEqual(["folded", "folded"]);
  const isCopied = (piece: Piece) => !(piece instanceof Uint8Array) && piece.start === 0 && piece.end >= huge;
  expect(first.pieces.filter(isCopied)).toHaveLength(1);
  // What is written, without the zeros: an archive that is read again, and that a second surgery leaves as it is.
  const written = composed(
    first.pieces.flatMap((piece) => {
      if (piece instanceof Uint8Array) return [piece];
      if (!isCopied(piece)) return [source.read(piece.start, piece.end - piece.start)];
      return [source.read(0, head), huge, source.read(head + huge, piece.end - head - huge)];
    }),
  );
  expect(operated(written).norms.map(({ norm }) => norm)).toEqual(["rmsnorm", "rmsnorm"]);
  expect(operated(written).pieces).toEqual([{ start: 0, end: written.size }]);
});
