/**
 * Writes the archive of a program with rewritten norms. Only what changed in the graph, the weights and their lists is
 * written anew; all other entries, and all other nodes, are copied.
 */

import * as surgeryErrors from "../../diagnostics/areas/surgery.ts";
import { fail } from "../../diagnostics/diagnostic.ts";
import { FreshNames } from "../../ir/fresh-names.ts";
import type { Piece } from "../../onnx/write.ts";
import type { Line } from "../../surgery/draft.ts";
import type { LazyTensor } from "../../surgery/emit.ts";
import type { StoredTensor } from "../archive.ts";
import type { Fields } from "../fields.ts";
import type { Pt2Model } from "../model.ts";
import { contiguousStrides } from "../tensor-meta.ts";
import { Metas, metaJson, weightMeta } from "./metas.ts";
import { type Edit, edited, jsonText, type NewJson } from "./new-json.ts";
import { type WrittenNode, writtenNodes } from "./nodes.ts";
import { type NewWeight, newWeights, tensorsByStorage } from "./weights.ts";
import { rewrittenZip } from "./zip.ts";

/** The rewritten archive, and the number of nodes of its program. */
interface WrittenArchive {
  readonly pieces: Piece[];
  readonly nodes: number;
}

/**
 * @param lines the nodes of the rewritten graph.
 * @param added the new tensors, by name.
 * @throws TircError E0749 if a node cannot be expressed in ATen.
 */
export function rewrittenArchive(
  model: Pt2Model,
  lines: readonly Line[],
  added: ReadonlyMap<string, LazyTensor>,
): WrittenArchive {
  const { program, archive } = model;
  const ofNodes = program.nodes.flatMap(({ name, made }) => [name, ...made.map((made) => made.name)]);
  const names = new FreshNames([...program.graph.get("tensor_values").keys, ...ofNodes]);
  const fresh = (hint: string) => names.next(hint.replace(/\W/g, "_").replace(/^(?=\d)/, "_"));
  const weights = newWeights(model, lines, added, fresh);
  const metas = new Metas(program);
  const before = new Set(program.nodes.flatMap((node) => [...takenBy(node.fields)]));
  const nodes = withoutLeftovers(model, before, writtenNodes({ model, weights, added, metas, fresh }, lines));
  checkNames(model, nodes, weights);
  const gone = weightsGone(model, before, nodes);
  const used = new Set(nodes.flatMap(({ takes }) => takes));
  const isNew = ({ argument, instead }: NewWeight) => instead === undefined && used.has(argument);
  const appended = [...weights.values()].filter(isNew);
  const replaced = [...weights.values()].filter(({ instead }) => instead !== undefined);
  const changes = { nodes, gone, appended, replaced, metas };
  const { instead, added: entries } = weightFiles(model, changes);
  instead.set(archive.program.entry.name, encoded(editedProgram(model, changes)));
  return { pieces: rewrittenZip(archive.directory, { instead, added: entries }), nodes: nodes.length };
}

/** Checks that every name that a node uses is defined. */
function checkNames(
  { program, file }: Pt2Model,
  nodes: readonly WrittenNode[],
  weights: ReadonlyMap<string, NewWeight>,
): void {
  const there = new Set([
    ...program.inputs.map(({ name }) => name),
    ...[...weights.values()].map((one) => one.argument),
  ]);
  for (const { takes, makes } of nodes) {
    const missing = takes.find((name) => !there.has(name));
    if (missing !== undefined) {
      fail(surgeryErrors.unwritable(file, makes[0] ?? "a node", `nothing produces \`${missing}\` any more`));
    }
    for (const name of makes) there.add(name);
  }
}

/** Removes the nodes whose results were used, but are not used any more. */
function withoutLeftovers(
  { program }: Pt2Model,
  before: ReadonlySet<string>,
  nodes: readonly WrittenNode[],
): readonly WrittenNode[] {
  const taken = new Set(program.outputs);
  const isLeft = ({ makes, from }: WrittenNode) =>
    from === undefined ||
    makes.length === 0 ||
    !makes.some((name) => before.has(name)) ||
    makes.some((name) => taken.has(name));
  const left: WrittenNode[] = [];
  for (const node of nodes.toReversed()) {
    if (!isLeft(node)) continue;
    left.push(node);
    for (const name of node.takes) taken.add(name);
  }
  return left.reverse();
}

/** All names in the arguments of a node, including those that subgraphs capture. */
function takenBy(node: Fields): Set<string> {
  const names = new Set<string>();
  const visit = (json: Fields["json"], key: string) => {
    const { value } = json;
    if (typeof value === "string" && (key === "name" || key === "as_name")) names.add(value);
    else if (value instanceof Map) for (const [own, one] of value) visit(one, own);
    else if (Array.isArray(value)) for (const one of value as Fields["json"][]) visit(one, "");
  };
  for (const argument of node.get("inputs").items) visit(argument.get("arg").json, "");
  return names;
}

/** The weights that are not used any more: names in the state dict by those of the graph's inputs. */
function weightsGone(
  { program }: Pt2Model,
  before: ReadonlySet<string>,
  nodes: readonly WrittenNode[],
): ReadonlyMap<string, string> {
  const now = new Set([...program.outputs, ...nodes.flatMap(({ takes }) => takes)]);
  return new Map(
    program.inputs.flatMap(({ name, state }) =>
      state !== undefined && before.has(name) && !now.has(name) ? [[name, state] as const] : [],
    ),
  );
}

/** The entries for new weights, and the updated lists of weights. */
function weightFiles(
  { archive }: Pt2Model,
  { replaced, appended, gone, metas }: ProgramChanges,
): { readonly instead: Map<string, Uint8Array | undefined>; readonly added: Map<string, Uint8Array> } {
  const instead = new Map<string, Uint8Array | undefined>();
  const added = new Map<string, Uint8Array>();
  const changed = new Map(archive.configs.map((config) => [config, new Map<string, NewJson>()]));
  const removed = new Set([...gone.values()].filter((name) => archive.tensors.has(name)));
  const byStorage = tensorsByStorage(archive);
  for (const name of removed) {
    const storage = archive.tensors.get(name)?.storage;
    const isShared = storage !== undefined && byStorage.get(storage)?.some((one) => !removed.has(one.name));
    if (storage !== undefined && !isShared) instead.set(storage.name, undefined);
  }
  for (const weight of replaced) {
    const { storage } = weight.instead as StoredTensor;
    instead.set(storage.name, weight.bytes());
    for (const one of byStorage.get(storage) ?? []) {
      if (!isPlain(one)) changed.get(one.listedIn)?.set(one.name, contiguousConfig(one, weight));
    }
  }
  const [weightsList] = archive.configs;
  const folder = weightsList?.entry.name.replace(/[^/]*$/, "") ?? "";
  const paths = new FreshNames(archive.directory.byName.keys());
  for (const weight of appended) {
    const path = paths.next(`${folder}weight_0`, (n) => `${folder}weight_${n}`);
    added.set(path, weight.bytes());
    const config = newConfig(weight, path.slice(folder.length), metas.device);
    if (weightsList !== undefined) changed.get(weightsList)?.set(weight.state, config);
  }
  for (const [config, own] of changed) {
    const all = config.fields.get("config");
    if (own.size === 0 && !all.keys.some((name) => removed.has(name))) continue;
    instead.set(config.entry.name, encoded(edited(config.fields, [[all, editedObject(all, own, removed)]])));
  }
  return { instead, added };
}

const encoded = (json: NewJson) => new TextEncoder().encode(jsonText(json));

/** Whether a tensor is contiguous and begins with its storage. */
function isPlain({ meta: { sizes, strides, offset } }: StoredTensor): boolean {
  return offset === 0 && contiguousStrides(sizes as number[]).every((stride, i) => stride === strides[i]);
}

function contiguousConfig({ config }: StoredTensor, { dtype, shape }: NewWeight): NewJson {
  const given = config.get("tensor_meta");
  const meta = weightMeta(dtype, shape, given.get("device"));
  return edited(config, [[given, metaJson(meta, given.optional("requires_grad")?.flag ?? false)]]);
}

const newConfig = ({ dtype, shape }: NewWeight, path: string, device: NewJson): NewJson => ({
  path_name: path,
  is_param: true,
  use_pickle: false,
  tensor_meta: metaJson(weightMeta(dtype, shape, device), true),
});

interface ProgramChanges {
  readonly nodes: readonly WrittenNode[];
  /** The weights that are not used any more. */
  readonly gone: ReadonlyMap<string, string>;
  /** New weights that replace old ones, and those that do not. */
  readonly replaced: readonly NewWeight[];
  readonly appended: readonly NewWeight[];
  readonly metas: Metas;
}

function editedProgram(model: Pt2Model, { nodes, gone, appended, replaced, metas }: ProgramChanges): NewJson {
  const { archive, program } = model;
  const { graph, signature } = program;
  const [given, specs] = [graph.get("inputs"), signature.get("input_specs")];
  const isParameter = (spec: Fields) => spec.kind.name === "parameter";
  // Append new parameters to the old ones, in both lists.
  const last = specs.items.findLastIndex(isParameter) + 1;
  const kept = program.inputs.map(({ name }) => !gone.has(name));
  const list = ({ items }: Fields, added: readonly NewJson[]) => {
    const both = [...items.slice(0, last), ...added, ...items.slice(last)];
    return both.filter((_, i) => (i < last ? kept[i] : i < last + added.length || kept[i - added.length]));
  };
  const inputs = appended.map(({ argument }) => ({ as_tensor: { name: argument } }));
  const parameters = appended.map(({ argument, state }) => ({
    parameter: { arg: { name: argument }, parameter_name: state },
  }));
  const values = graph.get("tensor_values");
  const made = new Map([...metas.added].map(([name, meta]) => [name, metaJson(meta, false)]));
  for (const { argument, dtype, shape } of appended) {
    made.set(argument, metaJson(weightMeta(dtype, shape, metas.device), true));
  }
  for (const { instead, dtype, shape } of replaced) {
    const input = program.inputs.find(({ state }) => state === instead?.name);
    if (instead === undefined || input === undefined || isPlain(instead)) continue;
    made.set(input.name, metaJson(weightMeta(dtype, shape, metas.device), true));
  }
  const makes = new Set(nodes.flatMap((node) => node.makes));
  const dropped = new Set(
    program.nodes.flatMap((node) => node.made.map(({ name }) => name)).filter((name) => !makes.has(name)),
  );
  for (const name of gone.keys()) dropped.add(name);
  const isSame = nodes.length === program.nodes.length && nodes.every(({ from }, i) => from === program.nodes[i]);
  const listed = graph.get("nodes");
  // Nodes that correspond to the old ones keep the separators between these.
  const now = isSame
    ? edited(
        listed,
        listed.items.map((item, i) => [item, nodes[i]?.json ?? null]),
      )
    : nodes.map(({ json }) => json);
  const edits: Edit[] = [
    [listed, now],
    [values, editedObject(values, made, dropped)],
  ];
  if (gone.size + appended.length > 0) edits.push([given, list(given, inputs)], [specs, list(specs, parameters)]);
  return edited(archive.program.fields, edits);
}

/** An object with values replaced, appended, or removed. */
function editedObject(fields: Fields, changed: ReadonlyMap<string, NewJson>, removed: ReadonlySet<string>): NewJson {
  if (changed.size + removed.size === 0) return fields;
  // Changed values keep their places, and new ones follow.
  const entries = [...fields.keys.map((key) => [key, fields.get(key)] as const), ...changed];
  return new Map<string, NewJson>(entries.filter(([key]) => !removed.has(key)));
}
