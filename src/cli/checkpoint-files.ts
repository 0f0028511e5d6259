/** Folders of a command line as Hugging Face checkpoints. */

import { join } from "node:path";
import { type Checkpoint, type Folder, openCheckpoint } from "../checkpoint/checkpoint.ts";
import * as checkpointErrors from "../diagnostics/areas/checkpoints.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { filesIn, kindOf } from "./files.ts";
import { openWeights } from "./model-files.ts";
import type { Io } from "./session.ts";

export const isFolder = (path: string, io: Io): boolean => path !== "-" && kindOf(path, io) === "folder";

/** Only the configuration and the headers are read at this point. A link that leads out of the folder is rejected. */
export function checkpointAt(path: string, io: Io): Checkpoint {
  const files = filesIn(path, io).filter((name) => kindOf(join(path, name), io) === "file");
  const refuse = (reason: string, help?: string): never =>
    fail(checkpointErrors.notACheckpoint(path, reason, help ?? "replace the link by the file itself"));
  const folder: Folder = { name: path, files: files.sort(), open: (file) => openWeights(path, file, refuse, io) };
  return openCheckpoint(folder);
}
