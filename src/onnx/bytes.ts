/** Random access to bytes: a model may be larger than memory, and most of it is weights. */

/** A file, or anything else that bytes are read from. */
export interface ByteSource {
  /** The name shown in messages. */
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  /** Reads `length` bytes at offset `start`; the range is within the source. */
  read(start: number, length: number): Uint8Array;
}

/** The bytes `[start, end)` of a source. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

const blockSize = 1 << 16;

/** Buffers reads of single bytes. */
export class ByteReader {
  readonly source: ByteSource;
  private block: Uint8Array = new Uint8Array();
  private blockStart = 0;

  constructor(source: ByteSource) {
    this.source = source;
  }

  /** The byte at an offset within the source. */
  at(offset: number): number {
    const index = offset - this.blockStart;
    if (index >= 0 && index < this.block.length) return this.block[index] as number;
    this.blockStart = offset;
    this.block = this.source.read(offset, Math.min(blockSize, this.source.size - offset));
    return this.block[0] as number;
  }

  /** The bytes of a range within the source. */
  bytes({ start, end }: Range): Uint8Array {
    const from = start - this.blockStart;
    if (from >= 0 && end - this.blockStart <= this.block.length) {
      return this.block.subarray(from, end - this.blockStart);
    }
    return this.source.read(start, end - start);
  }
}

/** A source whose bytes are already in memory. */
export function bytesInMemory(name: string, bytes: Uint8Array): ByteSource {
  return { name, size: bytes.length, read: (start, length) => bytes.subarray(start, start + length) };
}
