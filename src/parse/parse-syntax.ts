/** Parses text to the syntax tree: with the grammar, and if that fails by hand, to explain the errors. */

import * as syntaxErrors from "../diagnostics/areas/syntax.ts";
import type { Diagnostic, Source } from "../diagnostics/diagnostic.ts";
import { byPlace } from "../diagnostics/limit.ts";
import { type Grammars, matchFile, tirGrammars } from "./match-file.ts";
import { recover } from "./recover.ts";
import type { FileNode } from "./syntax.ts";

interface Parsed {
  readonly file: FileNode;
  readonly diagnostics: Diagnostic[];
}

/** The readable parts of `source`, and the errors in the rest, in source order. Never throws. */
export function parseSyntax(source: Source, grammars: Grammars = tirGrammars): Parsed {
  const { file, diagnostics } = matchOrRecover(source, grammars);
  return { file, diagnostics: diagnostics.sort(byPlace) };
}

function matchOrRecover(source: Source, grammars: Grammars): Parsed {
  const matched = matchFile(source, grammars);
  if (!("stopped" in matched)) return matched;
  const recovered = recover(source, grammars.grammar, matched.matched);
  if (recovered.diagnostics.length > 0) return recovered;
  // The grammar decides: a file it rejects is an error even if recovery finds nothing wrong.
  const at = Math.min(matched.stopped, source.text.length);
  const span = { source, start: at, end: at };
  const found = { span, what: at < source.text.length ? "what follows" : "the end of the file" };
  return { ...recovered, diagnostics: [syntaxErrors.expected(found, "something else")] };
}
