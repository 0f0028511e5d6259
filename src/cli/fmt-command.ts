/** `tirc fmt`: formats files in place. Files with errors stay as they are. */

import { format } from "../parse/format.ts";
import { type Arguments, checkStream } from "./arguments.ts";
import { worstOf } from "./exit-code.ts";
import { readText, shownPath, writeAtomically } from "./files.ts";
import type { Session } from "./session.ts";

export async function fmtCommand(args: Arguments, session: Session): Promise<number> {
  const isCheck = args.has("--check");
  checkStream(args.operands, "stdin");
  return worstOf(args.operands, ({ text: path }) => formatFile(path, isCheck, session), session);
}

function formatFile(path: string, isCheck: boolean, session: Session): number {
  const { io } = session;
  const text = readText(path, io);
  session.program = { text, pipeline: "" };
  const file = shownPath(path, "stdin");
  const tidy = format(text, { file });
  if (isCheck) {
    if (tidy === text) return 0;
    session.tell([`${file} is not formatted`]);
    return 1;
  }
  if (path === "-") session.output(tidy);
  else if (tidy !== text) writeAtomically(path, tidy, io);
  return 0;
}
