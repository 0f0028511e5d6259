/** Highlighting and completion of the language, from the op table. */

import type { CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import { LanguageSupport, StreamLanguage, type StringStream } from "@codemirror/language";
import { callableNames, isOpName, ops } from "../../src/ir/ops/index.ts";
import { keywords as keywordList, literalWords } from "../../src/ir/print.ts";
import { elementTypes, isElementType } from "../../src/ir/types.ts";

const keywords = new Set<string>(keywordList);
const literals = new Set<string>(literalWords);

interface State {
  inComment: boolean;
  /** Between a `let` and its `=`, where names are defined. */
  inLet: boolean;
}

function token(stream: StringStream, state: State): string | null {
  if (state.inComment || stream.match("/*")) {
    state.inComment = !stream.match(/^.*?\*\//);
    if (state.inComment) stream.skipToEnd();
    return "comment";
  }
  if (stream.match(/^\/\/.*/)) return "comment";
  if (stream.match(/^"(?:[^"\\]|\\.)*"?/)) return "string";
  if (stream.match(/^@[A-Za-z_]\w*/)) return "meta";
  if (stream.match(/^\.?\d(?:[eE][+-]|[\w.])*/)) return "number";
  const word = stream.match(/^[A-Za-z_]\w*/) as RegExpMatchArray | null;
  if (word) {
    if (word[0] === "let") state.inLet = true;
    return kindOf(word[0], stream, state);
  }
  if (stream.peek() === "=") state.inLet = false;
  if (stream.match(/^(?:->|[-+*/%=<>!&|]+)/)) return "operator";
  stream.next();
  return null;
}

function kindOf(word: string, stream: StringStream, { inLet }: State): string {
  if (keywords.has(word)) return "keyword";
  if (literals.has(word)) return "atom";
  if (isElementType(word)) return "typeName";
  if (stream.match(/^\s*\(/, false) && isOpName(word)) return "variableName.function";
  if (inLet) return "variableName.definition";
  // An attribute of a call.
  return stream.match(/^\s*=(?!=)/, false) ? "propertyName" : "variableName";
}

const language = StreamLanguage.define<State>({
  name: "tir",
  startState: () => ({ inComment: false, inLet: false }),
  token,
  languageData: { commentTokens: { line: "//", block: { open: "/*", close: "*/" } } },
});

const words = [
  ...callableNames.map((label) => ({ label, type: "function", info: ops[label].summary, apply: `${label}(` })),
  ...elementTypes.map((label) => ({ label, type: "type" })),
  ...[...keywords].map((label) => ({ label, type: "keyword" })),
];

/** Completes ops, types, keywords, and the names in the text. */
function complete(context: CompletionContext): CompletionResult | null {
  const word = context.matchBefore(/[A-Za-z_]\w*/);
  if (word === null && !context.explicit) return null;
  const from = word?.from ?? context.pos;
  const text = context.state.doc.sliceString(0, from) + context.state.doc.sliceString(context.pos);
  const names = new Set(text.match(/\b[A-Za-z_]\w*\b/g));
  for (const { label } of words) names.delete(label);
  const own = [...names].map((label) => ({ label, type: "variable" }));
  return { from, options: [...words, ...own], validFor: /^\w*$/ };
}

export function tir(): LanguageSupport {
  return new LanguageSupport(language, [language.data.of({ autocomplete: complete })]);
}
