/** Code as HTML, in the classes of playground/colors.css: by the tokenizers that the playground's editors have. */
import { highlightCode, tagHighlighter } from "@lezer/highlight";
import { tir } from "../../playground/editor/tir-language.ts";
import { tokenKinds } from "../../playground/editor/token-kinds.ts";
import { wgsl } from "../../playground/editor/wgsl-language.ts";

const kinds = tagHighlighter(tokenKinds.map(({ tag, kind }) => ({ tag, class: kind })));
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
