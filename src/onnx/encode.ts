/** Encodes the nodes, tensors and functions that are added to a model, in the wire format of Protocol Buffers. */

const encoder = new TextEncoder();

/** An integer in groups of seven bits, lowest first; negative ones in 64-bit two's complement. */
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

/** An integer, integers, a float, a string, or, in the body of a function, a reference to its float attribute `floatOf`. */
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

/** A node with one output, whose name it shares. */
export const newNode = (
  opType: string,
  inputs: readonly string[],
  output: string,
  attributes: NewNode["attributes"] = {},
  domain = "",
): NewNode => ({ name: output, opType, domain, inputs, outputs: [output], attributes });

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

const tensorHead = ({ name, dims, dataType }: Omit<NewTensor, "raw">): Uint8Array =>
  joinBytes(...dims.map((dim) => integerField(1, dim)), integerField(2, dataType), textField(8, name));

/** A TensorProto in two parts, so that its data is not copied. */
export const tensorParts = (tensor: NewTensor): [Uint8Array, Uint8Array] => [
  joinBytes(tensorHead(tensor), fieldHead(9, tensor.raw.length)),
  tensor.raw,
];

/** A TensorProto whose data is in another file. */
export function externalTensorBytes(
  tensor: Omit<NewTensor, "raw">,
  place: { readonly location: string; readonly offset: number; readonly length: number },
): Uint8Array {
  const entries = Object.entries(place).map(([key, value]) =>
    messageField(13, joinBytes(textField(1, key), textField(2, String(value)))),
  );
  const isExternal = integerField(14, 1);
  return joinBytes(tensorHead(tensor), ...entries, isExternal);
}

/** A TensorProto. */
export const tensorBytes = (tensor: NewTensor): Uint8Array => joinBytes(...tensorParts(tensor));

/** A function to write: the nodes that a runtime without the op computes instead. */
export interface NewFunction {
  readonly name: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: readonly string[];
  readonly nodes: readonly NewNode[];
  /** The version of the standard operator set. */
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

/** A ValueInfoProto of a tensor. An extent is a number, a name, or null if it is unknown. */
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
