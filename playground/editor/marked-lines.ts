/** Lines of an editor with a class: changed by a pass, or linked to the other editor. */

import { type Extension, StateEffect, StateField } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView } from "@codemirror/view";

export interface LineMark {
  /** 1-based. */
  readonly line: number;
  readonly className: string;
  /** A sign before the line, for readers who do not see the colour. */
  readonly sign?: string;
}

export const setMarks = StateEffect.define<readonly LineMark[]>();

export const markedLines: Extension = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(marks, transaction) {
    for (const effect of transaction.effects) {
      if (!effect.is(setMarks)) continue;
      const { doc } = transaction.state;
      const sorted = effect.value.filter(({ line }) => line <= doc.lines).toSorted((a, b) => a.line - b.line);
      return Decoration.set(
        sorted.map(({ line, className, sign = "" }) =>
          Decoration.line({ class: className, attributes: { "data-sign": sign } }).range(doc.line(line).from),
        ),
      );
    }
    return marks.map(transaction.changes);
  },
  provide: (field) => EditorView.decorations.from(field),
});
