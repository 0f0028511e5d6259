/** What a session writes to a terminal on which a line of progress stands. */

import { expect, test } from "vitest";
import { Session, type World } from "../../src/cli/session.ts";
import { remark } from "../../src/diagnostics/diagnostic.ts";

function terminal() {
  const written: string[] = [];
  const write = (data: string | Uint8Array) => void written.push(String(data));
  const world: World = {
    ...{ cwd: ".", env: {}, color: false, terminal: true, stdout: write, stderr: write },
    stdin: () => new Uint8Array(),
    async *stdinChunks() {},
  };
  return { session: new Session(world, "short"), written };
}

const clear = "\r\u001B[K";

test.each<[string, (session: Session) => void, string]>([
  ["report", (session) => session.report([remark("R0102", "said")]), "remark[R0102]: said\n"],
  ["tell", (session) => session.tell(["said"]), "said\n"],
  ["say", (session) => session.say("said"), "said\n"],
  ["print", (session) => session.print(["said"]), "said\n"],
  ["output", (session) => session.output("said"), "said"],
])("%s takes the line away first, once", (_, speak, text) => {
  const { session, written } = terminal();
  session.overwrite("1 of 2");
  speak(session);
  speak(session);
  expect(written.join("")).toBe(`${clear}1 of 2${clear}${text}${text}`);
});

test("nothing is taken away where no line stands", () => {
  const { session, written } = terminal();
  session.report([]);
  session.overwrite("1 of 2");
  session.report([]);
  session.clear();
  session.clear();
  session.tell(["said"]);
  expect(written.join("")).toBe(`${clear}1 of 2${clear}said\n`);
});
