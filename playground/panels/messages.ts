/** Diagnostics and remarks as a list. Positions are buttons that go to the program. */

import { element, prose } from "../dom.ts";
import type { Message, Place } from "../model/messages.ts";

export type GoTo = (place: Place) => void;

export function placeButton(place: Place, goTo: GoTo): HTMLButtonElement {
  const text = `line ${place.line}`;
  const label = `${text}: line ${place.line}, column ${place.column}; go there`;
  return element("button", { type: "button", class: "link", "aria-label": label, onclick: () => goTo(place) }, text);
}

export function messageItem(message: Message, goTo: GoTo): HTMLLIElement {
  const { severity, code, text, place, labels, notes, help } = message;
  const name = code === "" ? severity : `${severity} ${code}`;
  const more = [
    ...labels.map((label) => element("li", {}, placeButton(label.place, goTo), " ", prose(label.text))),
    ...notes.map((note) => element("li", {}, prose(note))),
    ...help.map((line) => element("li", {}, "Help: ", prose(line))),
  ];
  return element(
    "li",
    { "data-severity": severity },
    ...(place ? [placeButton(place, goTo), " "] : []),
    element("strong", {}, name),
    ": ",
    prose(text),
    more.length > 0 ? element("ul", {}, ...more) : undefined,
  );
}

export interface Summary {
  /** `2 errors, 1 warning.` */
  readonly count: string;
  /** `Line 3: ...`, the first problem, for screen readers. */
  readonly first: string;
  readonly kind: "error" | "warning" | "none";
}

/** What a screen reader announces after a change. */
export function summaryOf(problems: readonly Message[]): Summary {
  const count = (severity: Message["severity"]) => problems.filter((one) => one.severity === severity).length;
  const counted = (["error", "warning"] as const)
    .map((severity) => [count(severity), severity] as const)
    .filter(([amount]) => amount > 0)
    .map(([amount, severity]) => `${amount} ${severity}${amount === 1 ? "" : "s"}`);
  const first = problems[0];
  if (first === undefined) return { count: "No problems.", first: "", kind: "none" };
  const place = first.place ? `Line ${first.place.line}: ` : "";
  const kind = count("error") > 0 ? "error" : "warning";
  return { count: `${counted.join(", ")}.`, first: place + first.text.replaceAll("`", ""), kind };
}
