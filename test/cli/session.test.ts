/** What a session writes to a terminal on which a line of progress stands. */

import { expect, test, vi } from "vitest";
import { Progress } from "../../src/cli/progress.ts";
import { Session, type World } from "../../src/cli/session.ts";
import { remark } from "../../src/diagnostics/diagnostic.ts";

function terminal(isTerminal = true) {
  const written: string[] = [];
  const write = (data: string | Uint8Array) => void written.push(String(data));
  const world: World = {
    ...{ cwd: ".", env: {}, color: false, terminal: isTerminal, stdout: write, stderr: write },
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

test.each([true, false])("progress is said after two seconds, ten times a second at most; on a terminal: %s", (is) => {
  vi.useFakeTimers({ toFake: ["performance"] });
  try {
    const { session, written } = terminal(is);
    const progress = new Progress(session);
    for (let at = 0; at < 2200; at += 10) {
      progress.say(`${at} ms`);
      vi.advanceTimersByTime(10);
    }
    progress.done();
    expect(written.join("")).toBe(is ? `${clear}2000 ms${clear}2100 ms${clear}` : "");
  } finally {
    vi.useRealTimers();
  }
});
