/**
 * Files by a pattern, for shells that do not expand `**` and for scripts that quote it. Node 20 has no glob of its own.
 *
 * - `*`, `?`: any characters, one character, of one name; `**`: any folders; `{a,b}`: either.
 * - As in a shell, they match no name that begins with a dot, and `**` does not match `node_modules`.
 */

import { readdirSync } from "node:fs";
import { resolve } from "node:path";
import * as fileErrors from "../diagnostics/areas/files.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import type { Word } from "./arguments.ts";
import { kindOf } from "./files.ts";
import type { Io } from "./session.ts";

const magic = /[*?{]/;

/** One part of a pattern, between slashes. */
function matcher(part: string): RegExp {
  let depth = 0;
  const text = part.replace(/[\\^$+.()|[\]*?{},]/g, (found) => {
    if (found === "*") return "[^/]*";
    if (found === "?") return "[^/]";
    if (found === "{") depth++;
    if (found === "{") return "(?:";
    if (found === "," && depth > 0) return "|";
    if (found === "}" && depth > 0) {
      depth--;
      return ")";
    }
    return `\\${found}`;
  });
  const dots = part.startsWith(".") ? "" : "(?!\\.)";
  return new RegExp(`^${dots}${text}${")".repeat(depth)}$`);
}

/** Paths in `folder` (which ends with a slash, or is empty) that match the rest of a pattern. */
function* find(folder: string, [part, ...rest]: readonly string[], io: Io): Generator<string> {
  if (part === undefined) return;
  const entries = () => readdirSync(resolve(io.cwd, folder), { withFileTypes: true });
  const folders = () => entries().filter((entry) => entry.isDirectory());
  if (part === "**") {
    yield* find(folder, rest.length > 0 ? rest : ["*"], io);
    const inner = folders().filter(({ name }) => name !== "node_modules" && !name.startsWith("."));
    for (const { name } of inner) yield* find(`${folder}${name}/`, ["**", ...rest], io);
  } else if (!magic.test(part)) {
    if (rest.length > 0) {
      if (kindOf(`${folder}${part}`, io) === "folder") yield* find(`${folder}${part}/`, rest, io);
    } else if (kindOf(`${folder}${part}`, io) === "file") yield `${folder}${part}`;
  } else {
    const isMeant = matcher(part);
    for (const { name } of entries().filter(({ name }) => isMeant.test(name))) {
      const kind = kindOf(`${folder}${name}`, io);
      if (rest.length === 0 && kind === "file") yield `${folder}${name}`;
      if (rest.length > 0 && kind === "folder") yield* find(`${folder}${name}/`, rest, io);
    }
  }
}

/**
 * The files of an operand, sorted: itself, the matches of a pattern, or in a folder all files that end with
 * `extension`. Throws E0640 if there is none.
 */
export function filesOf({ text, span }: Word, extension: string, io: Io): string[] {
  const kind = kindOf(text, io);
  if (kind === "file" || (kind === "nothing" && !magic.test(text))) return [text];
  const pattern = kind === "folder" ? `${text.replace(/\/+$/, "")}/**/*${extension}` : text;
  const found = new Set(find(pattern.startsWith("/") ? "/" : "", pattern.split("/").filter(Boolean), io));
  if (found.size === 0)
    fail(
      fileErrors.cannotRead(
        text,
        `no file ${kind === "folder" ? `in it ends with \`${extension}\`` : "matches it"}`,
        span,
        kind === "folder"
          ? ["name another folder, or a file"]
          : ["`*` is any name, and `**` any folders: 'src/**/*.tir'"],
      ),
    );
  return [...found].sort();
}
