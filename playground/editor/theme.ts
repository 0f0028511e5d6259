/** The look of editors. Colours are variables of colors.css, which handles dark and light mode. */

import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import type { Extension } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { tokenKinds } from "./token-kinds.ts";

const colorOf = (kind: string) => (kind === "property" ? "var(--muted)" : `var(--code-${kind})`);
const colors = HighlightStyle.define(tokenKinds.map(({ tag, kind }) => ({ tag, color: colorOf(kind) })));

const layout = EditorView.theme({
  "&": { height: "100%", color: "var(--text)", backgroundColor: "var(--surface)", fontSize: "var(--code-size)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.5" },
  ".cm-content": { caretColor: "var(--text)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-gutters": { backgroundColor: "var(--surface)", color: "var(--muted)", border: "none" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--active-line)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--selection)",
  },
  ".cm-tooltip": { backgroundColor: "var(--raised)", color: "var(--text)", border: "1px solid var(--border)" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--accent)", color: "var(--on-accent)" },
  ".cm-panels": { backgroundColor: "var(--raised)", color: "var(--text)" },
  ".cm-diagnostic": { fontFamily: "var(--sans)" },
  ".cm-linked": { backgroundColor: "var(--linked)" },
  ".cm-added": { backgroundColor: "var(--added)" },
  ".cm-removed": { backgroundColor: "var(--removed)" },
});

export const theme: Extension = [layout, syntaxHighlighting(colors)];
