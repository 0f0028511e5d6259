/** From text to the syntax tree: by the grammar, and only where that does not match by hand, to say why. */

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

/** Everything that can be read of `source`, and what is wrong with the rest, in the order of places. Never throws. */
export function parseSyntax(source: Source, grammars: Grammars = tirGrammars): Parsed {
  const { file, diagnostics } = matchOrRecover(source, grammars);
  return { file, diagnostics: diagnostics.sort(byPlace) };
}

function matchOrRecover(source: Source, grammars: Grammars): Parsed {
  const matched = matchFile(source, grammars);
  if (!("stopped" in matched)) return matched;
  const recovered = recover(source, grammars.grammar, matched.matched);
  if (recovered.diagnostics.length > 0) return recovered;
  // Whoever explains must not overrule the grammar.
  const at = Math.min(matched.stopped, source.text.length);
  const span = { source, start: at, end: at };
  const found = { span, what: at < source.text.length ? "what follows" : "the end of the file" };
  return { ...recovered, diagnostics: [syntaxErrors.expected(found, "something else")] };
}
