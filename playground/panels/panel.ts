/** The content of a tab. */

import type { ProgramView } from "../model/analyze.ts";

export interface Panel {
  /** The title of the tab. */
  readonly title: string;
  readonly id: string;
  readonly element: HTMLElement;
  /** Shows a program. Called for the visible panel only, as the page is updated at every key. */
  render(program: ProgramView): void;
}
