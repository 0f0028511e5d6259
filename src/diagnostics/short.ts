/** A diagnostic in one line, as `grep` and editors read it (`--diagnostics short`). */

import { checkDiagnostic } from "./arguments.ts";
import { type Headline, headline } from "./lines.ts";

/**
 * `file:line:col: error[E0203]: message`, without the place if the diagnostic has none.
 * @throws TircError E0901
 */
export function renderShort(diagnostic: Headline): string {
  checkDiagnostic("renderShort", diagnostic);
  return headline(diagnostic);
}
