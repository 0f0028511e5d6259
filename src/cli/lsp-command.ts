/** `tirc lsp`: a language server on stdin and stdout, for editors. */

import { Server } from "../lsp/server.ts";
import type { Arguments } from "./arguments.ts";
import { readCheckOptions } from "./check-command.ts";
import type { Session } from "./session.ts";
import { version } from "./version.ts";

export async function lspCommand(args: Arguments, session: Session): Promise<number> {
  const check = await readCheckOptions(args, session);
  const server = new Server({ version: version(), send: (bytes) => session.output(bytes), check });
  for await (const chunk of session.io.stdinChunks()) {
    server.receive(chunk);
    if (server.exitCode !== undefined) return server.exitCode;
  }
  // The editor has exited without a shutdown request.
  return 1;
}
