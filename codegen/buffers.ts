/** The kernel's buffers: how elements are read from them and written to them. Scalars are read from the uniform buffer. */

import { type ElementType, elementInfo } from "../src/ir/types.ts";
import { computedType } from "./expression.ts";
import { type Buffer, bitsOf, elementsInWord, isPacked } from "./kernel/buffer.ts";
import type { Width } from "./kernel/expression.ts";

const letterOf = { f32: "f", f16: "h", i32: "i", u32: "u" } as const;
/** What an element that is not packed is stored as: truth values as words. */
const scalarOf = (element: ElementType) => {
  const type = computedType(element);
  return type === "bool" ? "u32" : type;
};
const wide = (scalar: keyof typeof letterOf, width: number) =>
  width === 1 ? scalar : `vec${width}${letterOf[scalar]}`;

/** Several lanes may write parts of one word, so all do it atomically. */
const isAtomic = ({ storage, type, access }: Buffer) => type.width < elementsInWord(storage) && access === "read_write";

/** The type of what the buffer is an array of. */
export function arrayElement(buffer: Buffer): string {
  const { storage, type, element } = buffer;
  if (storage === "uniform") return scalarOf(element);
  if (isAtomic(buffer)) return "atomic<u32>";
  if (isPacked(storage)) return wide("u32", Math.max(1, type.width / elementsInWord(storage)));
  return wide(storage, type.width);
}

/** Bytes of that. */
export function arrayStride({ storage, type: { width } }: Buffer): number {
  if (isPacked(storage)) return 4 * Math.max(1, width / elementsInWord(storage));
  return width * (storage === "f16" ? 2 : 4);
}

export function declareBuffer(buffer: Buffer, binding: number): string {
  const { wgsl, access } = buffer;
  return `@group(0) @binding(${binding}) var<storage, ${access}> ${wgsl}: array<${arrayElement(buffer)}>;`;
}

/** What unpacks `width` elements of a word or two; where they are a part of a word it is told which. */
const unpackName = (element: ElementType, width: number) => `unpack_${element}${width === 1 ? "" : `_v${width}`}`;

/** The element or vector at `index`, in the type in which it is computed. */
export function printLoad({ wgsl, storage, type: { width }, element }: Buffer, index: string): string {
  if (storage === "f16x2") {
    if (width === 1) return `unpack2x16float(${wgsl}[(${index}) / 2u])[(${index}) % 2u]`;
    return width === 2 ? `unpack2x16float(${wgsl}[${index}])` : `unpack_halves(${wgsl}[${index}])`;
  }
  if (isPacked(storage)) {
    const parts = elementsInWord(storage) / width;
    if (parts <= 1) return `${unpackName(element, width)}(${wgsl}[${index}])`;
    return `${unpackName(element, width)}(${wgsl}[(${index}) / ${parts}u], (${index}) % ${parts}u)`;
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
  if (isPacked(storage)) {
    const perWord = elementsInWord(storage);
    if (width < perWord) return printLoad({ ...buffer, type: { ...buffer.type, width: 1 } }, index);
    const word = width > perWord ? `${vector}[(${at}) / ${perWord}u]` : vector;
    if (storage === "f16x2") return `unpack2x16float(${word})[(${index}) % 2u]`;
    return `${unpackName(element, 1)}(${word}, (${index}) % ${perWord}u)`;
  }
  const text = `${vector}[${at}]`;
  if (storage === "f16") return `f32(${text})`;
  return element === "bool" ? `${text} != 0u` : text;
}

/** What packs them. */
export const packName = (element: ElementType, width: number) => {
  if (element === "f16") return width === 1 ? "half_bits" : `pack_halves${width === 2 ? "_v2" : ""}`;
  return `pack_${element}_v${width}`;
};

/**
 * An f16 or a vector of them with the bits that the packing functions give. The conversion is of halves already, and exact;
 * naga (in Deno 2.9) knows no bitcast between types of different numbers of elements.
 */
function asHalves(width: Width, value: string): string {
  const bits = `${packName("f16", width)}(${value})`;
  if (width === 4) return `vec4h(unpack_halves(${bits}))`;
  return width === 2 ? `vec2h(unpack2x16float(${bits}))` : `f16(unpack2x16float(${bits}).x)`;
}

/** A statement that writes `value`, which is as wide as the buffer's elements. */
export function printStore(buffer: Buffer, index: string, value: string): string {
  const { wgsl, storage, element, type } = buffer;
  const { width } = type;
  if (isAtomic(buffer)) return `store_${wgsl}(${index}, ${value});`;
  if (isPacked(storage)) return `${wgsl}[${index}] = ${packName(element, width)}(${value});`;
  if (storage === "f16") return `${wgsl}[${index}] = ${asHalves(width, value)};`;
  const converted = element === "bool" ? `${wide("u32", width)}(${value})` : value;
  return `${wgsl}[${index}] = ${converted};`;
}

const isWritten = ({ access }: Buffer) => access === "read_write";

/** The functions of the library, with their widths, that the stores of these buffers call: they give the bits of floats. */
export function libraryOfStores(buffers: readonly Buffer[]) {
  return buffers.filter(isWritten).flatMap(({ element, type }) => {
    const name = bitsOf(element);
    return name === undefined ? [] : [{ name, width: type.width }];
  });
}

const packed = ["bf16", "i8", "u8"] as const;

/** What they may be called: locals must not have these names. */
export const bufferFunctionNames = [
  ...["unpack_halves", "pack_halves", "pack_halves_v2"],
  ...packed.flatMap((element) => [1, 2, 4].flatMap((width) => [unpackName(element, width), packName(element, width)])),
];

/**
 * Functions that the loads and stores of these buffers call, beside those of the library.
 * @param singly the names of those of which single elements are read.
 */
export function bufferFunctions(buffers: readonly Buffer[], singly: ReadonlySet<string>): string[] {
  const functions = buffers.filter(isAtomic).map(storePart);
  const unpacks = ({ storage, access }: Buffer) => storage === (access === "read" ? "f16x2" : "f16");
  if (buffers.some((buffer) => buffer.type.width === 4 && unpacks(buffer))) {
    functions.push(`fn unpack_halves(words: vec2u) -> vec4f {
  return vec4f(unpack2x16float(words.x), unpack2x16float(words.y));
}`);
  }
  for (const { element, type, wgsl, access } of buffers) {
    const unpacked = packed.find((one) => one === element);
    if (unpacked === undefined || access !== "read") continue;
    for (const width of singly.has(wgsl) ? [type.width, 1] : [type.width]) functions.push(unpack(unpacked, width));
  }
  const stores = buffers.filter((buffer) => isWritten(buffer) && bytesOrHalves(buffer) && buffer.type.width > 1);
  functions.push(...stores.filter((buffer) => !isAtomic(buffer)).map(({ element, type }) => pack(element, type.width)));
  return [...new Set(functions)];
}

const bytesOrHalves = ({ storage }: Buffer) => isPacked(storage) || storage === "f16";

const perWordOf = (element: ElementType) => 4 / elementInfo[element].bytes;

/** Each element is moved to the top of a word, and from there to where its type has it: with its sign, if it has one. */
function unpack(element: (typeof packed)[number], width: number): string {
  const perWord = perWordOf(element);
  const bits = 32 / perWord;
  const words = Math.max(1, width / perWord);
  const parts = perWord / width;
  const type = wide(scalarOf(element), width);
  const unsigned = wide("u32", width);
  const ups = Array.from({ length: width }, (_, i) => `${32 - bits * (1 + (i % perWord))}u`);
  const up = width === 1 ? ups[0] : `vec${width}u(${ups.join(", ")})`;
  const spread = words === 1 ? (width === 1 ? "word" : `${unsigned}(word)`) : `word.${"xxyy".slice(0, width)}`;
  const shift = parts > 1 ? `(${up} - ${width === 1 ? "" : unsigned}(${32 / parts}u * part))` : up;
  const top = `${spread} << ${shift}`;
  const value = {
    bf16: `bitcast<${type}>((${top}) & ${unsigned}(0xffff0000u))`,
    i8: `bitcast<${type}>(${top}) >> ${unsigned}(24u)`,
    u8: `(${top}) >> ${unsigned}(24u)`,
  }[element];
  return `fn ${unpackName(element, width)}(word: ${wide("u32", words)}${parts > 1 ? ", part: u32" : ""}) -> ${type} {
  return ${value};
}`;
}

/** The bits of elements, each in the lower part of a word. */
function bitsText(element: ElementType, width: number, value: string): string {
  const library = bitsOf(element);
  if (library !== undefined) return `${library}${width === 1 ? "" : `_v${width}`}(${value})`;
  return `${wide("u32", width)}(${value}) & ${wide("u32", width)}(0xffu)`;
}

/** Vectors of elements in whole words. */
function pack(element: ElementType, width: number): string {
  const type = wide(scalarOf(element), width);
  const words = Math.max(1, width / perWordOf(element));
  const value =
    perWordOf(element) === 4
      ? "bits.x | (bits.y << 8u) | (bits.z << 16u) | (bits.w << 24u)"
      : words === 1
        ? "bits.x | (bits.y << 16u)"
        : "bits.xz | (bits.yw << vec2u(16u))";
  return `fn ${packName(element, width)}(values: ${type}) -> ${wide("u32", words)} {
  let bits = ${bitsText(element, width, "values")};
  return ${value};
}`;
}

/** One element, or two bytes, of a word into which other lanes write too. */
function storePart({ wgsl, element, type: { width } }: Buffer): string {
  const parts = perWordOf(element) / width;
  const bits = 32 / parts;
  const mask = `0x${"ff".repeat(bits / 8)}u`;
  const type = wide(scalarOf(element), width);
  const value = bitsText(element, width, "value");
  const bound = width === 1 ? value : "bits.x | (bits.y << 8u)";
  // What is called needs no parentheses.
  const whole = width === 1 && bitsOf(element) !== undefined ? bound : `(${bound})`;
  const lines = [
    ...(width === 1 ? [] : [`  let bits = ${value};`]),
    `  atomicOr(&${wgsl}[index / ${parts}u], ${whole} << shift);`,
  ];
  return `fn store_${wgsl}(index: u32, value: ${type}) {
  let shift = (index % ${parts}u) * ${bits}u;
  atomicAnd(&${wgsl}[index / ${parts}u], ~(${mask} << shift));
${lines.join("\n")}
}`;
}
