/** `tirc lsp`: a language server on stdin and stdout, for editors. */

import { Server } from "../lsp/server.ts";
import type { Arguments } from "./arguments.ts";
import type { Session } from "./session.ts";
import { version } from "./version.ts";

export async function lspCommand(_args: Arguments, session: Session): Promise<number> {
  const server = new Server({ version: version(), send: (bytes) => session.output(bytes) });
  for await (const chunk of session.io.stdinChunks()) {
    server.receive(chunk);
    if (server.exitCode !== undefined) return server.exitCode;
  }
  // The editor is gone without a word.
  return 1;
}
