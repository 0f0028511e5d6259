/** Tables that a narrow page shows as a list, each cell under the title of its column. */

import { element } from "../dom.ts";

type Cell = HTMLTableCellElement;

/**
 * The roles are said outright: a browser takes a table that is laid out as blocks for no table.
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
    // Beside the title stands one box with all of it.
    cell.replaceChildren(element("div", {}, ...cell.childNodes));
  }
  return element("tr", { role: "row", ...attributes }, ...cells);
}
