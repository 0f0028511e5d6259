/** When diagnostics are colored: by environment variables, and by the terminal. */

import { expect, test } from "vitest";
import { wantsColor } from "../../src/cli/session.ts";

/** The environment; on a terminal; elsewhere. */
const cases: readonly (readonly [Record<string, string>, boolean, boolean])[] = [
  [{}, true, false],
  [{ TERM: "dumb" }, false, false],
  [{ NO_COLOR: "1" }, false, false],
  [{ NO_COLOR: "" }, true, false],
  [{ FORCE_COLOR: "1" }, true, true],
  [{ FORCE_COLOR: "3" }, true, true],
  [{ FORCE_COLOR: "true" }, true, true],
  [{ FORCE_COLOR: "0" }, false, false],
  [{ FORCE_COLOR: "false" }, false, false],
  [{ FORCE_COLOR: "" }, true, false],
  [{ FORCE_COLOR: "1", NO_COLOR: "1" }, true, true],
  [{ FORCE_COLOR: "1", TERM: "dumb" }, true, true],
];

test.each(cases)("%j", (env, onTerminal, elsewhere) => {
  expect([wantsColor(env, true), wantsColor(env, false)]).toEqual([onTerminal, elsewhere]);
});
