/**
 * The site as files by path: the pages listed in docs/README.md, the README as the first page, and a page for each file
 * of the repository that they link to. All addresses are relative, so that pages work from a folder as well as from a
 * server.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { addressFrom, contentsOf, outputOf, resolvePath } from "./contents.mjs";
import { frame } from "./frame.mjs";
import { escapeHtml } from "./highlight.mjs";
import { renderMarkdown, renderSource } from "./markdown.mjs";

const isText = (path) => /\.(?:tir|ts|m?js|cjs|json|html|txt|css|wgsl|md)$|(?:^|\/)LICENSE$|ignore$/.test(path);
const isOutside = (target) => /^[a-z]+:/.test(target);

/**
 * @param {string} root the repository's folder, with a trailing slash.
 * @param {[string, string][]} extra other parts of the site, built elsewhere, by name.
 * @returns {Map<string, string | Uint8Array>} throws if a page links to a file that does not exist.
 */
export function renderSite(root, extra = []) {
  const read = (path) => readFileSync(join(root, path), "utf8");
  const contents = contentsOf(read("docs/README.md"));
  const pages = new Set(contents.flatMap((section) => section.pages.map(({ path }) => path)));
  const files = new Map();
  const linked = new Set();

  /** The site's path for a repository path; files that are neither pages nor text are copied unchanged. */
  const placeOf = (path, page) => {
    if (pages.has(path)) return outputOf(path);
    const entry = statSync(join(root, path), { throwIfNoEntry: false });
    if (entry === undefined) throw new Error(`${page} links to ${path}, which does not exist`);
    linked.add(path);
    if (entry.isDirectory()) return `${path}/index.html`;
    return isText(path) ? `${path}.html` : path;
  };
  const put = (output, page) => files.set(output, frame({ contents, output, extra, ...page }));

  for (const page of pages) {
    const output = outputOf(page);
    const addressOf = (target) => {
      if (isOutside(target) || target.startsWith("#")) return target;
      const [path, fragment] = target.split("#");
      const place = placeOf(resolvePath(page, path), page);
      return `${addressFrom(output, place)}${fragment === undefined ? "" : `#${fragment}`}`;
    };
    put(output, renderMarkdown(read(page), addressOf));
  }
  // Iterating a set includes elements added on the way: the files in linked folders.
  for (const path of linked) {
    if (statSync(join(root, path)).isDirectory()) {
      const output = `${path}/index.html`;
      const names = readdirSync(join(root, path)).filter((name) => !/^node_modules$|^\./.test(name));
      const items = names.map((name) => {
        const place = placeOf(`${path}/${name}`, path);
        return `<li><a href="${addressFrom(output, place)}">${escapeHtml(name)}</a></li>`;
      });
      put(output, { title: path, html: `<h1>${escapeHtml(path)}</h1>\n<ul>\n${items.join("\n")}\n</ul>\n` });
    } else if (isText(path)) put(`${path}.html`, { title: path, html: renderSource(path, read(path)) });
    else files.set(path, readFileSync(join(root, path)));
  }
  files.set("site.css", read("scripts/site/site.css"));
  files.set("colors.css", read("playground/colors.css"));
  files.set("icon.svg", read("playground/public/icon.svg"));
  return files;
}
