/** The remarks of the passes. */

import { element } from "../dom.ts";
import { type GoTo, messageItem } from "./messages.ts";
import type { Panel } from "./panel.ts";

export function remarksPanel(goTo: GoTo): Panel {
  const root = element("div", { class: "scroll", tabindex: "0" });
  return {
    title: "Remarks",
    id: "remarks",
    element: root,
    render({ remarks }) {
      if (remarks.length === 0) root.replaceChildren("The passes have no remarks on this program.");
      else root.replaceChildren(element("ul", { class: "messages" }, ...remarks.map((one) => messageItem(one, goTo))));
    },
  };
}
