/** Files as NumPy writes them, and as it does not. */

/** The bytes before the header's text. */
export function npyPrefix(headerLength: number, version = 1): Buffer {
  const length = Buffer.alloc(version === 1 ? 2 : 4);
  if (version === 1) length.writeUInt16LE(headerLength);
  else length.writeUInt32LE(headerLength);
  return Buffer.concat([Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0]), length]);
}

/** A file with this text as its header. */
export function npyWithHeader(header: string, data: Uint8Array, version = 1): Buffer {
  const text = Buffer.from(header, "latin1");
  return Buffer.concat([npyPrefix(text.length, version), text, data]);
}

/** A file of an array, in C order. */
export function npyFile(type: string, shape: readonly number[], data: Uint8Array): Buffer {
  const dims = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  return npyWithHeader(`{'descr': '${type}', 'fortran_order': False, 'shape': (${dims}), }\n`, data);
}
