/** The kernels, and the plan if there are several. Their lines and the program's link to each other. */

import { type EditorView, highlightActiveLine } from "@codemirror/view";
import { element } from "../dom.ts";
import { goTo, mark, show, textView } from "../editor/editor.ts";
import { wgsl } from "../editor/wgsl-language.ts";
import type { FunctionView, KernelView, ProgramView } from "../model/analyze.ts";
import type { Panel } from "./panel.ts";

interface WgslEvents {
  /** Called when the caret is on a line generated from these lines of the program. */
  linked(programLines: readonly number[]): void;
  /** Called to go to a line of the program. */
  follow(programLine: number): void;
  notice(text: string): void;
}

interface WgslPanel extends Panel {
  /** Marks the lines generated from a line of the program. */
  showLinesOf(programLine: number): void;
  /** Moves the caret to the first line generated from a line of the program. */
  goToLinesOf(programLine: number): void;
}

export function wgslPanel(events: WgslEvents): WgslPanel {
  const choice = element("select", {});
  const label = element("label", {}, "Kernel ", choice);
  const facts = element("span", { class: "hint" });
  const copy = element("button", { type: "button", class: "copy-wgsl" }, "Copy WGSL");
  const bar = element("div", { class: "bar" }, label, facts, copy);
  const hint = element(
    "p",
    { class: "hint" },
    "The line with the caret and the lines it belongs to are marked on both sides. Enter goes to the program; Alt+Enter in the program comes back.",
  );
  const none = element("p", { class: "scroll" }, "There is no kernel for this function; see the problems.");
  const frame = element("div", { class: "editor" });
  const root = element("div", {}, bar, hint, none, frame);
  root.style.display = "contents";

  let texts: readonly Text[] = [];
  let current: Text | undefined;
  const linesOf = (wgslLine: number) => current?.sources[wgslLine - 1] ?? [];
  const view: EditorView = textView(frame, {
    label: "WGSL of the kernel",
    extensions: [wgsl(), highlightActiveLine()],
    moved(line) {
      mark(view, [line]);
      events.linked(linesOf(line));
    },
    follow(line) {
      const [first] = linesOf(line);
      if (first === undefined) events.notice("This line is not from a line of the program.");
      else events.follow(first);
    },
  });

  const renew = () => {
    current = texts.find(({ name }) => name === choice.value) ?? texts[0];
    none.hidden = current !== undefined;
    frame.hidden = current === undefined;
    copy.hidden = current === undefined;
    facts.textContent = current?.facts ?? "";
    copy.textContent = current?.isPlan ? "Copy plan" : "Copy WGSL";
    if (current !== undefined) show(view, current.text);
  };
  choice.addEventListener("change", renew);
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(current?.text ?? "");
    events.notice(current?.isPlan ? "The plan is copied." : "The WGSL is copied.");
  });

  const comingFrom = (programLine: number) =>
    (current?.sources ?? []).flatMap((lines, i) => (lines.includes(programLine) ? [i + 1] : []));

  return {
    title: "WGSL",
    id: "wgsl",
    element: root,
    render(program: ProgramView) {
      texts = program.functions.flatMap(textsOf);
      renewChoice(choice, texts);
      label.hidden = texts.length < 2;
      renew();
    },
    showLinesOf(programLine) {
      mark(view, comingFrom(programLine), { scroll: true });
    },
    goToLinesOf(programLine) {
      const [first] = comingFrom(programLine);
      if (first === undefined) events.notice("Nothing in the kernel is from this line alone.");
      else goTo(view, view.state.doc.line(first).from);
    },
  };
}

/** One text of the panel: a kernel, or the plan of several. */
interface Text {
  readonly name: string;
  readonly text: string;
  readonly sources: readonly (readonly number[])[];
  readonly facts: string;
  readonly isPlan: boolean;
}

function textsOf({ name, kernels, plan }: FunctionView): Text[] {
  const facts = `${kernels.length} kernels, one after the other`;
  const first = plan === undefined ? [] : [{ name: `${name} (plan)`, text: plan, sources: [], facts, isPlan: true }];
  return [...first, ...kernels.map(textOfKernel)];
}

function textOfKernel({ kernel: { name, wgsl, manifest }, sources }: KernelView): Text {
  const { workgroupSize, bindings, requiredFeatures } = manifest;
  const lines = wgsl.split("\n").length - 1;
  const needs = requiredFeatures.length > 0 ? `; needs ${requiredFeatures.join(", ")}` : "";
  const facts = `${lines} lines, ${bindings.length} buffers, workgroups of ${workgroupSize[0]}${needs}`;
  return { name, text: wgsl, sources, facts, isPlan: false };
}

/** Updates the menu of functions or kernels; the selection is kept if it still exists. */
export function renewChoice(choice: HTMLSelectElement, functions: readonly { readonly name: string }[]): void {
  const names = functions.map(({ name }) => name);
  if ([...choice.options].map(({ value }) => value).join() === names.join()) return;
  const before = choice.value;
  choice.replaceChildren(...names.map((name) => element("option", { value: name, selected: name === before }, name)));
}
