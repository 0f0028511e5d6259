/**
 * Writes a model with some of its nodes replaced. Everything else is copied byte for byte and in order: the result is a
 * list of ranges of the original file and new bytes, so that a model need not fit into memory.
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
import { type NodeProto, readOpset } from "./messages.ts";
import type { OnnxModel } from "./model.ts";
import { type Field, fieldsOf } from "./wire.ts";

/** Changes to a model. */
export interface GraphChanges {
  /** The encoded nodes that replace a node, by the node's index; an empty list removes it. */
  readonly nodes: ReadonlyMap<number, readonly Uint8Array[]>;
  /** Initializers to add. */
  readonly initializers: readonly NewTensor[];
  /** Names of initializers to remove. */
  readonly without?: ReadonlySet<string>;
  /** Names of tensors to remove from `value_info`. */
  readonly untyped?: ReadonlySet<string>;
  /** Versions of operator sets that the model must import, by domain. */
  readonly opsets?: ReadonlyMap<string, number>;
  /** Functions to add; these need IR version 8. */
  readonly functions?: readonly NewFunction[];
}

/** A part of the written model: a range of the original file, or new bytes. */
export type Piece = Range | Uint8Array;

const isNew = (piece: Piece): piece is Uint8Array => piece instanceof Uint8Array;
const lengthOf = (piece: Piece) => (isNew(piece) ? piece.length : piece.end - piece.start);

const field = { node: 1, irVersion: 1, initializer: 5, graph: 7, opset: 8, valueInfo: 13, function: 25 } as const;
const versionOfFunctions = 8;

/** The rewritten model, in pieces. Without changes, that is the whole file. */
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

/** The import of an operator set, in the version from `wanted` if that has its domain, which is then removed there. */
function rewrittenOpset({ reader }: OnnxModel, one: Field, wanted: Map<string, number>): Piece {
  const { domain, version } = readOpset(reader, one.content);
  const name = domain === "ai.onnx" ? "" : domain;
  const needed = wanted.get(name);
  wanted.delete(name);
  if (needed === undefined || needed === version) return one.range;
  return messageField(
    field.opset,
    joinBytes(...(domain === "" ? [] : [textField(1, domain)]), integerField(2, needed)),
  );
}

/** Joins adjacent ranges. */
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

/** Changes to a node. */
export interface NodeEdit {
  /** All inputs: at least as many as the node had. */
  readonly inputs: readonly string[];
  /** Names of attributes to remove. */
  readonly without?: readonly string[];
  /** Attributes to add. */
  readonly attributes?: Readonly<Record<string, NewAttribute>>;
}

/** The encoding of an edited node; its other fields are copied. */
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

/** The length of the pieces, in bytes. */
export function lengthOfPieces(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, piece) => sum + lengthOf(piece), 0);
}

/** In bytes. */
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
