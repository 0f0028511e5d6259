import { expect, test } from "vitest";
import { type Diagnostic, error, type Source, TircError, warning } from "../../src/diagnostics/diagnostic.ts";
import { renderJson } from "../../src/diagnostics/json.ts";
import { renderPretty } from "../../src/diagnostics/pretty.ts";
import { renderShort } from "../../src/diagnostics/short.ts";
import { parse } from "../../src/parse/parse.ts";
import { leastTime } from "../support/cpu-clock.ts";

/** The one diagnostic of a program. */
function diagnosticOf(...lines: readonly string[]): Diagnostic {
  try {
    parse(lines.join("\n"), { file: "model.tir" });
  } catch (caught) {
    if (caught instanceof TircError && caught.diagnostics.length === 1) return caught.diagnostics[0] as Diagnostic;
    throw caught;
  }
  throw new Error("no diagnostic");
}

/** An error about the first `mark` in `text`, with labels at others. */
function errorAt(
  text: string,
  mark: string,
  labels: Readonly<Record<string, string>> = {},
  name = "a.tir",
): Diagnostic {
  const source: Source = { name, text };
  const spanOf = (part: string) => {
    const start = text.indexOf(part);
    return { source, start, end: start + part.length };
  };
  return error("E0000", "the message", {
    span: spanOf(mark),
    labels: Object.entries(labels).map(([part, message]) => ({ span: spanOf(part), message })),
  });
}

function lines(...text: readonly string[]): string {
  return text.join("\n");
}

const mixed = diagnosticOf("fn f(a: f32[n],", "     b: f16[n]) -> f32[n] {", "  return a * (a + b)", "}");

test("pretty: the place is underlined, and so are the others, with notes and help", () => {
  expect(renderPretty(mixed)).toBe(
    lines(
      "model.tir:3:15: error[E0203]: `add` takes operands of one element type, but got f32 and f16",
      "  |",
      "3 |   return a * (a + b)",
      "  |               ^^^^^",
      "  |               - f32",
      "  |                   - f16",
      "  = help: write `cast(b, to = f32)`",
    ),
  );
});

test("pretty: labels on other lines, in the order of the file", () => {
  const found = diagnosticOf("fn f(x: f32) -> f32 {", "  let y = x", "", "", "  let y = 2", "  return y", "}");
  expect(renderPretty(found)).toBe(
    lines(
      "model.tir:5:7: error[E0225]: the value `y` is defined twice",
      "  |",
      "2 |   let y = x",
      "  |       - first defined here",
      "...",
      "5 |   let y = 2",
      "  |       ^",
      "  = help: values are not reassigned: choose another name",
    ),
  );
});

test("pretty: a single line between two is shown", () => {
  expect(renderPretty(errorAt("one\ntwo\nthree\n", "three", { one: "here" }))).toBe(
    lines(
      "a.tir:3:1: error[E0000]: the message",
      "  |",
      "1 | one",
      "  | --- here",
      "2 | two",
      "3 | three",
      "  | ^^^^^",
    ),
  );
});

test("pretty: a label in another file is shown under the name of that file", () => {
  const here = errorAt("one two", "two");
  const there = errorAt("\n\n a b", "b", {}, "b.tir");
  const both = { ...here, labels: [{ span: there.span as NonNullable<typeof there.span>, message: "and here" }] };
  expect(renderPretty(both)).toBe(
    lines(
      "a.tir:1:5: error[E0000]: the message",
      "  |",
      "1 | one two",
      "  |     ^^^",
      "  ::: b.tir:3:4",
      "3 |  a b",
      "  |    - and here",
    ),
  );
});

test("pretty: without a place there is only the text", () => {
  const found = warning("R0000", "the message", { notes: ["one", "two"], help: ["three"] });
  expect(renderPretty(found)).toBe("warning[R0000]: the message\n  = note: one\n  = note: two\n  = help: three");
});

test("pretty: the end of the file is a place", () => {
  expect(renderPretty(diagnosticOf("fn f(x: f32) -> f32 {", "  return x"))).toBe(
    lines(
      "model.tir:2:11: error[E0116]: `f` is not closed",
      "  |",
      "1 | fn f(x: f32) -> f32 {",
      "  |                     - the body of `f` begins here",
      "2 |   return x",
      "  |           ^",
      "  = help: add `}`",
    ),
  );
});

test("pretty: a span of several lines is underlined on its first", () => {
  expect(renderPretty(errorAt("a (b\n c) d", "(b\n c)"))).toBe(
    lines("a.tir:1:3: error[E0000]: the message", "  |", "1 | a (b", "  |   ^^"),
  );
});

test("pretty: tabs, wide characters and combining marks do not shift the underline", () => {
  const columnOf = (rendered: string) => rendered.split("\n").map((row) => row.indexOf("^"))[3];
  expect(renderPretty(errorAt("\tlet x", "x"))).toContain("1 |     let x\n  |         ^");
  expect(renderPretty(errorAt("ab\tx", "x"))).toContain("1 | ab  x\n  |     ^");
  // Two columns for each of the three, one for the blank; no column for the accent.
  expect(columnOf(renderPretty(errorAt("日本😀 x", "x")))).toBe(4 + 7);
  expect(columnOf(renderPretty(errorAt("e\u0301 x", "x")))).toBe(4 + 2);
  expect(renderPretty(errorAt("日本", "日本"))).toMatch(/\| \^{4}$/);
});

test("pretty: a long line is cut around each place", () => {
  const text = `${"a ".repeat(500)}HERE ${"b ".repeat(500)}THERE ${"c ".repeat(500)}`;
  expect(renderPretty(errorAt(text, "HERE", { THERE: "and there" })).split("\n")).toEqual([
    "a.tir:1:1001: error[E0000]: the message",
    "  |",
    `1 | ...${"a ".repeat(20)}HERE ${"b ".repeat(32)}b...`,
    `  | ${" ".repeat(43)}^^^^`,
    `1 | ...${"b ".repeat(20)}THERE ${"c ".repeat(32)}...`,
    `  | ${" ".repeat(43)}----- and there`,
  ]);
});

test("pretty: a line of ten million characters costs no time", () => {
  const text = `${"x".repeat(5_000_000)}!${"x".repeat(5_000_000)}`;
  const render = () => expect(renderPretty(errorAt(text, "!")).length).toBeLessThan(500);
  expect(leastTime(render, 1000)).toBeLessThan(1000);
});

test("pretty: numbers of lines share a margin", () => {
  const text = `${"\n".repeat(8)}nine\nten\n`;
  expect(renderPretty(errorAt(text, "ten", { nine: "here" }))).toBe(
    lines("a.tir:10:1: error[E0000]: the message", "   |", " 9 | nine", "   | ---- here", "10 | ten", "   | ^^^"),
  );
});

test("pretty: colors only where they are asked for", () => {
  expect(renderPretty(mixed)).not.toContain("\u001B");
  const [first, , , underline] = renderPretty(mixed, { color: true }).split("\n");
  expect(first).toBe(
    "model.tir:3:15: \u001B[1;31merror[E0203]\u001B[0m: \u001B[1m`add` takes operands of one element type, but got f32 and f16\u001B[0m",
  );
  expect(underline).toBe("  |               \u001B[1;31m^^^^^\u001B[0m");
});

test("control characters of the program do not reach the terminal", () => {
  const found = errorAt("\u001B[2J\u202E x", "x", {}, "a\u0007.tir");
  expect(renderPretty({ ...found, message: "a\u0000b\nc" })).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u202E]/);
  expect(renderShort({ ...found, message: "a\u001Bb\nc" })).toBe("a\u2407.tir:1:7: error[E0000]: a\u241Bb c");
});

test("short: one line", () => {
  expect(renderShort(mixed)).toBe(
    "model.tir:3:15: error[E0203]: `add` takes operands of one element type, but got f32 and f16",
  );
  expect(renderShort(error("E0000", "the message"))).toBe("error[E0000]: the message");
  expect(renderShort(error("E0000", "x".repeat(10_000)))).toHaveLength("error[E0000]: ".length + 500);
});

test("json: plain data, with places counted from 1 in code points", () => {
  expect(renderJson(mixed)).toEqual({
    severity: "error",
    code: "E0203",
    message: "`add` takes operands of one element type, but got f32 and f16",
    file: "model.tir",
    line: 3,
    col: 15,
    endLine: 3,
    endCol: 20,
    labels: [
      { file: "model.tir", line: 3, col: 15, endLine: 3, endCol: 16, message: "f32" },
      { file: "model.tir", line: 3, col: 19, endLine: 3, endCol: 20, message: "f16" },
    ],
    notes: [],
    help: ["write `cast(b, to = f32)`"],
    fixes: [
      {
        title: "write `cast(b, to = f32)`",
        edits: [
          { file: "model.tir", line: 3, col: 19, endLine: 3, endCol: 19, text: "cast(" },
          { file: "model.tir", line: 3, col: 20, endLine: 3, endCol: 20, text: ", to = f32)" },
        ],
      },
    ],
  });
  expect(renderJson(errorAt("😀 x\r\ny", "x\r\ny"))).toMatchObject({ line: 1, col: 3, endLine: 2, endCol: 2 });
  expect(renderJson(errorAt("\uFEFFx", "x"))).toMatchObject({ line: 1, col: 1, endLine: 1, endCol: 2 });
  expect(renderJson(error("E0000", "the message"))).toEqual({
    severity: "error",
    code: "E0000",
    message: "the message",
    labels: [],
    notes: [],
    help: [],
    fixes: [],
  });
});

test("an error that is thrown says where and what to do, as a console shows it", () => {
  const thrown = new TircError([mixed]);
  expect(thrown.message).toBe(
    lines(
      "model.tir:3:15: error[E0203]: `add` takes operands of one element type, but got f32 and f16",
      "  help: write `cast(b, to = f32)`",
    ),
  );
  expect(thrown.stack).toContain(`TircError: ${thrown.message}`);
});

test("an error of many diagnostics has a line for each, and does not search for the help of all", () => {
  let asked = 0;
  const help = () => {
    asked++;
    return ["do this"];
  };
  const many = Array.from({ length: 10 }, (_, i) => error("E0000", `message ${i}`, { help }));
  const { message } = new TircError(many);
  expect(message.match(/message \d/g)).toHaveLength(10);
  expect(message.match(/do this/g)).toHaveLength(asked);
  expect(asked).toBe(3);
});
