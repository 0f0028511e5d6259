/**
 * Opens a Hugging Face checkpoint: `config.json`, and tensors in `model.safetensors` or in the shards that
 * `model.safetensors.index.json` lists. Of the tensor files, only the headers are read here.
 */

import * as checkpointErrors from "../diagnostics/areas/checkpoints.ts";
import { isRecord } from "../diagnostics/arguments.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { readJsonObject } from "../formats/json-object.ts";
import { readSafetensorsHeader, type TensorEntry } from "../formats/safetensors.ts";
import type { ByteSource } from "../onnx/bytes.ts";

/** The folder of a checkpoint. */
export interface Folder {
  /** The name shown in messages. */
  readonly name: string;
  /** The names of its files, not including subfolders. */
  readonly files: readonly string[];
  open(file: string): ByteSource;
}

/** A tensor, and the file that contains it. */
export interface StoredTensor extends TensorEntry {
  readonly file: string;
}

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
type JsonObject = { readonly [key: string]: Json };

const isObject = (value: Json | undefined): value is JsonObject => isRecord(value);

export interface Checkpoint {
  readonly folder: Folder;
  readonly config: Config;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** The files with tensors, in order. */
  readonly shards: readonly string[];
}

export const configFile = "config.json";
const single = "model.safetensors";
export const indexFile = `${single}.index.json`;

/** In bytes; no real configuration or index is longer. */
const longestText = 64 * 2 ** 20;

/** Throws E0640, E0660 and E0790 to E0794. */
export function openCheckpoint(folder: Folder): Checkpoint {
  const has = (file: string) => folder.files.includes(file);
  if (!has(configFile)) {
    const help = "name the folder that `save_pretrained` writes or `hf download --local-dir FOLDER` makes";
    fail(checkpointErrors.notACheckpoint(folder.name, `it has no ${configFile}`, help));
  }
  const config = new Config(folder);
  const shards = has(indexFile) ? shardsIn(folder) : [single];
  if (!has(indexFile) && !has(single)) refuseOtherFormats(folder);
  const tensors = new Map<string, StoredTensor>();
  for (const file of shards) {
    const source = folder.open(file);
    for (const [name, entry] of readSafetensorsHeader(source, source.name)) {
      const other = tensors.get(name);
      if (other !== undefined) {
        fail(checkpointErrors.wrongIndex(source.name, `\`${name}\` is in both ${other.file} and ${file}`));
      }
      tensors.set(name, { ...entry, file });
    }
  }
  return { folder, config, tensors, shards };
}

function refuseOtherFormats({ name, files }: Folder): never {
  const other = files.find((file) => /\.(bin|pt|pth|ckpt|h5|msgpack|gguf)$/.test(file));
  const convert = `in Python: \`AutoModel.from_pretrained("${name}").save_pretrained("FOLDER")\` writes safetensors`;
  if (other === undefined) fail(checkpointErrors.notACheckpoint(name, `it has no ${single}`, convert));
  fail(checkpointErrors.notACheckpoint(name, `its weights are in ${other}, which tirc does not read`, convert));
}

function readObject(source: ByteSource, wrong: (reason: string) => never): JsonObject {
  if (source.size > longestText) wrong(`it has ${source.size} bytes`);
  return readJsonObject(source.read(0, source.size), "it", wrong) as JsonObject;
}

/** The files that the index lists. They must be in its folder: paths are rejected. */
function shardsIn(folder: Folder): string[] {
  const source = folder.open(indexFile);
  const wrong = (reason: string) => fail(checkpointErrors.wrongIndex(source.name, reason));
  const { weight_map: map } = readObject(source, wrong);
  if (!isObject(map)) return wrong("it has no object `weight_map`");
  const files = [...new Set(Object.values(map))];
  for (const file of files) {
    if (typeof file !== "string" || !folder.files.includes(file) || !file.endsWith(".safetensors")) {
      wrong(`it lists ${JSON.stringify(file)}, which is not a .safetensors file in its folder`);
    }
  }
  return (files as string[]).sort();
}

/** `config.json`, whose entries are validated on access. Throws E0791. */
export class Config {
  readonly file: string;
  readonly data: JsonObject;

  constructor(folder: Folder, data?: JsonObject) {
    const source = folder.open(configFile);
    this.file = source.name;
    this.data = data ?? readObject(source, (reason) => this.wrong(reason));
    this.folder = folder;
  }

  private readonly folder: Folder;

  private wrong(reason: string): never {
    fail(checkpointErrors.wrongConfig(this.file, reason));
  }

  /** The entry `model_type`. */
  get type(): string {
    const type = this.data.model_type;
    return typeof type === "string" ? type : this.wrong("it has no `model_type`");
  }

  /** A number of layers. */
  count(key: string): number {
    const value = this.data[key];
    const isCount = Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= 10_000;
    return isCount
      ? (value as number)
      : this.wrong(`\`${key}\` is not a valid number of layers: ${JSON.stringify(value)}`);
  }

  /** @param otherwise the library's default. */
  epsilon(key: string, otherwise: number): number {
    const value = this.data[key] ?? otherwise;
    return typeof value === "number" && value >= 0
      ? value
      : this.wrong(`\`${key}\` is not a valid eps: ${JSON.stringify(value)}`);
  }

  flag(key: string, otherwise: boolean): boolean {
    const value = this.data[key] ?? otherwise;
    return typeof value === "boolean" ? value : this.wrong(`\`${key}\` is neither true nor false`);
  }

  /** A nested configuration, such as CLIP's `text_config`. */
  part(key: string): Config {
    const value = this.data[key];
    return new Config(this.folder, isObject(value) ? value : this.wrong(`it has no \`${key}\``));
  }

  /** The class that was saved, or "" if it is not given. */
  get architecture(): string {
    const [first] = Array.isArray(this.data.architectures) ? (this.data.architectures as readonly Json[]) : [];
    return typeof first === "string" ? first : "";
  }
}
