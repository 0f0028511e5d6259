/** The frame of each page: navigation, and links to the previous and next page. Pages have no scripts. */
import { addressFrom, outputOf } from "./contents.mjs";
import { escapeHtml } from "./highlight.mjs";

/** A longer list is useless as a table of contents: pages of diagnostics have dozens of sections. */
const mostSections = 30;

const link = (from, to, text, attributes = "") =>
  `<a href="${addressFrom(from, to)}"${attributes}>${escapeHtml(text)}</a>`;

function navigation(contents, output, headings) {
  const sections = headings.filter(({ level }) => level === 2);
  const listed = sections.length > mostSections ? [] : sections;
  const inner = listed.map(({ id, text }) => `<li><a href="#${id}">${escapeHtml(text)}</a></li>`).join("");
  const item = ({ title, path }) => {
    const isHere = outputOf(path) === output;
    const below = isHere && inner !== "" ? `<ul>${inner}</ul>` : "";
    return `<li>${link(output, outputOf(path), title, isHere ? ' aria-current="page"' : "")}${below}</li>`;
  };
  const here = contents.flatMap(({ pages }) => pages).find(({ path }) => outputOf(path) === output);
  // Nested pages are listed only while their parent or one of its children is open.
  const isListed = ({ below }) => below === undefined || below === here?.path || below === here?.below;
  return contents
    .map(({ title, pages }, i) => {
      const id = `contents-${i}`;
      const items = pages.filter(isListed).map(item).join("\n");
      return `<p id="${id}">${escapeHtml(title)}</p>\n<ul aria-labelledby="${id}">${items}</ul>`;
    })
    .join("\n");
}

/**
 * @param {{ contents: object[], output: string, title: string, html: string, headings?: object[], extra?: [string, string][] }} page
 *   `output` is its path in the site; `extra` are other parts of the site by name.
 */
export function frame({ contents, output, title, html, headings = [], extra = [] }) {
  const order = contents.flatMap(({ pages }) => pages);
  const at = order.findIndex(({ path }) => outputOf(path) === output);
  const step = (page, rel, before) =>
    page === undefined ? "<span></span>" : link(output, outputOf(page.path), `${before}${page.title}`, ` rel="${rel}"`);
  const steps =
    at < 0
      ? ""
      : `<nav class="steps" aria-label="Order of pages">${step(order[at - 1], "prev", "← ")}${step(order[at + 1], "next", "→ ")}</nav>`;
  const style = (name) => `<link rel="stylesheet" href="${addressFrom(output, name)}" />`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<meta name="color-scheme" content="light dark" />
<title>${title === "tirc" ? "tirc" : `${escapeHtml(title)} - tirc`}</title>
<link rel="icon" type="image/svg+xml" href="${addressFrom(output, "icon.svg")}" />
${style("colors.css")}
${style("site.css")}
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header>${link(output, "index.html", "tirc", ' class="home"')}<nav aria-label="Site"><a href="#contents">Contents</a>${extra
    .map(([name, path]) => link(output, path, name))
    .join("")}</nav></header>
<div class="columns">
<main id="content">
${html}${steps}
</main>
<nav id="contents" aria-label="Contents">
${navigation(contents, output, headings)}
</nav>
</div>
</body>
</html>
`;
}
