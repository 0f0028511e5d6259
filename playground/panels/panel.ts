/** What a tab shows. */

import type { ProgramView } from "../model/analyze.ts";

export interface Panel {
  /** Of the tab. */
  readonly title: string;
  readonly id: string;
  readonly element: HTMLElement;
  /** Shows a program; called for the panel that is seen alone, since the page is renewed at every key. */
  render(program: ProgramView): void;
}
