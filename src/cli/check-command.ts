/** `tirc check`: parses and verifies, and says everything that is wrong in all files. */

import { type Diagnostic, TircError } from "../diagnostics/diagnostic.ts";
import { verifyFn } from "../ir/verify.ts";
import { parse } from "../parse/parse.ts";
import { type Arguments, checkStream } from "./arguments.ts";
import { exitCodeOf } from "./exit-code.ts";
import { readText, shownPath } from "./files.ts";
import type { Session } from "./session.ts";

export async function checkCommand(args: Arguments, session: Session): Promise<number> {
  checkStream(args.operands, "stdin");
  const codes = args.operands.map(({ text: path }) => {
    const found = problemsOf(path, session);
    session.report(found);
    return exitCodeOf(found);
  });
  return Math.max(...codes);
}

function problemsOf(path: string, session: Session): readonly Diagnostic[] {
  try {
    const text = readText(path, session.io);
    session.program = { text, pipeline: "" };
    const module = parse(text, { file: shownPath(path, "stdin") });
    return module.fns.flatMap(verifyFn);
  } catch (caught) {
    if (caught instanceof TircError) return caught.diagnostics;
    throw caught;
  }
}
