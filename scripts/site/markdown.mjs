/** Converts Markdown to HTML with GitHub's anchors, so that links work the same in both places. */
import MarkdownIt from "markdown-it";
import { escapeHtml, highlight } from "./highlight.mjs";

/** GitHub's anchor for a heading: letters, digits, `_` and `-` are kept, spaces become `-`. */
export const slugOf = (text) =>
  text
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\p{M} _-]/gu, "")
    .replaceAll(" ", "-");

const plainText = (token) => token.children.map(({ content }) => content).join("");

/**
 * @param {string} text
 * @param {(target: string) => string} addressOf the address in the site for a link or picture of the page.
 * @returns {{ html: string, title: string, headings: { level: number, text: string, id: string }[] }}
 */
export function renderMarkdown(text, addressOf) {
  const markdown = new MarkdownIt({ html: true });
  const { rules } = markdown.renderer;
  rules.fence = (tokens, i) =>
    `<pre tabindex="0"><code>${highlight(tokens[i].content, tokens[i].info.trim())}</code></pre>\n`;
  rules.table_open = () => '<div class="table" tabindex="0"><table>\n';
  rules.table_close = () => "</table></div>\n";
  // Markers of generated parts (`npm run docs`).
  rules.html_block = (tokens, i) => (tokens[i].content.startsWith("<!--") ? "" : tokens[i].content);
  const tokens = markdown.parse(text, {});
  const headings = [];
  const taken = new Map();
  const links = (children) => {
    for (const child of children ?? []) {
      const name = child.type === "link_open" ? "href" : child.type === "image" ? "src" : undefined;
      if (name !== undefined) child.attrSet(name, addressOf(child.attrGet(name)));
      if (child.type === "image") child.attrSet("loading", "lazy");
    }
  };
  for (const [i, token] of tokens.entries()) {
    // The empty corner of a table is not a header.
    if (token.type === "th_open" && tokens[i + 1].content === "") {
      token.tag = "td";
      tokens[i + 2].tag = "td";
    }
    if (token.type === "inline") links(token.children);
    if (token.type !== "heading_open") continue;
    const content = plainText(tokens[i + 1]);
    const slug = slugOf(content);
    const before = taken.get(slug) ?? 0;
    taken.set(slug, before + 1);
    const id = before === 0 ? slug : `${slug}-${before}`;
    token.attrSet("id", id);
    headings.push({ level: Number(token.tag.slice(1)), text: content, id });
  }
  rules.heading_close = (all, i) => {
    const id = all
      .slice(0, i)
      .findLast(({ type }) => type === "heading_open")
      .attrGet("id");
    const link = all[i].tag === "h1" ? "" : ` <a class="anchor" href="#${id}" aria-label="Link to this section">#</a>`;
    return `${link}</${all[i].tag}>\n`;
  };
  const html = markdown.renderer.render(tokens, markdown.options, {});
  return { html, title: headings.find(({ level }) => level === 1)?.text ?? "", headings };
}

/** The content of a page that shows a source file. */
export function renderSource(path, text) {
  const language = path.endsWith(".tir") ? "tir" : path.endsWith(".wgsl") ? "wgsl" : "text";
  return `<h1>${escapeHtml(path)}</h1>\n<pre tabindex="0"><code>${highlight(text, language)}</code></pre>\n`;
}
