/** The message and the reproducer when tirc itself fails, or a pass of a plugin. */

import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { builtinPasses } from "../../passes/index.ts";
import { internalError, keptIn } from "../diagnostics/areas/command.ts";
import { PassFailure } from "../pass-manager/pass-manager.ts";
import { withHeader } from "../pass-manager/pipeline.ts";
import { internalErrorCode } from "./exit-code.ts";
import { linesOf, type Session } from "./session.ts";

/** One line, and the path of the reproducer; the stack only with TIRC_DEBUG=1. `command` is the line. Returns the exit code. */
export function reportCrash(caught: unknown, command: string, session: Session): number {
  const message = caught instanceof Error ? caught.message : String(caught);
  const kept = keepProgram(message, command, session);
  const ownPass = caught instanceof PassFailure && !builtinPasses.some(({ name }) => name === caught.pass);
  const shown = ownPass
    ? { ...caught.diagnostic, notes: [...caught.diagnostic.notes, ...keptIn(kept)] }
    : internalError(message.split("\n")[0] as string, kept);
  session.report([shown]);
  if (session.io.env.TIRC_DEBUG === "1") session.tell(linesOf(stackOf(caught)));
  return ownPass ? 1 : internalErrorCode;
}

function stackOf(caught: unknown): string {
  if (!(caught instanceof Error)) return String(caught);
  const cause = caught.cause === undefined ? "" : `\ncaused by ${stackOf(caught.cause)}`;
  return `${caught.stack ?? caught.message}${cause}`;
}

/** Writes a new file with the program and its pipeline, and returns its path. */
function keepProgram(message: string, command: string, { program, reproducer, io }: Session): string | undefined {
  if (program === undefined) return undefined;
  const text =
    reproducer ?? withHeader(program.pipeline, `\`${command}\` failed on this program.\n${message}`, program.text);
  for (const [folder, prefix] of [
    [io.cwd, ""],
    [tmpdir(), tmpdir()],
  ] as const) {
    for (let n = 1; n <= 100; n++) {
      const name = `tirc-reproducer-${n}.tir`;
      try {
        writeFileSync(join(folder, name), text, { flag: "wx" });
        return join(prefix, name);
      } catch (failure) {
        if ((failure as NodeJS.ErrnoException).code !== "EEXIST") break;
      }
    }
  }
  return undefined;
}
