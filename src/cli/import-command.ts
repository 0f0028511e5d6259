/** `tirc import`: an ONNX model as a program. */

import { dirname, relative, resolve } from "node:path";
import { print } from "../ir/print.ts";
import { type Imported, importModel } from "../onnx/import.ts";
import { shownOp } from "../onnx/model.ts";
import type { Arguments } from "./arguments.ts";
import { importCheckpoint } from "./checkpoint-command.ts";
import { isFolder } from "./checkpoint-files.ts";
import { shownPath } from "./files.ts";
import { openModel, weightsRead } from "./model-files.ts";
import { Outputs, writtenBy } from "./outputs.ts";
import type { Session } from "./session.ts";

export async function importCommand(args: Arguments, session: Session): Promise<number> {
  const { io } = session;
  const path = args.operand.text;
  if (isFolder(path, io)) return importCheckpoint(args, session);
  const out = args.value("--output")?.text ?? "-";
  // Constants are loaded from the model, relative to the program's folder.
  const folder = out === "-" ? io.cwd : dirname(resolve(io.cwd, out));
  const file = path === "-" ? shownPath(path, "stdin") : relative(folder, resolve(io.cwd, path)).replaceAll("\\", "/");
  const model = openModel(path, io);
  const outputs = new Outputs(args, session, writtenBy(args, "--output"), weightsRead(model, path));
  const imported = importModel(model, file);
  outputs.write(out, print(imported.module));
  if (args.has("--remarks")) session.report(imported.remarks);
  session.say(`${model.file}: ${summary(imported, model.graph.nodes.length)}`);
  return 0;
}

/** `12 nodes, 3 of them kept as extern: 2 Conv, 1 Resize`. */
function summary({ kept, remarks }: Imported, nodes: number): string {
  const counts = new Map<string, number>();
  for (const node of kept.values()) counts.set(shownOp(node), (counts.get(shownOp(node)) ?? 0) + 1);
  const list = [...counts].sort(([, a], [, b]) => b - a).map(([name, count]) => `${count} ${name}`);
  const all = kept.size === 0 ? "none kept as extern" : `${kept.size} of them kept as extern: ${list.join(", ")}`;
  const why = remarks.length === 0 ? "" : ` (--remarks says why, where it is not obvious: ${remarks.length})`;
  return `${nodes} nodes, ${all}${why}`;
}
