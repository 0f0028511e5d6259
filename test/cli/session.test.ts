/** The output of a session to a terminal that shows a line of progress. */

import { readFileSync } from "node:fs";
import { describe, expect, test, vi } from "vitest";
import { Session, type World } from "../../src/cli/session.ts";
import { remark } from "../../src/diagnostics/diagnostic.ts";
import { progress } from "../../src/diagnostics/progress.ts";
import { Workplace } from "../support/cli.ts";

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
    for (let at = 0; at < 2200; at += 10) {
      progress(() => `${at} ms`);
      vi.advanceTimersByTime(10);
    }
    session.end();
    progress(() => "after it");
    expect(written.join("")).toBe(is ? `${clear}2000 ms${clear}2100 ms${clear}` : "");
  } finally {
    vi.useRealTimers();
  }
});

/** Runs a command on a terminal while each look at the clock takes long. */
async function slowly(argv: readonly string[], isTerminal = true) {
  const place = new Workplace({
    "f.tir": "fn f(x: f32[n, 8]) -> (y: f32[n, 8]) { return layernorm(x, axes = [-1]) + 1 }",
    "m.onnx": readFileSync("test/onnx/models/gpt2_conv1d.onnx"),
  });
  let now = 0;
  const clock = vi.spyOn(performance, "now").mockImplementation(() => {
    now += 150;
    return now;
  });
  try {
    return await place.run(argv, { terminal: isTerminal });
  } finally {
    clock.mockRestore();
  }
}

describe("what takes long says how far it is, and leaves nothing of it", () => {
  test.each<[string, RegExp]>([
    ["import m.onnx -o m.tir", /import: node \d+ of \d+/],
    ["explain-norms m.onnx", /eliminate-centering/],
    ["extract m.onnx", /kernel of \w+/],
    ["compile f.tir", /cse|dce|fuse-elementwise/],
    ["run f.tir --compare --device cpu --dim n=2", /float64: op \d+ of \d+/],
  ])("%s", async (line, said) => {
    const { code, stderr } = await slowly(line.split(" "));
    expect(code).toBe(0);
    const lines = stderr.split(clear);
    expect(lines.some((one) => said.test(one))).toBe(true);
    // Between two clearings there is one line; at the end only diagnostics are left.
    expect(lines.slice(1, -1).some((one) => one.includes("\n"))).toBe(false);
    expect(said.test(lines.at(-1) as string)).toBe(false);
  });

  test("where nobody looks, nothing", async () => {
    const { stderr } = await slowly(["import", "m.onnx", "-o", "m.tir"], false);
    expect(stderr).not.toContain("node 1");
    expect(stderr).not.toContain("\u001B");
  });
});
