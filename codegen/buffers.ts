/** The kernel's buffers: how elements are read from them and written to them. Scalars are read from the uniform buffer. */

import type { ElementType } from "../src/ir/types.ts";
import type { Buffer, Storage } from "./kernel/buffer.ts";
import type { Width } from "./kernel/expression.ts";

export function storageOf(element: ElementType, features: readonly string[]): Storage {
  if (element === "f16") return features.includes("shader-f16") ? "f16" : "f16x2";
  return element === "bool" ? "u32" : element;
}

const scalarOf = { f32: "f32", f16: "f16", i32: "i32", u32: "u32", f16x2: "u32" } as const;

/** Two lanes may write the two halves of one word, so both do it atomically. */
const isAtomic = ({ storage, type, access }: Buffer) =>
  storage === "f16x2" && type.width === 1 && access === "read_write";

/** The type of what the buffer is an array of. */
export function arrayElement(buffer: Buffer): string {
  const { storage, type, element } = buffer;
  const { width } = type;
  if (storage === "uniform") return scalarOf[storageOf(element === "f16" ? "f32" : element, [])];
  if (isAtomic(buffer)) return "atomic<u32>";
  if (storage === "f16x2") return width === 4 ? "vec2u" : "u32";
  const scalar = scalarOf[storage];
  return width === 1 ? scalar : `vec${width}${{ f32: "f", f16: "h", i32: "i", u32: "u" }[scalar]}`;
}

/** Bytes of that. */
export function arrayStride({ storage, type: { width } }: Buffer): number {
  if (storage === "f16x2") return width === 4 ? 8 : 4;
  return width * (storage === "f16" ? 2 : 4);
}

export function declareBuffer(buffer: Buffer, binding: number): string {
  const { wgsl, access } = buffer;
  return `@group(0) @binding(${binding}) var<storage, ${access}> ${wgsl}: array<${arrayElement(buffer)}>;`;
}

/** The element or vector at `index`, in the type in which it is computed. */
export function printLoad({ wgsl, storage, type: { width }, element }: Buffer, index: string): string {
  if (storage === "f16x2") {
    if (width === 1) return `unpack2x16float(${wgsl}[(${index}) / 2u])[(${index}) % 2u]`;
    return width === 2 ? `unpack2x16float(${wgsl}[${index}])` : `unpack_halves(${wgsl}[${index}])`;
  }
  if (storage === "uniform") return element === "bool" ? `dims.${wgsl} != 0u` : `dims.${wgsl}`;
  const text = `${wgsl}[${index}]`;
  if (storage === "f16") return width === 1 ? `f32(${text})` : `vec${width}f(${text})`;
  if (element === "bool") return width === 1 ? `${text} != 0u` : `${text} != vec${width}u(0u)`;
  return text;
}

/** One element, by its index, of a buffer that is an array of vectors. */
export function printElement(buffer: Buffer, index: string): string {
  const { wgsl, storage, element } = buffer;
  const { width } = buffer.type;
  const vector = `${wgsl}[(${index}) / ${width}u]`;
  const at = `(${index}) % ${width}u`;
  if (storage === "f16x2") {
    const word = width === 4 ? `${vector}[(${at}) / 2u]` : vector;
    return `unpack2x16float(${word})[(${index}) % 2u]`;
  }
  const text = `${vector}[${at}]`;
  if (storage === "f16") return `f32(${text})`;
  return element === "bool" ? `${text} != 0u` : text;
}

const packName = (width: Width) => (width === 1 ? "half_bits" : `pack_halves${width === 2 ? "_v2" : ""}`);

/**
 * An f16 or a vector of them with the bits that the packing functions give. The conversion is of halves already, and exact;
 * naga (in Deno 2.9) knows no bitcast between types of different numbers of elements.
 */
function asHalves(width: Width, value: string): string {
  const bits = `${packName(width)}(${value})`;
  if (width === 4) return `vec4h(unpack_halves(${bits}))`;
  return width === 2 ? `vec2h(unpack2x16float(${bits}))` : `f16(unpack2x16float(${bits}).x)`;
}

/** A statement that writes `value`, which is as wide as the buffer's elements. */
export function printStore(buffer: Buffer, index: string, value: string): string {
  const { wgsl, storage, element, type } = buffer;
  const { width } = type;
  const wide = (scalar: string, letter: string) => (width === 1 ? scalar : `vec${width}${letter}`);
  if (isAtomic(buffer)) return `store_${wgsl}(${index}, ${value});`;
  if (storage === "f16x2") {
    return `${wgsl}[${index}] = ${packName(width)}(${value});`;
  }
  if (storage === "f16") return `${wgsl}[${index}] = ${asHalves(width, value)};`;
  const converted = element === "bool" ? `${wide("u32", "u")}(${value})` : value;
  return `${wgsl}[${index}] = ${converted};`;
}

const holdsHalves = ({ storage }: Buffer) => storage === "f16x2" || storage === "f16";

/** The widths at which the stores of these buffers call the library's `half_bits`. */
export function halfWidths(buffers: readonly Buffer[]): ReadonlySet<number> {
  return new Set(buffers.filter((buffer) => isWritten(buffer) && holdsHalves(buffer)).map(({ type }) => type.width));
}

const isWritten = ({ access }: Buffer) => access === "read_write";

/** What they may be called: locals must not have these names. */
export const bufferFunctionNames = ["unpack_halves", "pack_halves", "pack_halves_v2"];

/** Functions that the loads and stores of these buffers call, beside `half_bits`. */
export function bufferFunctions(buffers: readonly Buffer[]): string[] {
  const functions = buffers.filter(isAtomic).map(storeHalf);
  const unpacks = ({ storage, access }: Buffer) => storage === (access === "read" ? "f16x2" : "f16");
  if (buffers.some((buffer) => buffer.type.width === 4 && unpacks(buffer))) {
    functions.push(`fn unpack_halves(words: vec2u) -> vec4f {
  return vec4f(unpack2x16float(words.x), unpack2x16float(words.y));
}`);
  }
  const widths = halfWidths(buffers);
  if (widths.has(2)) {
    functions.push(`fn pack_halves_v2(values: vec2f) -> u32 {
  let bits = half_bits_v2(values);
  return bits.x | (bits.y << 16u);
}`);
  }
  if (widths.has(4)) {
    functions.push(`fn pack_halves(values: vec4f) -> vec2u {
  let bits = half_bits_v4(values);
  return bits.xz | (bits.yw << vec2u(16u));
}`);
  }
  return functions;
}

function storeHalf({ wgsl }: Buffer): string {
  return `fn store_${wgsl}(index: u32, value: f32) {
  let shift = (index % 2u) * 16u;
  atomicAnd(&${wgsl}[index / 2u], ~(0xffffu << shift));
  atomicOr(&${wgsl}[index / 2u], half_bits(value) << shift);
}`;
}
