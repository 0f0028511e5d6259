/** The two kinds of editor on the page: one edits the program, the others only show text. */

import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { bracketMatching } from "@codemirror/language";
import { type Diagnostic, lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { EditorState, type Extension, type StateEffect } from "@codemirror/state";
import { type Command, drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import type { Message } from "../model/messages.ts";
import { type LineMark, markedLines, setMarks } from "./marked-lines.ts";
import { theme } from "./theme.ts";
import { tir } from "./tir-language.ts";

interface ProgramEvents {
  changed(text: string): void;
  /** Called when the caret moves to another line. */
  moved(line: number): void;
  run(): void;
  /** Called to go to the lines generated from the line of the caret. */
  follow(line: number): void;
}

/** The line of the caret, 1-based. */
export const caretLine = ({ state }: EditorView): number => lineOf(state);

const lineOf = (state: EditorState) => state.doc.lineAt(state.selection.main.head).number;

function onMove(moved: (line: number) => void): Extension {
  return EditorView.updateListener.of(({ state, startState, selectionSet }) => {
    if (selectionSet && lineOf(state) !== lineOf(startState)) moved(lineOf(state));
  });
}

/** A command that always consumes its key. */
function handled(act: (view: EditorView) => void): Command {
  return (view) => {
    act(view);
    return true;
  };
}

/** The editor of the program. Tab leaves it, as it leaves every other field. */
export function programEditor(parent: HTMLElement, events: ProgramEvents): EditorView {
  const keys = [
    { key: "Mod-Enter", run: handled(() => events.run()) },
    { key: "Alt-Enter", run: handled(({ state }) => events.follow(lineOf(state))) },
  ];
  return new EditorView({
    parent,
    extensions: [
      keymap.of([
        ...keys,
        ...closeBracketsKeymap,
        ...completionKeymap,
        ...lintKeymap,
        ...historyKeymap,
        ...defaultKeymap,
      ]),
      ...[lineNumbers(), lintGutter(), history(), drawSelection(), bracketMatching(), closeBrackets()],
      ...[autocompletion(), highlightActiveLine(), markedLines, tir(), theme, onMove(events.moved)],
      EditorView.lineWrapping,
      EditorView.contentAttributes.of({ "aria-label": "Program", "aria-describedby": "problems-summary" }),
      EditorView.updateListener.of(({ docChanged, state }) => {
        if (docChanged) events.changed(state.doc.toString());
      }),
    ],
  });
}

interface ViewOptions {
  readonly label: string;
  readonly extensions: readonly Extension[];
  readonly moved?: (line: number) => void;
  /** Called on Enter, to go to the source of the line. */
  readonly follow?: (line: number) => void;
}

/** Shows read-only text. It has a caret for keyboard use, but does not open the keyboard of a phone. */
export function textView(
  parent: HTMLElement,
  { label, extensions, moved = () => {}, follow: followLine = () => {} }: ViewOptions,
): EditorView {
  const follow = handled(({ state }) => followLine(lineOf(state)));
  return new EditorView({
    parent,
    extensions: [
      keymap.of([{ key: "Enter", run: follow }, { key: "Alt-Enter", run: follow }, ...defaultKeymap]),
      ...[lineNumbers(), drawSelection(), markedLines, theme, onMove(moved), ...extensions],
      EditorState.readOnly.of(true),
      EditorView.contentAttributes.of({ "aria-label": label, "aria-readonly": "true", inputmode: "none" }),
    ],
  });
}

/** Replaces the text, if it changed, and the marks. The scroll position is kept. */
export function show(view: EditorView, text: string, marks: readonly LineMark[] = []): void {
  const { doc } = view.state;
  const effects = setMarks.of(marks);
  if (doc.toString() === text) view.dispatch({ effects });
  else view.dispatch({ changes: { from: 0, to: doc.length, insert: text }, effects });
}

/** Marks lines as linked; `scroll` scrolls to the first. */
export function mark(view: EditorView, lines: readonly number[], { scroll = false } = {}): void {
  const effects: StateEffect<unknown>[] = [setMarks.of(lines.map((line) => ({ line, className: "cm-linked" })))];
  const first = lines[0];
  if (scroll && first !== undefined && first <= view.state.doc.lines) {
    const { from } = view.state.doc.line(first);
    if (!isSeen(view, from)) effects.push(EditorView.scrollIntoView(from, { y: "center" }));
  }
  view.dispatch({ effects });
}

function isSeen(view: EditorView, from: number): boolean {
  const { scrollTop, clientHeight } = view.scrollDOM;
  const { top, bottom } = view.lineBlockAt(from);
  return top >= scrollTop && bottom <= scrollTop + clientHeight;
}

/** Moves the caret. */
export function goTo(view: EditorView, from: number, to = from): void {
  const end = view.state.doc.length;
  const selection = { anchor: Math.min(from, end), head: Math.min(to, end) };
  view.dispatch({ selection, effects: EditorView.scrollIntoView(selection.anchor, { y: "center" }) });
  view.focus();
}

export function underline(view: EditorView, problems: readonly Message[]): void {
  const end = view.state.doc.length;
  const found = problems.flatMap(({ place, severity, code, text, notes, help }): Diagnostic[] => {
    if (place === undefined || severity === "remark") return [];
    const message = [text, ...notes, ...help].join("\n");
    return [{ from: Math.min(place.from, end), to: Math.min(place.to, end), severity, source: code, message }];
  });
  view.dispatch(setDiagnostics(view.state, found));
}
