/** `tirc explain`: one page of the catalog, or the titles of all. */

import { catalog, explain } from "../diagnostics/catalog.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { cliErrors } from "../diagnostics/errors-cli.ts";
import type { Arguments, Word } from "./arguments.ts";
import type { Session } from "./session.ts";

export async function explainCommand(args: Arguments, { io }: Session): Promise<number> {
  const { text, span } = args.operands[0] as Word;
  if (text === "list") {
    io.stdout([...catalog].map(([code, { title }]) => `${code}  ${title}\n`).join(""));
    return 0;
  }
  const page = explain(text);
  if (page === undefined) fail(cliErrors.unknownCode(span, text, [...catalog.keys()]));
  io.stdout(`${page}\n`);
  return 0;
}
