/** The kernel's buffers: how elements are read from them and written to them. Scalars are read from the uniform buffer. */

import { wgslFunctionName } from "../src/ir/ops/wgsl-functions.ts";
import { type ElementType, elementInfo, elementTypes, isFloat } from "../src/ir/types.ts";
import { type Buffer, bitsOf, elementsInWord, isPacked, isPartOfWord, numberOf } from "../src/kernel/buffer.ts";
import type { Width } from "../src/kernel/types.ts";
import { computedType } from "./expression.ts";

const letterOf = { f32: "f", f16: "h", i32: "i", u32: "u" } as const;
/** The type in which an unpacked element is stored: a bool is a word. */
const scalarOf = (element: ElementType) => {
  const type = computedType(element);
  return type === "bool" ? "u32" : type;
};
const wide = (scalar: keyof typeof letterOf, width: number) =>
  width === 1 ? scalar : `vec${width}${letterOf[scalar]}`;

/** The element type of the buffer's WGSL array. */
export function arrayElement(buffer: Buffer): string {
  const { storage, type, element } = buffer;
  if (storage === "uniform") return scalarOf(element);
  if (isPartOfWord(buffer)) return "atomic<u32>";
  if (isPacked(storage)) return wide("u32", Math.max(1, type.width / elementsInWord(storage)));
  return wide(storage, type.width);
}

/** The size of that type, in bytes. */
export function arrayStride({ storage, type: { width } }: Buffer): number {
  if (isPacked(storage)) return 4 * Math.max(1, width / elementsInWord(storage));
  return width * (storage === "f16" ? 2 : 4);
}

export function declareBuffer(buffer: Buffer, binding: number): string {
  const { wgsl, access } = buffer;
  return `@group(0) @binding(${binding}) var<storage, ${access}> ${wgsl}: array<${arrayElement(buffer)}>;`;
}

/** The function that unpacks `width` elements of one or two words. If they are a part of a word, it takes the part's number. */
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

/** The function that packs them. */
export const packName = (element: ElementType, width: number) => {
  if (element === "f16") return width === 1 ? "f16_bits" : `pack_halves${width === 2 ? "_v2" : ""}`;
  return `pack_${element}_v${width}`;
};

/**
 * An f16 or a vector of them with the bits that the packing functions return. The conversion is from values that f16
 * represents, and so exact; naga (in Deno 2.9) has no bitcast between types of different numbers of elements.
 */
function asHalves(width: Width, value: string): string {
  const bits = `${packName("f16", width)}(${value})`;
  if (width === 4) return `vec4h(unpack_halves(${bits}))`;
  return width === 2 ? `vec2h(unpack2x16float(${bits}))` : `f16(unpack2x16float(${bits}).x)`;
}

/**
 * A statement that stores `value`, which is as wide as the buffer's elements.
 * @param parts for a value that is a whole word: the conditions under which each of its parts is stored.
 */
export function printStore(buffer: Buffer, index: string, value: string, parts?: readonly string[]): string {
  const { wgsl, storage, element, type } = buffer;
  const { width } = type;
  if (parts !== undefined) return `store_word_${wgsl}(${index}, ${value}, ${printMask(parts)})`;
  if (isPartOfWord(buffer)) return `store_${wgsl}(${index}, ${value})`;
  if (isPacked(storage)) return `${wgsl}[${index}] = ${packName(element, width)}(${value})`;
  if (storage === "f16") return `${wgsl}[${index}] = ${asHalves(width, value)}`;
  const converted = element === "bool" ? `${wide("u32", width)}(${value})` : value;
  return `${wgsl}[${index}] = ${converted}`;
}

/** The bits of a word that belong to the parts that are stored. */
const printMask = (parts: readonly string[]) =>
  parts.every((part) => part === "true")
    ? maskOf(0, 1)
    : parts.map((part, i) => `select(0u, ${maskOf(i, parts.length)}, ${part})`).join(" | ");

/** The bits of one part of a word that has `parts` equal parts. */
export const maskOf = (part: number, parts: number): string => {
  const digits = 8 / parts;
  return `0x${"f".repeat(digits)}${"0".repeat(digits * part)}u`;
};

const isWritten = ({ access }: Buffer) => access === "read_write";

/** How a program uses its buffers, by name. */
interface BufferUses {
  /** Buffers of vectors of which single elements are read. */
  readonly singly: ReadonlySet<string>;
  /** Buffers whose elements are parts of words, of which whole words are loaded or stored. */
  readonly words: ReadonlySet<string>;
  /** Buffers into which elements are stored at their own width. */
  readonly elements: ReadonlySet<string>;
}

/** The library functions, with their widths, that loads and stores of these buffers call to convert floats from and to bits. */
export function libraryOfBuffers(buffers: readonly Buffer[], uses: BufferUses) {
  return buffers.flatMap((buffer) => {
    const name = (isWritten(buffer) ? bitsOf : numberOf)(buffer.element);
    const widths = (isWritten(buffer) ? widthsOfStores : widthsOfLoads)(buffer, uses);
    return name === undefined ? [] : widths.map((width) => ({ name, width }));
  });
}

/** The numbers of elements that are loaded at a time. */
const widthsOfLoads = ({ wgsl, storage, type }: Buffer, { singly, words }: BufferUses) => [
  ...[type.width, ...(singly.has(wgsl) ? [1] : [])],
  ...(words.has(wgsl) ? [elementsInWord(storage)] : []),
];

/** The numbers of elements that are stored at a time. */
const widthsOfStores = ({ wgsl, storage, type }: Buffer, { words, elements }: BufferUses) =>
  words.has(wgsl) ? [elementsInWord(storage), ...(elements.has(wgsl) ? [type.width] : [])] : [type.width];

/** Types that functions of their own unpack. */
const packed = elementTypes.filter((element) => elementInfo[element].bytes < 4 && element !== "f16");

/** The names of all of these functions, which locals must not have. */
export const bufferFunctionNames = [
  ...["unpack_halves", "pack_halves", "pack_halves_v2"],
  ...packed.flatMap((element) => [1, 2, 4].flatMap((width) => [unpackName(element, width), packName(element, width)])),
];

/** The text of the functions that loads and stores of these buffers call, except those of the library. */
export function bufferFunctions(buffers: readonly Buffer[], uses: BufferUses): string[] {
  const { words } = uses;
  const isInWords = (buffer: Buffer) => isPartOfWord(buffer) && words.has(buffer.wgsl);
  const inParts = buffers.filter((one) => isPartOfWord(one) && widthsOfStores(one, uses).includes(one.type.width));
  const functions = inParts.map(storePart);
  const unpacks = ({ storage, access }: Buffer) => storage === (access === "read" ? "f16x2" : "f16");
  if (buffers.some((buffer) => buffer.type.width === 4 && unpacks(buffer))) {
    functions.push(`fn unpack_halves(words: vec2u) -> vec4f {
  return vec4f(unpack2x16float(words.x), unpack2x16float(words.y));
}`);
  }
  for (const buffer of buffers.filter((one) => packed.includes(one.element) && !isWritten(one))) {
    for (const width of widthsOfLoads(buffer, uses)) functions.push(unpack(buffer.element, width));
  }
  const stores = buffers.filter((buffer) => isWritten(buffer) && bytesOrHalves(buffer) && buffer.type.width > 1);
  functions.push(...stores.filter((one) => !isPartOfWord(one)).map(({ element, type }) => pack(element, type.width)));
  for (const { wgsl, element } of buffers.filter(isInWords)) {
    functions.push(pack(element, perWordOf(element)), storeWord(wgsl, element));
  }
  return [...new Set(functions)];
}

const bytesOrHalves = ({ storage }: Buffer) => isPacked(storage) || storage === "f16";

const perWordOf = (element: ElementType) => 4 / elementInfo[element].bytes;

/** Shifts each element to the top of a word, and back down to its place in its type, which extends its sign if it has one. */
function unpack(element: ElementType, width: number): string {
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
  return `fn ${unpackName(element, width)}(word: ${wide("u32", words)}${parts > 1 ? ", part: u32" : ""}) -> ${type} {
  return ${fromTop(element, width, top)};
}`;
}

/** The values of elements from words at whose top they are, over other bits that are dropped. */
function fromTop(element: ElementType, width: number, top: string): string {
  const [type, unsigned] = [wide(scalarOf(element), width), wide("u32", width)];
  const down = `>> ${unsigned}(${32 - 32 / perWordOf(element)}u)`;
  const library = numberOf(element);
  if (library !== undefined) return `${wgslFunctionName(library, width)}((${top}) ${down})`;
  // The upper half of an f32.
  if (isFloat(element)) return `bitcast<${type}>((${top}) & ${unsigned}(0xffff0000u))`;
  return type === unsigned ? `(${top}) ${down}` : `bitcast<${type}>(${top}) ${down}`;
}

/** The bits of elements, each in the low part of a word. */
function bitsText(element: ElementType, width: number, value: string): string {
  const library = bitsOf(element);
  if (library !== undefined) return `${wgslFunctionName(library, width)}(${value})`;
  return `${wide("u32", width)}(${value}) & ${wide("u32", width)}(0xffu)`;
}

/** Packs a vector of elements into whole words. */
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

/** Stores the bits of a word that `mask` selects: other lanes store the rest of it. */
function storeWord(wgsl: string, element: ElementType): string {
  const width = perWordOf(element);
  return `fn store_word_${wgsl}(index: u32, value: ${wide(scalarOf(element), width)}, mask: u32) {
  let word = ${packName(element, width)}(value);
  if (mask == 0xffffffffu) {
    atomicStore(&${wgsl}[index], word);
  } else if (mask != 0u) {
    atomicAnd(&${wgsl}[index], ~mask);
    atomicOr(&${wgsl}[index], word & mask);
  }
}`;
}

/** Stores one element, or two bytes, of a word into which other lanes store too. */
function storePart({ wgsl, element, type: { width } }: Buffer): string {
  const parts = perWordOf(element) / width;
  const bits = 32 / parts;
  const mask = `0x${"ff".repeat(bits / 8)}u`;
  const type = wide(scalarOf(element), width);
  const value = bitsText(element, width, "value");
  const bound = width === 1 ? value : "bits.x | (bits.y << 8u)";
  // A call needs no parentheses.
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
