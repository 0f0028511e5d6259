/** Every norm of the program and the outcome of its centering, as `tirc explain-norms` prints them. */

import { shortEps } from "../../src/report/norm-table.ts";
import { element, prose } from "../dom.ts";
import type { NormView } from "../model/analyze.ts";
import { type GoTo, placeButton } from "./messages.ts";
import type { Panel } from "./panel.ts";
import { dataTable, tableRow } from "./table.ts";

const meanings: Readonly<Record<NormView["centering"], string>> = {
  proved: "its rows are centered already, so the centering is gone",
  folded: "the centering moved into constants",
  moved: "the centering moved to where the rows begin, once for several norms",
  kept: "the centering stays, in the norm's own read of the row",
  lossy: "the centering is dropped without a proof",
  none: "an RMSNorm, which has no centering",
  left: "stays as it is",
  unknown: "a custom pass replaced it without reporting by what",
};

export function normsPanel(goTo: GoTo): Panel {
  const root = element("div", { class: "scroll", tabindex: "0" });
  return {
    title: "Norms",
    id: "norms",
    element: root,
    render({ norms }) {
      if (norms.length === 0) root.replaceChildren("This program has no norm.");
      else root.replaceChildren(table(norms, goTo));
    },
  };
}

function table(norms: readonly NormView[], goTo: GoTo): HTMLElement {
  const titles = ["Place", "Function", "Norm", "Affine", "eps", "Centering"];
  const caption = "Norms and the outcome of the centering of each";
  return dataTable(
    titles,
    [caption],
    norms.map((norm) => normRow(norm, goTo)),
  );
}

function normRow(norm: NormView, goTo: GoTo): HTMLTableRowElement {
  const affine = [norm.gamma ? "gamma" : "", norm.beta ? "beta" : ""].filter(Boolean).join(", ") || "none";
  const because = norm.because.map((reason) => element("li", {}, prose(reason)));
  return tableRow(
    {},
    element("td", {}, placeButton(norm.place, goTo)),
    element("td", { class: "code" }, norm.fn),
    element("td", { class: "code" }, norm.norm),
    element("td", {}, affine),
    element("td", { class: "number" }, shortEps(norm.eps)),
    element(
      "td",
      {},
      element("strong", {}, norm.centering),
      `: ${meanings[norm.centering]}`,
      because.length > 0 ? element("ul", {}, ...because) : undefined,
    ),
  );
}
