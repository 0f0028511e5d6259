/** The fixed parts of a zip file, each described once for the reader and the writer. */

/** The values of the fields of a part. */
export type Fields<Part> = Part extends ZipPart<infer Name> ? Readonly<Record<Name, number>> : never;

/** A signature of four bytes, and unsigned little-endian integers in the order of their `sizes` in bytes. */
export class ZipPart<Name extends string> {
  readonly size: number;
  private readonly signature: number;
  private readonly fields: readonly (readonly [name: Name, offset: number, bytes: number])[];

  constructor(signature: number, sizes: Readonly<Record<Name, 2 | 4 | 8>>) {
    let end = 4;
    this.signature = signature;
    this.fields = (Object.entries(sizes) as [Name, number][]).map(([name, bytes]) => {
      end += bytes;
      return [name, end - bytes, bytes] as const;
    });
    this.size = end;
  }

  isAt(view: DataView, at = 0): boolean {
    return at + this.size <= view.byteLength && view.getUint32(at, true) === this.signature;
  }

  /** The fields at an offset; numbers beyond 2^53 are rounded. */
  read(view: DataView, at = 0): Readonly<Record<Name, number>> {
    const value = (start: number, bytes: number) => {
      let sum = 0;
      for (let i = bytes - 1; i >= 0; i--) sum = sum * 256 + view.getUint8(start + i);
      return sum;
    };
    const entries = this.fields.map(([name, offset, bytes]) => [name, value(at + offset, bytes)] as const);
    return Object.fromEntries(entries) as Record<Name, number>;
  }

  /** The encoded part; a field without a value is 0. */
  bytes(values: Partial<Readonly<Record<Name, number>>>): Uint8Array {
    const encoded = new Uint8Array(this.size);
    new DataView(encoded.buffer).setUint32(0, this.signature, true);
    for (const [name, offset, bytes] of this.fields) {
      for (let i = 0; i < bytes; i++) encoded[offset + i] = Math.floor((values[name] ?? 0) / 256 ** i) % 256;
    }
    return encoded;
  }
}
