/** ONNX models by the paths of a command line, with the files that hold their weights. */

import { dirname, join } from "node:path";
import type { Span } from "../diagnostics/diagnostic.ts";
import { bytesInMemory } from "../onnx/bytes.ts";
import { OnnxModel } from "../onnx/model.ts";
import { lazyFile, readBytes, shownPath } from "./files.ts";
import type { Io } from "./session.ts";

/** Only the graph is read now. Throws E0640 and E0740 to E0744. */
export function openOnnx(path: string, io: Io, span?: Span): OnnxModel {
  const name = shownPath(path, "stdin");
  const folder = path === "-" ? "." : dirname(path);
  const source = path === "-" ? bytesInMemory(name, readBytes(path, io)) : { name, ...lazyFile(path, io, span) };
  return new OnnxModel(source, (location) => {
    const file = join(folder, location);
    return { name: file, ...lazyFile(file, io) };
  });
}
