/** Operates on one model in a worker that ends with it. Files are sent as handles, so no bytes are copied. */

import { bytesOf, type Piece } from "../../src/onnx/write.ts";
import { type Message, messagesOf } from "../model/messages.ts";
import { type ChosenFile, FileSource } from "../surgery/files.ts";
import { type ModelView, operate, type Rewritten } from "../surgery/operate.ts";

export interface SurgeryTask {
  readonly files: readonly ChosenFile[];
}

/** A file to be downloaded. */
export interface NewFile {
  readonly name: string;
  readonly blob: Blob;
}

export type SurgeryAnswer =
  | { readonly kind: "done"; readonly view: ModelView; readonly files: readonly NewFile[]; readonly bytesRead: number }
  | { readonly kind: "failed"; readonly messages: readonly Message[] };

addEventListener("message", ({ data }: MessageEvent<SurgeryTask>) => {
  const sources = data.files.map((chosen) => ({ path: chosen.path, source: new FileSource(chosen) }));
  const files: NewFile[] = [];
  try {
    const view = operate(sources, (file) => files.push({ name: file.name, blob: blobOf(file) }));
    const bytesRead = sources.reduce((sum, { source }) => sum + source.bytesRead, 0);
    postMessage({ kind: "done", view, files, bytesRead } satisfies SurgeryAnswer);
  } catch (caught) {
    postMessage({ kind: "failed", messages: messagesOf(caught) } satisfies SurgeryAnswer);
  }
});

/** Unchanged parts refer to the source file; new ones go to the browser, which may store them on disk. */
function blobOf({ source, pieces }: Rewritten): Blob {
  const parts: Blob[] = [];
  for (const piece of pieces) parts.push(...blobsOf(source, piece));
  return new Blob(parts);
}

function blobsOf(source: Rewritten["source"], piece: Piece): Blob[] {
  if (source instanceof FileSource && !(piece instanceof Uint8Array)) {
    return [source.file.slice(piece.start, piece.end)];
  }
  return [...bytesOf(source, [piece])].map((bytes) => new Blob([bytes as Uint8Array<ArrayBuffer>]));
}
