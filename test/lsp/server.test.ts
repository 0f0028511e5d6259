/**
 * The protocol: frames, errors, the order of a session, positions. The contents of answers are tested in test/language.
 */

import { describe, expect, test } from "vitest";
import { Lines } from "../../src/lsp/lines.ts";
import { framed, InProcess, type Reply } from "../support/lsp.ts";

const uri = "file:///a.tir";
const program = "fn f(x: f32[n]) -> f32[n] {\n  let a = exp(x)\n  return a\n}\n";
const at = (line: number, character: number) => ({ textDocument: { uri }, position: { line, character } });
const range = (a: number, b: number, c: number, d: number) => {
  return { start: { line: a, character: b }, end: { line: c, character: d } };
};
const initialize = '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{}}}';

describe("frames", () => {
  test("a message may come byte by byte", () => {
    const place = new InProcess();
    const bytes = framed(initialize);
    for (const byte of bytes.subarray(0, -1)) expect(place.bytes(Uint8Array.of(byte))).toEqual([]);
    expect(place.bytes(bytes.subarray(-1))).toMatchObject([{ id: 1, result: { serverInfo: { name: "tirc" } } }]);
  });

  test("several may come at once, and of a text that changes in them the last state is told", () => {
    const place = new InProcess().start();
    const open = {
      jsonrpc: "2.0",
      method: "textDocument/didOpen",
      params: { textDocument: { uri, version: 1, text: "fn" } },
    };
    const change = { textDocument: { uri, version: 2 }, contentChanges: [{ text: program }] };
    const messages = [open, { jsonrpc: "2.0", method: "textDocument/didChange", params: change }];
    const bytes = messages.flatMap((message) => [...framed(JSON.stringify(message))]);
    expect(place.bytes(Uint8Array.from(bytes))).toEqual([
      {
        jsonrpc: "2.0",
        method: "textDocument/publishDiagnostics",
        params: { uri, version: 2, diagnostics: [] },
      },
    ]);
  });

  test("the length counts bytes, and other headers may stand beside it", () => {
    const place = new InProcess().start();
    const body = JSON.stringify({ jsonrpc: "2.0", id: "é→", method: "shutdown" });
    const length = new TextEncoder().encode(body).length;
    const type = "Content-Type: application/vscode-jsonrpc; charset=utf-8";
    expect(place.bytes(`${type}\r\ncontent-length: ${length}\r\n\r\n${body}`)).toEqual([
      { jsonrpc: "2.0", id: "é→", result: null },
    ]);
  });

  const after = new TextDecoder().decode(framed(initialize));
  test.each([
    ["no length", "Content-Type: x\r\n\r\n"],
    ["a length that is no number", "Content-Length: many\r\n\r\n{}"],
    ["a length that is too large", "Content-Length: 99999999999999\r\n\r\n"],
    ["garbage before it", "}}}\n\n"],
    ["garbage after the length", "Content-Length: 2\r\n}}\r\n\r\n{}"],
    ["garbage that is long", "x".repeat(20_000)],
    ["a length that is too small", 'Content-Length: 3\r\n\r\n{"jsonrpc":"2.0"}'],
  ])("%s: it is refused, and the message after it is read", (_, broken) => {
    const replies = new InProcess().bytes(broken + after);
    expect(replies.at(-1)).toMatchObject({ id: 1, result: { serverInfo: { name: "tirc" } } });
    expect(replies.length).toBeGreaterThan(1);
    for (const reply of replies.slice(0, -1)) {
      expect(reply).toMatchObject({ jsonrpc: "2.0", id: null, error: { code: expect.any(Number) } });
    }
  });

  test("a length that is too large by the next message takes that along, and no more", () => {
    const replies = new InProcess().bytes(`Content-Length: ${2 + after.length}\r\n\r\n{}${after}${after}`);
    expect(replies.map((reply) => reply.error?.code ?? "answered")).toEqual([-32700, "answered"]);
  });
});

describe("errors", () => {
  test.each([
    ["{", -32700, null],
    ["", -32700, null],
    ["[".repeat(100_000), -32700, null],
    ["[]", -32600, null],
    ["1", -32600, null],
    ["null", -32600, null],
    ["{}", -32600, null],
    ['{"jsonrpc":"1.0","id":7,"method":"x"}', -32600, 7],
    ['{"jsonrpc":"2.0","id":7,"method":8}', -32600, 7],
    ['{"jsonrpc":"2.0","id":{},"method":"x"}', -32600, null],
    ['{"jsonrpc":"2.0","id":"q","method":"x"}', -32601, "q"],
    ['{"jsonrpc":"2.0","id":7,"method":"$/x"}', -32601, 7],
    ['{"jsonrpc":"2.0","id":7,"method":"constructor"}', -32601, 7],
    ['{"jsonrpc":"2.0","id":7,"method":"initialize"}', -32600, 7],
    ['{"jsonrpc":"2.0","id":7,"method":"textDocument/hover"}', -32602, 7],
    ['{"jsonrpc":"2.0","id":7,"method":"textDocument/hover","params":[1]}', -32602, 7],
    ['{"jsonrpc":"2.0","id":7,"method":"textDocument/hover","params":{"textDocument":{"uri":"file:///b"}}}', -32602, 7],
  ])("%.70s gets %d", (body, code, id) => {
    const place = new InProcess().start();
    expect(place.bytes(framed(body))).toEqual([
      { jsonrpc: "2.0", id, error: { code, message: expect.stringMatching(/./) } },
    ]);
  });

  test.each([
    [{ line: -1, character: 0 }, "params.position.line must be zero or more"],
    [{ line: 0 }, "params.position.character must be an integer"],
    [{ line: "0", character: 0 }, "params.position.line must be an integer"],
    [null, "params.position must be an object"],
  ])("the position %j is refused", (position, message) => {
    const place = new InProcess().start();
    place.open(program);
    expect(place.request("textDocument/hover", { textDocument: { uri }, position }).error).toEqual({
      code: -32602,
      message,
    });
  });

  test("a notification is never answered; what is wrong with one is logged", () => {
    const place = new InProcess().start();
    expect(place.notify("workspace/didChangeConfiguration", {})).toEqual([]);
    expect(place.notify("$/cancelRequest", { id: 1 })).toEqual([]);
    expect(place.bytes(framed('{"jsonrpc":"2.0","id":9,"result":null}'))).toEqual([]);
    const change = { textDocument: { uri, version: 2 }, contentChanges: [{ text: "" }] };
    expect(place.notify("textDocument/didChange", change)).toEqual([
      {
        jsonrpc: "2.0",
        method: "window/logMessage",
        params: { type: 1, message: `textDocument/didChange: ${uri} is not open` },
      },
    ]);
  });

  test("a change that is wrong leaves the text as it was", () => {
    const place = new InProcess().start();
    place.open(program);
    const changes = [{ text: "" }, { text: "", range: { start: {}, end: {} } }];
    place.notify("textDocument/didChange", { textDocument: { uri, version: 2 }, contentChanges: changes });
    expect(place.request("textDocument/documentSymbol", { textDocument: { uri } }).result).not.toEqual([]);
  });
});

describe("the order of a session", () => {
  test("requests before `initialize` are refused, notifications are not heard", () => {
    const place = new InProcess();
    expect(place.request("textDocument/hover", at(0, 0)).error).toMatchObject({ code: -32002 });
    expect(place.request("shutdown").error).toMatchObject({ code: -32002 });
    expect(place.open(program)).toEqual([]);
  });

  test("after `shutdown` nothing but `exit` is heard", () => {
    const place = new InProcess().start();
    expect(place.request("shutdown").result).toBeNull();
    expect(place.request("textDocument/hover", at(0, 0)).error).toMatchObject({ code: -32600 });
    expect(place.open(program)).toEqual([]);
    expect(place.server.exitCode).toBeUndefined();
    place.notify("exit");
    expect(place.server.exitCode).toBe(0);
  });

  test("`exit` without `shutdown` is a failure", () => {
    const place = new InProcess();
    place.notify("exit");
    expect(place.server.exitCode).toBe(1);
  });
});

describe("positions", () => {
  test("count UTF-16 units of lines that end in any way", () => {
    const lines = new Lines("a\r\n𝄞é\nb\rc");
    const places = [
      [0, 0, 0],
      [1, 0, 1],
      [3, 1, 0],
      [5, 1, 2],
      [6, 1, 3],
      [7, 2, 0],
      [9, 3, 0],
      [10, 3, 1],
    ] as const;
    for (const [offset, line, character] of places) {
      expect(lines.position(offset)).toEqual({ line, character });
      expect(lines.offset({ line, character })).toBe(offset);
    }
  });

  test("past the end of a line is its end, past the last line the end of the text", () => {
    const lines = new Lines("ab\r\ncd\n");
    expect(lines.offset({ line: 0, character: 99 })).toBe(2);
    expect(lines.offset({ line: 1, character: 99 })).toBe(6);
    expect(lines.offset({ line: 2, character: 1 })).toBe(7);
    expect(lines.offset({ line: 9, character: 0 })).toBe(7);
  });

  test("a name after a comment that is not ASCII, on a line that ends in CRLF", () => {
    const place = new InProcess().start();
    place.open("// 𝄞\r\nfn f(x: f32[n]) -> f32[n] {\r\n  /* 𝄞é */ return x\r\n}\r\n");
    expect(place.request("textDocument/definition", at(2, 19)).result).toEqual({ uri, range: range(1, 5, 1, 6) });
    expect(place.request("textDocument/hover", at(2, 19)).result.range).toEqual(range(2, 19, 2, 20));
  });
});

describe("open texts", () => {
  const change = (place: InProcess, version: number, ...contentChanges: object[]) => {
    return place.notify("textDocument/didChange", { textDocument: { uri, version }, contentChanges });
  };
  const codes = (replies: readonly Reply[]) => replies[0].params.diagnostics.map(({ code }: Reply) => code);

  test("changes of ranges and of the whole text, each in positions of the text before it", () => {
    const place = new InProcess().start();
    expect(codes(place.open(program))).toEqual([]);
    expect(codes(change(place, 2, { range: range(1, 10, 1, 13), text: "nothing" }))).toEqual(["E0202"]);
    const back = { range: range(1, 10, 1, 17), text: "exp" };
    expect(codes(change(place, 3, back, { range: range(0, 0, 0, 0), text: "// é\r\n" }))).toEqual([]);
    expect(place.request("textDocument/definition", at(3, 9)).result.range).toEqual(range(2, 6, 2, 7));
    expect(codes(change(place, 4, { text: "fn" }))).not.toEqual([]);
  });

  test("a diagnostic has its code, its place, its help, and other places where the editor shows them", () => {
    const text = "fn f(x: f32[n]) -> f32[n] {\n  let x = ex(x)\n  return x\n}\n";
    const place = new InProcess().start({ textDocument: { publishDiagnostics: { relatedInformation: true } } });
    const [published] = place.open(text);
    expect(published.params).toMatchObject({ uri, version: 1 });
    const find = (code: string) => published.params.diagnostics.find((one: Reply) => one.code === code);
    expect(find("E0202")).toMatchObject({ severity: 1, source: "tirc", range: range(1, 10, 1, 12) });
    expect(find("E0202").message).toMatch(/\nhelp: did you mean/);
    expect(find("E0225")).toMatchObject({
      range: range(1, 6, 1, 7),
      relatedInformation: [{ location: { uri, range: range(0, 5, 0, 6) } }],
    });
    const plain = new InProcess().start();
    for (const one of plain.open(text)[0].params.diagnostics) expect(one).not.toHaveProperty("relatedInformation");
  });

  test("a text that is closed has no diagnostics any more, and no answers", () => {
    const place = new InProcess().start();
    place.open("fn");
    expect(place.notify("textDocument/didClose", { textDocument: { uri } })).toMatchObject([
      { params: { uri, diagnostics: [] } },
    ]);
    expect(place.request("textDocument/hover", at(0, 0)).error).toMatchObject({ code: -32602 });
  });
});

describe("answers", () => {
  const place = new InProcess().start({
    textDocument: { documentSymbol: { hierarchicalDocumentSymbolSupport: true } },
  });
  place.open(program);

  test("hover", () => {
    expect(place.request("textDocument/hover", at(1, 6)).result).toEqual({
      contents: { kind: "markdown", value: "```tir\nlet a: f32[n]\n```" },
      range: range(1, 6, 1, 7),
    });
    expect(place.request("textDocument/hover", at(3, 1)).result).toBeNull();
  });

  test("references with and without the definition, and highlights", () => {
    const ask = (includeDeclaration: boolean) =>
      place.request("textDocument/references", { ...at(2, 9), context: { includeDeclaration } }).result;
    expect(ask(true)).toEqual([
      { uri, range: range(1, 6, 1, 7) },
      { uri, range: range(2, 9, 2, 10) },
    ]);
    expect(ask(false)).toEqual([{ uri, range: range(2, 9, 2, 10) }]);
    expect(place.request("textDocument/documentHighlight", at(2, 9)).result).toEqual([
      { range: range(1, 6, 1, 7), kind: 3 },
      { range: range(2, 9, 2, 10), kind: 2 },
    ]);
  });

  test("rename, and why not", () => {
    expect(place.request("textDocument/prepareRename", at(2, 9)).result).toEqual({
      range: range(2, 9, 2, 10),
      placeholder: "a",
    });
    expect(place.request("textDocument/rename", { ...at(2, 9), newName: "b" }).result).toEqual({
      changes: {
        [uri]: [
          { range: range(1, 6, 1, 7), newText: "b" },
          { range: range(2, 9, 2, 10), newText: "b" },
        ],
      },
    });
    expect(place.request("textDocument/rename", { ...at(2, 9), newName: "x" }).error).toEqual({
      code: -32803,
      message: "`x` is already the name of a parameter (line 1)",
    });
    expect(place.request("textDocument/prepareRename", at(1, 11)).error).toMatchObject({ code: -32803 });
  });

  test("completion replaces the word that has begun", () => {
    const { items } = place.request("textDocument/completion", at(1, 12)).result;
    expect(items.find(({ label }: Reply) => label === "exp")).toMatchObject({
      kind: 3,
      detail: "exp(x)",
      documentation: { kind: "markdown" },
      textEdit: { range: range(1, 10, 1, 13), newText: "exp" },
    });
  });

  test("inlay hints within a range, and the outline", () => {
    const ask = (lines: ReturnType<typeof range>) =>
      place.request("textDocument/inlayHint", { textDocument: { uri }, range: lines }).result;
    expect(ask(range(0, 0, 4, 0))).toEqual([{ position: { line: 1, character: 7 }, label: ": f32[n]", kind: 1 }]);
    expect(ask(range(2, 0, 4, 0))).toEqual([]);
    expect(place.request("textDocument/documentSymbol", { textDocument: { uri } }).result).toMatchObject([
      {
        name: "f",
        kind: 12,
        range: range(0, 0, 3, 1),
        selectionRange: range(0, 3, 0, 4),
        children: [{ name: "x" }, { name: "a" }],
      },
    ]);
    const flat = new InProcess().start();
    flat.open(program);
    expect(flat.request("textDocument/documentSymbol", { textDocument: { uri } }).result).toMatchObject([
      { name: "f", location: { uri, range: range(0, 0, 3, 1) } },
      { name: "x", containerName: "f" },
      { name: "a", containerName: "f" },
    ]);
  });

  test("formatting changes what differs, keeps CRLF, and leaves alone what does not parse", () => {
    const ask = (text: string) => {
      const other = new InProcess().start();
      other.open(text);
      return other.request("textDocument/formatting", { textDocument: { uri }, options: {} }).result;
    };
    expect(ask(program)).toEqual([]);
    expect(ask(program.replaceAll("\n", "\r\n"))).toEqual([]);
    expect(ask(program.replace("= exp", "=exp"))).toEqual([{ range: range(1, 9, 1, 9), newText: " " }]);
    expect(ask(`${program.replaceAll("\n", "\r\n")}\r\n`)).toEqual([{ range: range(4, 0, 5, 0), newText: "" }]);
    expect(ask("fn f(")).toEqual([]);
  });
});

describe("code actions", () => {
  const text = "fn f(x: f32[n]) -> f32[n] {\r\n  let a = ex(x) * True;\r\n  return a;\r\n}\r\n";
  const ask = (place: InProcess, where: object, context: object = { diagnostics: [] }) =>
    place.request("textDocument/codeAction", { textDocument: { uri }, range: where, context }).result;
  const edits = (action: Reply) => action.edit.changes[uri];

  test("are the changes that diagnostics of the range propose, each with its diagnostic", () => {
    const place = new InProcess().start();
    place.open(text);
    const all = ask(place, range(0, 0, 4, 0));
    const separators = all.find(({ title }: Reply) => title.startsWith("remove it"));
    expect(separators).toMatchObject({ kind: "quickfix", isPreferred: true, diagnostics: [{ code: "E0105" }] });
    expect(edits(separators)).toEqual([
      { range: range(1, 22, 1, 23), newText: "" },
      { range: range(2, 10, 2, 11), newText: "" },
    ]);
    const misspelled = all.find(({ title }: Reply) => title === "write `exp`");
    expect(misspelled.diagnostics[0].code).toBe("E0202");
    expect(edits(misspelled)).toEqual([{ range: range(1, 10, 1, 12), newText: "exp" }]);
  });

  test("at a caret are those of what it touches", () => {
    const place = new InProcess().start();
    place.open(text);
    const at = (line: number, character: number) =>
      ask(place, range(line, character, line, character)).map(({ diagnostics }: Reply) => diagnostics[0].code);
    expect(new Set(at(1, 12))).toEqual(new Set(["E0202"]));
    expect(at(1, 20)).toEqual(["E0201"]);
    expect(at(0, 0)).toEqual([]);
  });

  test("are none where others are asked for, or the program is right", () => {
    const place = new InProcess().start();
    place.open(text);
    expect(ask(place, range(0, 0, 4, 0), { diagnostics: [], only: ["refactor"] })).toEqual([]);
    expect(ask(place, range(0, 0, 4, 0), { diagnostics: [], only: ["quickfix"] })).not.toEqual([]);
    place.open(program);
    expect(ask(place, range(0, 0, 4, 0))).toEqual([]);
  });
});

describe("what keeps a function from being a kernel", () => {
  const product = 'fn f(x: f32[n, 64]) -> opaque {\n  return extern(x, op = "Conv")\n}\n';

  test("is a diagnostic at its op", () => {
    const [published] = new InProcess().start().open(product);
    expect(published.params.diagnostics).toMatchObject([{ code: "E0505", severity: 1, range: range(1, 9, 1, 31) }]);
  });
});
