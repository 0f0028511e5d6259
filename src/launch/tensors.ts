/** What a caller passes, checked: arrays, parts of buffers, numbers and extents. */

import type { Part } from "./bound.ts";
import type { LaunchBinding, LaunchManifest } from "./manifest.ts";
import type { Fail } from "./problems.ts";
import type { LaunchArray } from "./types.ts";

/** The values of GPUBufferUsage, which Node has not among its globals. */
export const usage = { mapRead: 1, copySource: 4, copyDestination: 8, uniform: 64, storage: 128 };

/** The arrays of element types: an f16 as its bits, a bool as 0 or 1. */
export const arrays = { f32: Float32Array, f16: Uint16Array, i32: Int32Array, u32: Uint32Array, bool: Uint32Array };

/** A member of an argument. What is inherited, as `toString` is, was not passed. */
export const own = (given: object, name: string): unknown =>
  Object.hasOwn(given, name) ? (given as Readonly<Record<string, unknown>>)[name] : undefined;

/** Bytes of one element in its buffer. */
export const bytesOf = ({ storage }: Pick<LaunchBinding, "storage">): number => (storage.startsWith("f16") ? 2 : 4);

/** Bytes that are bound: the elements', in whole words, and at least one of what the WGSL's array is of. */
export function boundSize(binding: Pick<LaunchBinding, "storage" | "stride">, count: number): number {
  return Math.max(4, binding.stride, Math.ceil((count * bytesOf(binding)) / 4) * 4);
}

/** By name. */
export function readExtents({ dims }: LaunchManifest, given: object, fail: Fail): ReadonlyMap<string, number> {
  return new Map(
    dims.map(({ name }) => {
      const got = own(given, name);
      const isExtent = Number.isInteger(got) && (got as number) >= 0 && (got as number) < 2 ** 32;
      return isExtent ? [name, got as number] : fail("E0607 no extent", name, got);
    }),
  );
}

/** What the uniform buffer holds: extents and scalars. */
export function readUniforms(
  { fields, size }: NonNullable<LaunchManifest["uniforms"]>,
  tensors: object,
  extents: ReadonlyMap<string, number>,
  fail: Fail,
): ArrayBuffer {
  const bytes = new ArrayBuffer(size);
  for (const [i, { kind, name, element }] of fields.entries()) {
    const got = kind === "dim" ? extents.get(name) : own(tensors, name);
    if (got === undefined) fail("E0601 missing", name);
    const isFloat = element === "f32" || element === "f16";
    const number = typeof got === "boolean" && element === "bool" ? Number(got) : got;
    const list = new arrays[element === "f16" ? "f32" : element](bytes, 4 * i, 1);
    list[0] = element === "f16" ? roundToHalf(number as number) : (number as number);
    const isHeld = isFloat || (list[0] === number && (element !== "bool" || number < 2));
    if (typeof number !== "number" || !isHeld) fail("E0603 not a scalar", name, element, got);
  }
  return bytes;
}

/** A binding, how many elements it has, and what is bound: a part of a buffer, or else an array or a result to be made. */
export interface Given {
  readonly binding: LaunchBinding;
  readonly count: number;
  readonly part?: Part;
  readonly array?: LaunchArray;
}

/** Throws where an array is not of the right type and length, or a part of a buffer is not large enough. */
export function readTensor(
  binding: LaunchBinding,
  value: unknown,
  count: number,
  limits: GPUSupportedLimits,
  fail: Fail,
): Given {
  const { name, element, access } = binding;
  const isInput = access === "read";
  if (value === undefined && isInput) fail("E0601 missing", name);
  const needs = boundSize(binding, count);
  const isHost = isInput && ArrayBuffer.isView(value);
  for (const limit of ["maxStorageBufferBindingSize", "maxBufferSize"] as const) {
    const isAsked = limit !== "maxBufferSize" || isHost || value === undefined;
    if (isAsked && needs > limits[limit]) fail("E0608 too large", name, needs, limit, limits[limit]);
  }
  if (value === undefined) return { binding, count };
  const type = arrays[element].name;
  if (isHost) {
    const array = value as unknown as LaunchArray;
    if (array[Symbol.toStringTag] !== type) fail("E0603 not a tensor", name, type, value);
    return array.length === count ? { binding, count, array } : fail("E0605 wrong length", name, array.length, count);
  }
  const given = Object(value) as Partial<GPUBufferBinding>;
  const { buffer, offset = 0, size = Infinity } = "buffer" in given ? given : { buffer: value as GPUBuffer };
  if (typeof buffer?.size !== "number" || typeof buffer.usage !== "number") {
    return fail("E0603 not a tensor", name, type, value);
  }
  if ((buffer.usage & usage.storage) === 0) fail("E0618 no storage", name);
  const multiple = limits.minStorageBufferOffsetAlignment;
  if (offset !== 0 && !(offset > 0 && offset % multiple === 0)) fail("E0618 misaligned", name, offset, multiple);
  const has = Math.min(size, buffer.size - offset);
  if (!(has >= needs)) fail("E0618 too small", name, has, needs);
  return { binding, count, part: { buffer, offset, size: needs } };
}

/**
 * Inputs that are the memory of a result, each with its result. Throws for those that may not be: WebGPU takes two parts
 * of one buffer where both are read or both are results, and no place twice of which one is written.
 */
export function readAliases(given: readonly Given[], fail: Fail): (readonly [LaunchBinding, LaunchBinding])[] {
  const aliases: (readonly [LaunchBinding, LaunchBinding])[] = [];
  for (const [i, { binding: result, part: b }] of given.entries()) {
    if (!b || result.access === "read") continue;
    for (const { binding: other, part: a } of given.slice(0, i)) {
      if (a?.buffer !== b.buffer) continue;
      const isInput = other.access === "read";
      const isApart = a.offset >= b.offset + b.size || b.offset >= a.offset + a.size;
      if (!isInput && isApart) continue;
      const mayAlias = isInput && result.mayAlias?.includes(other.name) === true;
      if (!mayAlias || a.offset !== b.offset) fail("E0619 one buffer", other.name, result.name, mayAlias);
      aliases.push([other, result]);
    }
  }
  return aliases;
}

/** writeBuffer takes multiples of four bytes: an odd number of halves is copied first. */
export function writeArray(queue: GPUQueue, buffer: GPUBuffer, array: LaunchArray): void {
  let bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  if (bytes.length % 4 > 0) {
    bytes = new Uint8Array(bytes.length + 2);
    bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  }
  queue.writeBuffer(buffer, 0, bytes);
}

/** The nearest f16, to even between two: as a float64 is rounded whose last bit is worth as much as the f16's. */
export function roundToHalf(value: number): number {
  const size = Math.abs(value);
  if (!(size > 0 && size < Infinity)) return value;
  const large = 2 ** (Math.max(-14, Math.floor(Math.log2(size))) + 42);
  const nearest = size + large - large;
  return Math.sign(value) * (nearest > 65504 ? Infinity : nearest);
}
