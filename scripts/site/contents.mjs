/** The pages of the site in order: the lists in docs/README.md, read as mdBook reads its SUMMARY.md. */

const heading = /^## (?<title>.+)$/;
const entry = /^(?<indent> *)- \[(?<title>[^\]]+)\]\((?<target>[^)]+)\)/;

/** @param {string} summary the text of docs/README.md. A page nested under another has that page's path as `below`. */
export function contentsOf(summary) {
  const sections = [];
  for (const line of summary.split("\n")) {
    const section = heading.exec(line)?.groups;
    if (section !== undefined) sections.push({ title: section.title, pages: [] });
    const page = entry.exec(line)?.groups;
    if (page === undefined) continue;
    const { pages } = sections.at(-1);
    const below = page.indent === "" ? undefined : pages.findLast((before) => before.below === undefined)?.path;
    pages.push({ title: page.title, path: resolvePath("docs/", page.target), below });
  }
  const start = {
    title: "Start",
    pages: [
      { title: "tirc", path: "README.md" },
      { title: "All pages", path: "docs/README.md" },
    ],
  };
  return [start, ...sections];
}

/** A path in the repository, from a link `target` in a file of `folder` ("" or "docs/"). */
export function resolvePath(folder, target) {
  return new URL(target, `file:///${folder}`).pathname.slice(1).replace(/\/$/, "");
}

/** The site's path for a page of the repository. */
export const outputOf = (path) => path.replace(/(^|\/)README\.md$/, "$1index.html").replace(/\.md$/, ".html");

/** The relative address of one file of the site from another. */
export function addressFrom(from, to) {
  const [here, there] = [from.split("/").slice(0, -1), to.split("/")];
  while (here.length > 0 && there.length > 1 && here[0] === there[0]) {
    here.shift();
    there.shift();
  }
  return [...here.map(() => ".."), ...there].join("/");
}
