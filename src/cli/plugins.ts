/** `--plugin FILE`: a module that adds passes, instruments, targets, ops and pages. */

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import * as pluginErrors from "../diagnostics/areas/plugins.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { type Installed, installPlugin, type Plugin } from "../driver/plugin.ts";
import type { Arguments, Word } from "./arguments.ts";
import { kindOf } from "./files.ts";
import type { Session } from "./session.ts";

/** The plugins of a command line, in order, with their ops in the op table while the command runs. @throws TircError E0760 to E0762 */
export async function loadPlugins(args: Arguments, session: Session): Promise<readonly Plugin[]> {
  const plugins: Plugin[] = [];
  for (const word of args.values("--plugin")) {
    const { plugin, uninstall } = await load(word, plugins, session);
    session.atEnd(uninstall);
    plugins.push(plugin);
  }
  session.plugins = args.values("--plugin").map(({ text }) => text);
  return plugins;
}

async function load({ text, span }: Word, before: readonly Plugin[], session: Session): Promise<Installed> {
  const place = { name: text, span };
  const kind = kindOf(text, session.io);
  if (kind !== "file") fail(pluginErrors.noFile(place, kind === "folder" ? "it is a folder" : "there is no such file"));
  const given = await imported(resolve(session.io.cwd, text)).catch((caught: unknown) => {
    const message = caught instanceof Error ? caught.message : String(caught);
    return fail(pluginErrors.cannotLoad(place, message.split("\n")[0] as string));
  });
  const { catalog } = await import("../diagnostics/catalog.ts");
  return installPlugin(given, place, before, [...catalog.keys()]);
}

/** By path: a module runs once in a process, and so does the function that it exports. */
const loaded = new Map<string, Promise<unknown>>();

function imported(path: string): Promise<unknown> {
  const known = loaded.get(path) ?? run(path);
  loaded.set(path, known);
  return known;
}

/** The default export; if it is a function, its result for the library, so that a plugin need not import the running one. */
async function run(path: string): Promise<unknown> {
  const { default: given } = (await import(pathToFileURL(path).href)) as { default?: unknown };
  return typeof given === "function" ? given(await import("../index.ts")) : given;
}
