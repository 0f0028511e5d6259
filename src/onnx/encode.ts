/** Messages in Protocol Buffers' wire format, of what a model has that it did not have before. */

const encoder = new TextEncoder();

/** A number in groups of seven bits, the lowest first; a negative one as its 64 bits. */
export function varintBytes(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest === 0n ? low : low | 0x80);
  } while (rest !== 0n);
  return Uint8Array.from(bytes);
}

export function joinBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The tag and the length of a field that holds `length` bytes. */
export function fieldHead(number: number, length: number): Uint8Array {
  return joinBytes(varintBytes(number * 8 + 2), varintBytes(length));
}

export function messageField(number: number, content: Uint8Array): Uint8Array {
  return joinBytes(fieldHead(number, content.length), content);
}

export function textField(number: number, text: string): Uint8Array {
  return messageField(number, encoder.encode(text));
}

export function integerField(number: number, value: number): Uint8Array {
  return joinBytes(varintBytes(number * 8), varintBytes(value));
}

function floatField(number: number, value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return joinBytes(varintBytes(number * 8 + 5), bytes);
}

/** An integer, a list of integers, `{ float }`, `{ text }`, or the float attribute of a function that a node of its body has too. */
export type NewAttribute =
  | number
  | readonly number[]
  | { readonly float: number }
  | { readonly text: string }
  | { readonly floatOf: string };

/** A node to write. */
export interface NewNode {
  readonly name: string;
  readonly opType: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, NewAttribute>>;
}

const attributeKind = { float: 1, int: 2, text: 3, ints: 7 } as const;

/** An AttributeProto. */
export function attributeBytes(name: string, value: NewAttribute): Uint8Array {
  const head = textField(1, name);
  if (typeof value === "number") return joinBytes(head, integerField(3, value), integerField(20, attributeKind.int));
  if ("floatOf" in value) return joinBytes(head, integerField(20, attributeKind.float), textField(21, value.floatOf));
  if ("float" in value) return joinBytes(head, floatField(2, value.float), integerField(20, attributeKind.float));
  if ("text" in value) return joinBytes(head, textField(4, value.text), integerField(20, attributeKind.text));
  return joinBytes(head, ...value.map((one) => integerField(8, one)), integerField(20, attributeKind.ints));
}

/** A NodeProto. */
export function nodeBytes({ name, opType, domain, inputs, outputs, attributes }: NewNode): Uint8Array {
  return joinBytes(
    ...inputs.map((input) => textField(1, input)),
    ...outputs.map((output) => textField(2, output)),
    ...(name === "" ? [] : [textField(3, name)]),
    textField(4, opType),
    ...Object.entries(attributes).map(([key, value]) => messageField(5, attributeBytes(key, value))),
    ...(domain === "" ? [] : [textField(7, domain)]),
  );
}

/** An initializer to write. */
export interface NewTensor {
  readonly name: string;
  readonly dims: readonly number[];
  readonly dataType: number;
  /** Little-endian, row-major. */
  readonly raw: Uint8Array;
}

/** A TensorProto in two parts, so that its numbers are not copied. */
export function tensorParts({ name, dims, dataType, raw }: NewTensor): [Uint8Array, Uint8Array] {
  const numbers = dims.map((dim) => integerField(1, dim));
  return [joinBytes(...numbers, integerField(2, dataType), textField(8, name), fieldHead(9, raw.length)), raw];
}

/** A TensorProto whose numbers lie in another file, at a place there. */
export function externalTensorBytes(
  { name, dims, dataType }: Omit<NewTensor, "raw">,
  place: { readonly location: string; readonly offset: number; readonly length: number },
): Uint8Array {
  const entries = Object.entries(place).map(([key, value]) =>
    messageField(13, joinBytes(textField(1, key), textField(2, String(value)))),
  );
  const isExternal = integerField(14, 1);
  const numbers = dims.map((dim) => integerField(1, dim));
  return joinBytes(...numbers, integerField(2, dataType), textField(8, name), ...entries, isExternal);
}

/** A TensorProto. */
export const tensorBytes = (tensor: NewTensor): Uint8Array => joinBytes(...tensorParts(tensor));

/** A function of a model, made of nodes: what a runtime that does not know the op computes. */
export interface NewFunction {
  readonly name: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: readonly string[];
  readonly nodes: readonly NewNode[];
  /** The version of ONNX's own operator set. */
  readonly opset: number;
}

/** An OperatorSetIdProto. */
export function opsetBytes(domain: string, version: number): Uint8Array {
  return joinBytes(textField(1, domain), integerField(2, version));
}

/** A FunctionProto. */
export function functionBytes({ name, domain, inputs, outputs, attributes, nodes, opset }: NewFunction): Uint8Array {
  return joinBytes(
    textField(1, name),
    ...inputs.map((input) => textField(4, input)),
    ...outputs.map((output) => textField(5, output)),
    ...attributes.map((attribute) => textField(6, attribute)),
    ...nodes.map((node) => messageField(7, nodeBytes(node))),
    messageField(9, opsetBytes("", opset)),
    textField(10, domain),
  );
}

/** A ValueInfoProto of a tensor. An extent is a number, a name, or null where it has none. */
export function valueInfoBytes(
  name: string,
  type: { readonly dataType: number; readonly shape?: readonly (number | string | null)[] },
): Uint8Array {
  const dims = type.shape?.map((extent) => {
    if (extent === null) return messageField(1, new Uint8Array());
    return messageField(1, typeof extent === "number" ? integerField(1, extent) : textField(2, extent));
  });
  const shape = dims === undefined ? [] : [messageField(2, joinBytes(...dims))];
  const tensor = messageField(1, joinBytes(integerField(1, type.dataType), ...shape));
  return joinBytes(textField(1, name), messageField(2, tensor));
}
