/**
 * A model with some of its nodes exchanged. Everything else is the bytes that were read, in their order: what the model
 * is made of comes as ranges of the file, to be copied, and a model need not fit into memory.
 */

import type { ByteSource, Range } from "./bytes.ts";
import {
  attributeBytes,
  fieldHead,
  functionBytes,
  integerField,
  joinBytes,
  messageField,
  type NewAttribute,
  type NewFunction,
  type NewTensor,
  opsetBytes,
  tensorParts,
  textField,
} from "./encode.ts";
import type { NodeProto } from "./messages.ts";
import type { OnnxModel } from "./model.ts";
import { type Field, fieldsOf } from "./wire.ts";

/** What a model is written with instead of what it has. */
export interface GraphChanges {
  /** The nodes that stand in the place of one, encoded; none where it is gone. By the number of the node. */
  readonly nodes: ReadonlyMap<number, readonly Uint8Array[]>;
  /** Tensors that are added. */
  readonly initializers: readonly NewTensor[];
  /** Names of initializers that are left out. */
  readonly without?: ReadonlySet<string>;
  /** Names of tensors of which the types are left out of `value_info`. */
  readonly untyped?: ReadonlySet<string>;
  /** Versions of operator sets that the model must name, by their domains. */
  readonly opsets?: ReadonlyMap<string, number>;
  /** Functions that are added; these need version 8 of the format. */
  readonly functions?: readonly NewFunction[];
}

/** A part of the written model: a range of the one that was read, or new bytes. */
export type Piece = Range | Uint8Array;

const isNew = (piece: Piece): piece is Uint8Array => piece instanceof Uint8Array;
const lengthOf = (piece: Piece) => (isNew(piece) ? piece.length : piece.end - piece.start);

const field = { node: 1, irVersion: 1, initializer: 5, graph: 7, opset: 8, valueInfo: 13, function: 25 } as const;
const versionOfFunctions = 8;

/** The written model, in pieces. With no changes they are the whole file. */
export function rewrittenModel(model: OnnxModel, changes: GraphChanges): Piece[] {
  const { reader } = model;
  const wanted = new Map(changes.opsets ?? []);
  const functions = changes.functions ?? [];
  const isTooOld = functions.length > 0 && model.irVersion < versionOfFunctions;
  const pieces: Piece[] = [];
  for (const one of fieldsOf(reader, { start: 0, end: reader.source.size })) {
    if (one.number === field.graph) for (const piece of rewrittenGraph(model, one, changes)) pieces.push(piece);
    else if (one.number === field.opset) pieces.push(rewrittenOpset(model, one, wanted));
    else if (one.number === field.irVersion && isTooOld) pieces.push(integerField(field.irVersion, versionOfFunctions));
    else pieces.push(one.range);
  }
  for (const [domain, version] of wanted) {
    pieces.push(messageField(field.opset, opsetBytes(domain, version)));
  }
  for (const one of functions) pieces.push(messageField(field.function, functionBytes(one)));
  return merged(pieces);
}

function rewrittenGraph(model: OnnxModel, graph: Field, changes: GraphChanges): Piece[] {
  const { nodes, initializers, without = new Set(), untyped = new Set() } = changes;
  if (nodes.size + initializers.length + without.size + untyped.size === 0) return [graph.range];
  const inner: Piece[] = [];
  let [index, tensor, info] = [0, 0, 0];
  for (const one of fieldsOf(model.reader, graph.content)) {
    const instead = one.number === field.node ? nodes.get(index++) : undefined;
    if (one.number === field.initializer) {
      const name = model.graph.initializers[tensor++]?.name;
      if (name !== undefined && without.has(name)) continue;
    }
    if (one.number === field.valueInfo) {
      const name = model.graph.valueInfo[info++]?.name;
      if (name !== undefined && untyped.has(name)) continue;
    }
    if (instead === undefined) inner.push(one.range);
    else inner.push(...instead.map((bytes) => messageField(field.node, bytes)));
  }
  for (const tensor of initializers) {
    const parts = tensorParts(tensor);
    inner.push(fieldHead(field.initializer, lengthOfPieces(parts)), ...parts);
  }
  return [fieldHead(field.graph, lengthOfPieces(inner)), ...inner];
}

/** An operator set of the model, in the version that is wanted where it is one of those; it is then wanted no more. */
function rewrittenOpset({ reader }: OnnxModel, one: Field, wanted: Map<string, number>): Piece {
  let domain = "";
  let version = 0;
  for (const part of fieldsOf(reader, one.content)) {
    if (part.number === 1) domain = new TextDecoder().decode(reader.bytes(part.content));
    if (part.number === 2) version = part.value;
  }
  const name = domain === "ai.onnx" ? "" : domain;
  const needed = wanted.get(name);
  wanted.delete(name);
  if (needed === undefined || needed === version) return one.range;
  return messageField(
    field.opset,
    joinBytes(...(domain === "" ? [] : [textField(1, domain)]), integerField(2, needed)),
  );
}

/** Ranges that touch as one. */
function merged(pieces: readonly Piece[]): Piece[] {
  const list: Piece[] = [];
  for (const piece of pieces) {
    const last = list.at(-1);
    if (last !== undefined && !isNew(last) && !isNew(piece) && last.end === piece.start) {
      list[list.length - 1] = { start: last.start, end: piece.end };
    } else list.push(piece);
  }
  return list;
}

/** A node with other inputs, of which there are as many or more, and other attributes. */
export interface NodeEdit {
  readonly inputs: readonly string[];
  /** Names of attributes that are left out. */
  readonly without?: readonly string[];
  /** Those that are added. */
  readonly attributes?: Readonly<Record<string, NewAttribute>>;
}

/** The node as it is edited; all else is as it was. */
export function editedNode({ reader }: OnnxModel, node: NodeProto, edit: NodeEdit): Uint8Array {
  const { inputs, without = [], attributes = {} } = edit;
  const gone = new Set(without.map((name) => node.attributes.get(name)?.start));
  let index = 0;
  const parts = [...fieldsOf(reader, node.range)].flatMap((one) => {
    if (one.number === 1) return textField(1, inputs[index++] as string);
    return one.number === 5 && gone.has(one.content.start) ? [] : reader.bytes(one.range).slice();
  });
  const added = Object.entries(attributes).map(([name, value]) => messageField(5, attributeBytes(name, value)));
  return joinBytes(...parts, ...inputs.slice(index).map((name) => textField(1, name)), ...added);
}

/** How many bytes the pieces have. */
export function lengthOfPieces(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, piece) => sum + lengthOf(piece), 0);
}

/** Bytes that are copied at a time. */
const chunk = 1 << 22;

/** The bytes of the pieces, in chunks. */
export function* bytesOf(source: ByteSource, pieces: Iterable<Piece>): Generator<Uint8Array> {
  for (const piece of pieces) {
    if (isNew(piece)) yield piece;
    else {
      for (let at = piece.start; at < piece.end; at += chunk) yield source.read(at, Math.min(chunk, piece.end - at));
    }
  }
}
