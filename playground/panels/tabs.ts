/** Tabs after the ARIA Authoring Practices: the selected one is in the Tab order, and arrow keys move between them. */

import { element } from "../dom.ts";
import type { Panel } from "./panel.ts";

interface Tabs {
  readonly selected: Panel;
  select(id: string): void;
}

export function makeTabs(
  list: HTMLElement,
  container: HTMLElement,
  panels: readonly Panel[],
  changed: (panel: Panel) => void,
): Tabs {
  let selected = panels[0] as Panel;
  const tabs = panels.map(({ id, title }) =>
    element("button", { type: "button", role: "tab", id: `tab-${id}`, "aria-controls": `panel-${id}` }, title),
  );
  const frames = panels.map((panel) =>
    element("div", { role: "tabpanel", id: `panel-${panel.id}`, "aria-labelledby": `tab-${panel.id}` }, panel.element),
  );
  const select = (index: number) => {
    selected = panels[index] as Panel;
    for (const [i, tab] of tabs.entries()) {
      tab.setAttribute("aria-selected", String(i === index));
      tab.tabIndex = i === index ? 0 : -1;
      (frames[i] as HTMLElement).hidden = i !== index;
    }
    changed(selected);
  };
  const steps: Readonly<Record<string, (i: number) => number>> = {
    ArrowRight: (i) => (i + 1) % tabs.length,
    ArrowLeft: (i) => (i + tabs.length - 1) % tabs.length,
    Home: () => 0,
    End: () => tabs.length - 1,
  };
  for (const [i, tab] of tabs.entries()) {
    tab.addEventListener("click", () => select(i));
    tab.addEventListener("keydown", (event) => {
      const step = steps[event.key];
      if (step === undefined) return;
      event.preventDefault();
      select(step(i));
      tabs[step(i)]?.focus();
    });
  }
  list.append(...tabs);
  container.append(...frames);
  select(0);
  return {
    get selected() {
      return selected;
    },
    select: (id) => select(panels.findIndex((panel) => panel.id === id)),
  };
}
