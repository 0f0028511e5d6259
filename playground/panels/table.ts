/** Tables that narrow pages show as lists, each cell below its column's title. */

import { element } from "../dom.ts";

type Cell = HTMLTableCellElement;

/**
 * The roles are explicit because browsers drop them from tables laid out as blocks.
 * @param rows made by `tableRow`, with a cell for each title.
 */
export function dataTable(
  titles: readonly string[],
  caption: readonly (Node | string)[],
  rows: readonly HTMLTableRowElement[],
): HTMLElement {
  const heads = titles.map((title) => element("th", { scope: "col", role: "columnheader" }, title));
  for (const row of rows) for (const [i, cell] of [...row.cells].entries()) cell.dataset.title = titles[i];
  const table = element(
    "table",
    { role: "table" },
    element("caption", {}, ...caption),
    element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, ...heads)),
    element("tbody", { role: "rowgroup" }, ...rows),
  );
  return element("div", { class: "wide" }, table);
}

export function tableRow(attributes: Readonly<Record<string, string>>, ...cells: Cell[]): HTMLTableRowElement {
  for (const cell of cells) {
    cell.setAttribute("role", "cell");
    // Next to its title, the content must be a single box.
    cell.replaceChildren(element("div", {}, ...cell.childNodes));
  }
  return element("tr", { role: "row", ...attributes }, ...cells);
}
