/** Bytes that are read in parts: a model may be larger than the memory, and most of it is weights. */

/** A file, or something like it. */
export interface ByteSource {
  /** What messages call it. */
  readonly name: string;
  readonly size: number;
  /** `length` bytes from `start` on, which lie inside. */
  read(start: number, length: number): Uint8Array;
}

/** Bytes from `start` to `end - 1` of a source. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

const blockSize = 1 << 16;

/** Single bytes of a source, read in blocks. */
export class ByteReader {
  readonly source: ByteSource;
  private block: Uint8Array = new Uint8Array();
  private blockStart = 0;

  constructor(source: ByteSource) {
    this.source = source;
  }

  /** The byte at an offset that lies inside. */
  at(offset: number): number {
    const index = offset - this.blockStart;
    if (index >= 0 && index < this.block.length) return this.block[index] as number;
    this.blockStart = offset;
    this.block = this.source.read(offset, Math.min(blockSize, this.source.size - offset));
    return this.block[0] as number;
  }

  /** The bytes of a range that lies inside. */
  bytes({ start, end }: Range): Uint8Array {
    const from = start - this.blockStart;
    if (from >= 0 && end - this.blockStart <= this.block.length) {
      return this.block.subarray(from, end - this.blockStart);
    }
    return this.source.read(start, end - start);
  }
}

/** A model that is in memory already. */
export function bytesInMemory(name: string, bytes: Uint8Array): ByteSource {
  return { name, size: bytes.length, read: (start, length) => bytes.subarray(start, start + length) };
}
