/** The IR after each pass, with the lines changed by the pass. */

import { EditorView } from "@codemirror/view";
import { element } from "../dom.ts";
import { show, textView } from "../editor/editor.ts";
import type { LineMark } from "../editor/marked-lines.ts";
import { tir } from "../editor/tir-language.ts";
import type { PassView, ProgramView } from "../model/analyze.ts";
import type { Panel } from "./panel.ts";

export function passesPanel(): Panel {
  const choices = element("fieldset", { class: "passes" }, element("legend", {}, "Show the IR after"));
  const frame = element("div", { class: "editor diff" });
  const root = element("div", { class: "scrollless" }, choices, frame);
  root.style.display = "contents";
  const view = textView(frame, { label: "IR after the pass", extensions: [tir(), EditorView.lineWrapping] });
  let passes: readonly PassView[] = [];
  /** The chosen pass; `undefined`, until the visitor chooses one, means the first that changes something. */
  let picked: string | undefined;
  /** The names and notes of the choices now shown. */
  let shownNames = "";
  let notes: HTMLElement[] = [];

  const chosen = () =>
    passes.find(({ name }) => name === picked) ?? passes.find(({ added }) => added.length > 0) ?? passes[0];
  const renew = () => {
    const pass = chosen();
    if (pass === undefined) return;
    for (const radio of choices.querySelectorAll("input")) radio.checked = radio.value === pass.name;
    const marks: LineMark[] = [
      ...pass.added.map((line) => ({ line, className: "cm-added", sign: "+" })),
      ...pass.removed.map((line) => ({ line, className: "cm-removed", sign: "−" })),
    ];
    show(view, pass.text, marks);
  };

  /** Reuses the elements of the choices, or keyboard focus would be lost at every key. */
  const renewChoices = () => {
    const names = passes.map(({ name }) => name).join();
    if (names !== shownNames) {
      shownNames = names;
      notes = passes.map(() => element("span"));
      picked = undefined;
      const labels = passes.map(({ name }, i) => {
        const onchange = () => {
          picked = name;
          renew();
        };
        const radio = element("input", { type: "radio", name: "pass", value: name, onchange });
        return element("label", {}, radio, name, notes[i]);
      });
      choices.replaceChildren(choices.firstElementChild as Element, ...labels);
    }
    for (const [i, { added, removed }] of passes.entries()) {
      const changed = added.length + removed.length > 0;
      const text = changed ? ` +${added.length} −${removed.length}` : i === 0 ? "" : " unchanged";
      const note = notes[i] as HTMLElement;
      if (note.textContent !== text) note.textContent = text;
      note.className = changed ? "" : "visually-hidden";
      note.parentElement?.classList.toggle("unchanged", i > 0 && !changed);
    }
  };

  return {
    title: "Passes",
    id: "passes",
    element: root,
    render(program: ProgramView) {
      passes = program.passes;
      renewChoices();
      renew();
    },
  };
}
