/** `tirc explain`: one page of the catalog, or the titles of all. */

import * as cliErrors from "../diagnostics/areas/command.ts";
import { catalog, explain } from "../diagnostics/catalog.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import type { Arguments } from "./arguments.ts";
import { loadPlugins } from "./plugins.ts";
import { linesOf, type Session } from "./session.ts";

export async function explainCommand(args: Arguments, session: Session): Promise<number> {
  const { text, span } = args.operand;
  const plugins = await loadPlugins(args, session);
  const all = new Map([...plugins.flatMap(({ pages = {} }) => Object.entries(pages)), ...catalog]);
  if (text === "list") {
    session.print([...all].map(([code, { title }]) => `${code}  ${title}`));
    return 0;
  }
  const page = explain(text, all);
  if (page === undefined) fail(cliErrors.unknownCode(span, text, [...all.keys()]));
  session.print(linesOf(page));
  return 0;
}
