/** Models by the paths of a command line: ONNX models with their weight files, and torch.export archives. */

import { join, sep } from "node:path";
import * as fileErrors from "../diagnostics/areas/files.ts";
import { fail, type Span, TircError } from "../diagnostics/diagnostic.ts";
import { type ByteSource, bytesInMemory } from "../onnx/bytes.ts";
import { OnnxModel } from "../onnx/model.ts";
import { Pt2Model } from "../pt2/model.ts";
import { folderOf, lazyFile, readBytes, shownPath, statusOf } from "./files.ts";
import type { Read } from "./outputs.ts";
import type { Io } from "./session.ts";

/** Whether a path is a model, and of which kind. */
export const isModel = (path: string): boolean => /\.(onnx|pt2)$/i.test(path);
const isArchive = (path: string, source: ByteSource) =>
  /\.pt2$/i.test(path) || (path === "-" && source.size > 2 && String.fromCharCode(...source.read(0, 2)) === "PK");

/** Only the graph is read at this point. Throws E0640, E0644, E0740 to E0744 and E0770 to E0773. */
export function openModel(path: string, io: Io, span?: Span): OnnxModel {
  const name = shownPath(path, "stdin");
  if (/\.tir$/i.test(path)) fail(fileErrors.isProgram(name, span));
  const source = path === "-" ? bytesInMemory(name, readBytes(path, io)) : { name, ...lazyFile(path, io, span) };
  if (isArchive(path, source)) return Pt2Model.read(source);
  return new OnnxModel(source, (location, refuse) => openWeights(folderOf(path), location, refuse, io));
}

/**
 * A model must not make tirc read files elsewhere: so a link out of its folder is rejected, and so is a hard link,
 * which may be a second name of any file (CVE-2025-51480, CVE-2026-27489).
 */
export function openWeights(
  folder: string,
  location: string,
  refuse: (reason: string, help?: string) => never,
  io: Io,
): ByteSource {
  const file = join(folder, location);
  const status = statusOf(file, io);
  if (status !== undefined) {
    const inside = statusOf(folder, io)?.real ?? folder;
    const copy =
      "replace the link by the file itself, if it belongs to the model; `hf download --local-dir FOLDER` writes no links";
    if (!status.real.startsWith(inside.endsWith(sep) ? inside : inside + sep)) {
      refuse(`${file} is a link to ${status.real}, which is not in the model's folder`, copy);
    }
    if (!status.isRegular) refuse(`${file} is not a regular file`);
    if (status.links > 1) {
      const own = `replace it by a copy, if it belongs to the model: \`cp ${file} ${file}.own\`, then rename the copy`;
      refuse(`${file} is a hard link, one of ${status.links} names of a file that may not belong to the model`, own);
    }
  }
  return { name: file, ...lazyFile(file, io) };
}

/** The files next to an open model. */
export function weightsRead(model: OnnxModel, path: string): Read[] {
  if (model instanceof Pt2Model) return [];
  const folder = folderOf(path);
  return [...model.locations].map((location) => ({ path: join(folder, location), what: "weights of the model" }));
}

/** The weight files of a model; none if it is not a model, which is reported when it is read. */
export function weightFiles(path: string, io: Io): string[] {
  try {
    return weightsRead(openModel(path, io), path).map((read) => read.path);
  } catch (caught) {
    if (caught instanceof TircError) return [];
    throw caught;
  }
}
