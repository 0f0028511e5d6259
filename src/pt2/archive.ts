/**
 * Reads an archive of torch.export: the JSON of its graph, and the places of its weights.
 *
 * The layout is defined by PyTorch (torch/export/pt2_archive/constants.py and torch/_export/serde/schema.py); all entries
 * may be in a folder of any name. Weights and constants are tensors over storages, each a zip entry, which may be shared.
 */

import * as archiveErrors from "../diagnostics/areas/archives.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import type { ByteSource } from "../onnx/bytes.ts";
import { Fields } from "./fields.ts";
import { JsonError, parseJson } from "./json.ts";
import { readTensorMeta, type TensorMeta } from "./tensor-meta.ts";
import { Crc, readZip, type ZipDirectory, type ZipEntry } from "./zip.ts";

/** The supported version of the schema; minor versions only add fields. */
const schemaMajor = 8;
/** No real graph is longer. */
const longestJson = 1 << 28;

/** A weight or a constant of a program. */
export interface StoredTensor {
  readonly name: string;
  readonly meta: TensorMeta;
  readonly storage: ZipEntry;
  /** Its entry in the JSON file that lists it. */
  readonly config: Fields;
  readonly listedIn: JsonEntry;
}

/** A zip entry with JSON. */
interface JsonEntry {
  readonly entry: ZipEntry;
  readonly fields: Fields;
}

export interface Pt2Archive {
  readonly source: ByteSource;
  readonly directory: ZipDirectory;
  readonly program: JsonEntry;
  /** The lists of weights and of constants. */
  readonly configs: readonly JsonEntry[];
  /** By their names in the state dict: `h.0.ln_1.weight`. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

/** Throws E0770 to E0773. */
export function readArchive(source: ByteSource): Pt2Archive {
  const directory = readZip(source);
  const root = rootOf(source.name, directory);
  const textOf = (path: string) => {
    const entry = directory.byName.get(root + path);
    return entry && readText(source, entry, 64).trim();
  };
  checkKind(source.name, directory, root, textOf);
  const names = [...directory.byName.keys()].filter((name) => /^models\/[^/]+\.json$/.test(name.slice(root.length)));
  const [path, ...others] = names;
  if (path === undefined) fail(archiveErrors.unread(source.name, "it holds no program in models/"));
  if (others.length > 0) fail(archiveErrors.unread(source.name, `it holds ${names.length} programs`, oneProgram));
  const program = readJson(source, directory.byName.get(path) as ZipEntry);
  const version = program.fields.get("schema_version");
  const [major, minor] = [version.get("major").integer, version.get("minor").integer];
  if (major !== schemaMajor) fail(archiveErrors.unknownSchema(source.name, `${major}.${minor}`, schemaMajor));
  const model = path.slice(root.length + "models/".length, -".json".length);
  const configs = ["weights", "constants"].flatMap((kind): JsonEntry[] => {
    const entry = directory.byName.get(`${root}data/${kind}/${model}_${kind}_config.json`);
    return entry === undefined ? [] : [readJson(source, entry)];
  });
  const tensors = new Map<string, StoredTensor>();
  for (const config of configs) for (const one of tensorsIn(source, directory, config)) tensors.set(one.name, one);
  return { source, directory, program, configs, tensors };
}

const oneProgram = "save each program in an archive of its own: `torch.export.save(program, path)`";

/** The folder of the entry `archive_format`, with its slash. */
function rootOf(file: string, { byName }: ZipDirectory): string {
  const names = [...byName.keys()];
  const isFirst = (name: string) => /^([^/]+\/)?archive_format$/.test(name);
  const found = names.find(isFirst);
  if (found !== undefined) return found.slice(0, -"archive_format".length);
  const has = (pattern: RegExp) => names.some((name) => pattern.test(name));
  if (has(/(^|\/)serialized_(state_dict|exported_program)\b/))
    fail(archiveErrors.unread(file, "its weights are a pickle, as PyTorch wrote them before 2.9"));
  if (has(/(^|\/)(data|constants)\.pkl$/))
    fail(archiveErrors.unread(file, "it is a pickle, as torch.save and torch.jit.save write them"));
  fail(archiveErrors.unread(file, "it has no entry `archive_format`"));
}

function checkKind(
  file: string,
  { byName }: ZipDirectory,
  root: string,
  textOf: (path: string) => string | undefined,
): void {
  const format = textOf("archive_format");
  if (format !== "pt2") fail(archiveErrors.unread(file, `its format is ${JSON.stringify(format)}`));
  const order = textOf("byteorder") ?? "little";
  if (order !== "little") fail(archiveErrors.unread(file, `its byte order is ${JSON.stringify(order)}`));
  if (byName.has(`${root}data/aotinductor`)) fail(archiveErrors.unread(file, "it holds compiled code"));
}

function readText(source: ByteSource, { name, data, crc }: ZipEntry, longest: number): string {
  const length = data.end - data.start;
  if (length > longest) fail(archiveErrors.unsound(source.name, `its entry ${name} has ${length} bytes`));
  const bytes = source.read(data.start, length);
  if (new Crc().add(bytes).sum !== crc)
    fail(archiveErrors.unsound(source.name, `the checksum of its entry ${name} is wrong`));
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    fail(archiveErrors.unsound(source.name, `its entry ${name} is not UTF-8 text`));
  }
}

function readJson(source: ByteSource, entry: ZipEntry): JsonEntry {
  const text = readText(source, entry, longestJson);
  try {
    return { entry, fields: new Fields(source.name, "", { ...parseJson(text), start: 0, end: text.length }, text) };
  } catch (caught) {
    if (!(caught instanceof JsonError)) throw caught;
    fail(archiveErrors.badJson(source.name, entry.name, caught.at, caught.message));
  }
}

function* tensorsIn(source: ByteSource, directory: ZipDirectory, listedIn: JsonEntry): Generator<StoredTensor> {
  const all = listedIn.fields.get("config");
  const folder = listedIn.entry.name.slice(0, listedIn.entry.name.lastIndexOf("/") + 1);
  for (const name of all.keys) {
    const config = all.get(name);
    const refuse = (reason: string): never => fail(archiveErrors.badTensor(source.name, name, reason));
    // Only entries of script objects have no tensor.
    const given = config.optional("tensor_meta");
    if (given === undefined) continue;
    if (config.optional("use_pickle")?.flag === true) {
      fail(archiveErrors.unread(source.name, `its tensor \`${name}\` is a pickle`));
    }
    const path = config.get("path_name").text;
    const storage = directory.byName.get(folder + path) ?? refuse(`there is no entry ${folder}${path}`);
    const meta = readTensorMeta(given);
    const size = storage.data.end - storage.data.start;
    const reason = whyNotIn(meta, size);
    if (reason !== undefined) refuse(reason);
    yield { name, meta, storage, config, listedIn };
  }
}

/** Why a tensor does not fit into its storage of `bytes` bytes. */
function whyNotIn({ sizes, strides, offset, type, isStrided }: TensorMeta, bytes: number): string | undefined {
  if (type === undefined) return undefined;
  if (!isStrided) return "it is not a dense tensor";
  const numbers = [...sizes, ...strides, offset];
  if (numbers.some((number) => typeof number !== "number")) return "its sizes are not numbers";
  if (numbers.some((number) => (number as number) < 0)) return "one of its sizes, strides or its offset is negative";
  if (sizes.includes(0)) return undefined;
  const last = sizes.reduce<number>(
    (sum, size, i) => sum + ((size as number) - 1) * (strides[i] as number),
    offset as number,
  );
  const needed = (last + 1) * type.bytes;
  const count = sizes.reduce<number>((product, size) => product * (size as number), 1);
  // With a stride of zero, a small storage could hold a tensor of any size.
  if (count * type.bytes > bytes) return `it has ${count} elements, more than its storage`;
  return needed > bytes ? `it reaches to byte ${needed} of its storage, which has ${bytes}` : undefined;
}
