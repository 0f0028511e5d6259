/** Code as HTML with the classes of playground/colors.css, by the tokenizers of the playground's editors. */
import { highlightCode, tagHighlighter } from "@lezer/highlight";
import { tir } from "../../playground/editor/tir-language.ts";
import { tokenKinds } from "../../playground/editor/token-kinds.ts";
import { wgsl } from "../../playground/editor/wgsl-language.ts";

const kinds = tagHighlighter(tokenKinds.map(({ tag, kind }) => ({ tag, class: kind })));
const languages = { tir: tir().language, wgsl: wgsl().language };

export const escapeHtml = (text) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

/** Blocks without a language are programs if a statement begins in them: many pages show parts of programs. */
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
