/** Finds the model among dropped files: the one nearest to the top folder. */

import type { Folder } from "../../src/checkpoint/checkpoint.ts";
import * as fileErrors from "../../src/diagnostics/areas/files.ts";
import { fail } from "../../src/diagnostics/diagnostic.ts";
import type { ByteSource } from "../../src/onnx/bytes.ts";

/** A file, and its path in the drop: `gpt2/config.json`. */
export interface DroppedFile {
  readonly path: string;
  readonly source: ByteSource;
}

export type Subject =
  | {
      readonly kind: "model";
      readonly file: DroppedFile;
      /** A file by its path from the model's folder; `undefined` if it was not dropped. */
      beside(location: string): ByteSource | undefined;
    }
  | { readonly kind: "checkpoint"; readonly folder: Folder };

const isModel = (path: string) => /\.(onnx|pt2)$/i.test(path);
const isWeights = (path: string) => path.endsWith(".safetensors");

const folderOf = (path: string) => path.slice(0, path.lastIndexOf("/") + 1);
export const nameIn = (path: string) => path.slice(path.lastIndexOf("/") + 1);
const depth = (folder: string) => folder.split("/").length;

/** Throws E0643. */
export function subjectOf(files: readonly DroppedFile[]): Subject {
  const folders = [...new Set(files.map(({ path }) => folderOf(path)))].sort((a, b) => depth(a) - depth(b));
  for (const folder of folders) {
    const here = files.filter(({ path }) => folderOf(path) === folder);
    const weights = here.find(({ path }) => isWeights(path));
    const hasConfig = here.some(({ path }) => nameIn(path) === "config.json");
    const [model, ...others] = here.filter(({ path }) => isModel(path));
    if (hasConfig && (weights !== undefined || model === undefined)) return checkpointOf(folder, here);
    if (others.length > 0) {
      const names = [model as DroppedFile, ...others].map(({ path }) => nameIn(path));
      fail(
        fileErrors.notAModel(called(folder, here), `it contains ${names.join(" and ")}`, [
          "take one of them at a time",
        ]),
      );
    }
    if (model !== undefined) return { kind: "model", file: model, beside: (location) => at(files, folder, location) };
    if (weights !== undefined) {
      const help = "take both files, or their folder";
      fail(fileErrors.notAModel(weights.path, "the config.json that describes the model is missing", [help]));
    }
  }
  const name = files.length === 1 ? (files[0] as DroppedFile).path : "the selection";
  fail(fileErrors.notAModel(name, "it is neither .onnx nor .pt2 nor .safetensors", known));
}

const known = [
  "take an ONNX model, an archive of `torch.export.save`, or the folder of a checkpoint with its config.json",
];

const called = (folder: string, files: readonly DroppedFile[]) =>
  folder === "" ? `the selection of ${files.length} files` : folder;

const at = (files: readonly DroppedFile[], folder: string, location: string) =>
  files.find(({ path }) => path === folder + location)?.source;

function checkpointOf(folder: string, files: readonly DroppedFile[]): Subject {
  const sources = new Map(files.map(({ path, source }) => [nameIn(path), source]));
  const name = folder === "" ? "the selection" : folder;
  const open = (file: string) => sources.get(file) as ByteSource;
  return { kind: "checkpoint", folder: { name, files: [...sources.keys()].sort(), open } };
}
