/** Code as HTML, in the classes of playground/colors.css: by the tokenizers that the playground's editors have. */
import { highlightCode, tagHighlighter, tags } from "@lezer/highlight";
import { tir } from "../../playground/editor/tir-language.ts";
import { wgsl } from "../../playground/editor/wgsl-language.ts";

/** The kinds of playground/editor/theme.ts. */
const kinds = tagHighlighter([
  { tag: tags.comment, class: "comment" },
  { tag: [tags.keyword, tags.meta], class: "keyword" },
  { tag: [tags.number, tags.atom, tags.string], class: "number" },
  { tag: tags.propertyName, class: "property" },
  { tag: tags.typeName, class: "type" },
  { tag: tags.function(tags.variableName), class: "function" },
  { tag: tags.definition(tags.variableName), class: "name" },
]);
const languages = { tir: tir().language, wgsl: wgsl().language };

export const escapeHtml = (text) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

/** A block without a language is a program where one begins in it: pages of passes and diagnostics show parts of programs. */
const looksLikeTir = (text) => /^\s*(?:fn \w+\(|let [\w(]|const \w+:)/m.test(text);

export function highlight(text, name) {
  const language = languages[name === "" && looksLikeTir(text) ? "tir" : name];
  if (language === undefined) return escapeHtml(text);
  let html = "";
  const put = (part, classes) => {
    html += classes === "" ? escapeHtml(part) : `<span class="${classes}">${escapeHtml(part)}</span>`;
  };
  highlightCode(text, language.parser.parse(text), kinds, put, () => {
    html += "\n";
  });
  return html;
}
