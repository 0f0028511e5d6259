/**
 * A checkpoint of Hugging Face's: `config.json`, and tensors in `model.safetensors` or in shards that
 * `model.safetensors.index.json` lists. Of the weights only the headers are read here.
 */

import * as checkpointErrors from "../diagnostics/areas/checkpoints.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { duplicateKey } from "../diagnostics/duplicate-key.ts";
import { readSafetensorsHeader, type TensorEntry } from "../formats/safetensors.ts";
import type { ByteSource } from "../onnx/bytes.ts";

/** The folder, as far as a checkpoint needs it. */
export interface Folder {
  /** What messages call it. */
  readonly name: string;
  /** Names of the files that lie in it, without those of folders in it. */
  readonly files: readonly string[];
  open(file: string): ByteSource;
}

/** A tensor, and the file in which it lies. */
export interface StoredTensor extends TensorEntry {
  readonly file: string;
}

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export interface Checkpoint {
  readonly folder: Folder;
  readonly config: Config;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Files of tensors, in order. */
  readonly shards: readonly string[];
}

export const configFile = "config.json";
const single = "model.safetensors";
export const indexFile = `${single}.index.json`;

/** The largest text that is read whole: a tokenizer has more, a configuration never. */
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
        fail(checkpointErrors.wrongIndex(source.name, `\`${name}\` lies in ${other.file} and in ${file}`));
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

/** Throws E0791 for what is no JSON object. */
function readObject(source: ByteSource, wrong: (reason: string) => never): { readonly [key: string]: Json } {
  if (source.size > longestText) wrong(`it has ${source.size} bytes`);
  let [text, value]: [string, unknown] = ["", undefined];
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(source.read(0, source.size));
    value = JSON.parse(text);
  } catch {
    wrong("it is no JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) wrong("it is no JSON object");
  const twice = duplicateKey(text);
  if (twice !== undefined) wrong(`it has the key \`${twice.key}\` twice`);
  return value as { readonly [key: string]: Json };
}

/** The files that the index names. They lie beside it: a path out of the folder is refused. */
function shardsIn(folder: Folder): string[] {
  const source = folder.open(indexFile);
  const wrong = (reason: string) => fail(checkpointErrors.wrongIndex(source.name, reason));
  const { weight_map: map } = readObject(source, wrong);
  if (typeof map !== "object" || map === null || Array.isArray(map)) return wrong("it has no object `weight_map`");
  const files = [...new Set(Object.values(map))];
  for (const file of files) {
    if (typeof file !== "string" || !folder.files.includes(file) || !file.endsWith(".safetensors")) {
      wrong(`it names ${JSON.stringify(file)}, and no such file of safetensors lies beside it`);
    }
  }
  return (files as string[]).sort();
}

/** `config.json`, of which each entry is checked as it is read. Throws E0791. */
export class Config {
  readonly file: string;
  readonly data: { readonly [key: string]: Json };

  constructor(folder: Folder, data?: { readonly [key: string]: Json }) {
    const source = folder.open(configFile);
    this.file = source.name;
    this.data = data ?? readObject(source, (reason) => this.wrong(reason));
    this.folder = folder;
  }

  private readonly folder: Folder;

  private wrong(reason: string): never {
    fail(checkpointErrors.wrongConfig(this.file, reason));
  }

  /** What `model_type` says. */
  get type(): string {
    const type = this.data.model_type;
    return typeof type === "string" ? type : this.wrong("it has no `model_type`");
  }

  /** A number of layers. */
  count(key: string): number {
    const value = this.data[key];
    const isCount = Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= 10_000;
    return isCount ? (value as number) : this.wrong(`\`${key}\` is no number of layers: ${JSON.stringify(value)}`);
  }

  /** @param otherwise what the library takes where the entry is missing. */
  epsilon(key: string, otherwise: number): number {
    const value = this.data[key] ?? otherwise;
    return typeof value === "number" && value >= 0
      ? value
      : this.wrong(`\`${key}\` is no eps: ${JSON.stringify(value)}`);
  }

  flag(key: string, otherwise: boolean): boolean {
    const value = this.data[key] ?? otherwise;
    return typeof value === "boolean" ? value : this.wrong(`\`${key}\` is neither true nor false`);
  }

  /** The configuration of a part, such as CLIP's `text_config`. */
  part(key: string): Config {
    const value = this.data[key];
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return new Config(this.folder, isObject ? (value as { [key: string]: Json }) : this.wrong(`it has no \`${key}\``));
  }

  /** The class that it was saved from, as far as it is said. */
  get architecture(): string {
    const [first] = Array.isArray(this.data.architectures) ? (this.data.architectures as readonly Json[]) : [];
    return typeof first === "string" ? first : "";
  }
}
