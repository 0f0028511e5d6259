/** The built command as an editor runs it: a process, and a session with each example over its stdin and stdout. */

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { copyFileSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { FrameReader } from "../../src/lsp/framing.ts";
import { buildPackage, root } from "../support/built.ts";
import { isDeep } from "../support/deep.ts";
import { framed, type Reply } from "../support/lsp.ts";

/** In deep runs all: each is a process. */
const examples = readdirSync(join(root, "examples"))
  .filter((name) => name.endsWith(".tir"))
  .slice(0, isDeep ? undefined : 3);

let folder: string;
beforeAll(() => {
  folder = buildPackage();
  // The server says its version.
  copyFileSync(join(root, "package.json"), join(folder, "package.json"));
}, 300_000);

interface Waiting {
  readonly wanted: (reply: Reply) => boolean;
  readonly done: (reply: Reply) => void;
  readonly failed: (why: Error) => void;
}

class Editor {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly reader = new FrameReader();
  private readonly unread: Reply[] = [];
  private readonly waiting: Waiting[] = [];
  private lastId = 0;
  private text = "";
  private version = 0;
  readonly uri: string;
  readonly ended: Promise<number | null>;
  stderr = "";

  constructor(uri: string) {
    this.uri = uri;
    this.child = spawn(process.execPath, [join(folder, "dist/src/cli/main.js"), "lsp", "--stdio"]);
    this.child.stderr.on("data", (data) => {
      this.stderr += String(data);
    });
    this.child.stdout.on("data", (data: Uint8Array) => {
      for (const one of this.reader.push(data)) {
        if ("body" in one) this.take(JSON.parse(one.body));
        else throw new Error(one.problem);
      }
    });
    this.ended = new Promise((done) => void this.child.on("exit", done));
    this.child.on("exit", (code) => {
      for (const { failed } of this.waiting) failed(new Error(`the server ended with ${code}: ${this.stderr}`));
    });
  }

  private take(reply: Reply): void {
    const at = this.waiting.findIndex(({ wanted }) => wanted(reply));
    if (at < 0) this.unread.push(reply);
    else this.waiting.splice(at, 1)[0]?.done(reply);
  }

  private next(wanted: (reply: Reply) => boolean): Promise<Reply> {
    const at = this.unread.findIndex(wanted);
    if (at >= 0) return Promise.resolve(this.unread.splice(at, 1)[0]);
    return new Promise((done, failed) => void this.waiting.push({ wanted, done, failed }));
  }

  write(message: object): void {
    this.child.stdin.write(framed(JSON.stringify({ jsonrpc: "2.0", ...message })));
  }

  leave(): void {
    this.child.stdin.end();
  }

  async request(method: string, params?: object): Promise<Reply> {
    const id = ++this.lastId;
    this.write({ id, method, params });
    const reply = await this.next((one) => one.id === id);
    if (reply.error !== undefined) throw new Error(`${method}: ${reply.error.message}`);
    return reply.result;
  }

  /** The diagnostics of the version that the text now has. */
  private async published(): Promise<Reply[]> {
    const { version } = this;
    const found = await this.next(({ method, params }) => {
      return method === "textDocument/publishDiagnostics" && params.version === version;
    });
    return found.params.diagnostics;
  }

  open(text: string): Promise<Reply[]> {
    this.text = text;
    const textDocument = { uri: this.uri, languageId: "tir", version: ++this.version, text };
    this.write({ method: "textDocument/didOpen", params: { textDocument } });
    return this.published();
  }

  /** Replaces the text from `start` to `end` by `text`. */
  type(start: number, end: number, text: string): Promise<Reply[]> {
    const range = { start: this.position(start), end: this.position(end) };
    this.text = this.text.slice(0, start) + text + this.text.slice(end);
    const params = { textDocument: { uri: this.uri, version: ++this.version }, contentChanges: [{ range, text }] };
    this.write({ method: "textDocument/didChange", params });
    return this.published();
  }

  at(method: string, offset: number, more: object = {}): Promise<Reply> {
    return this.request(`textDocument/${method}`, {
      textDocument: { uri: this.uri },
      position: this.position(offset),
      ...more,
    });
  }

  position(offset: number) {
    const before = this.text.slice(0, offset).split("\n");
    return { line: before.length - 1, character: before.at(-1)?.length };
  }

  offset({ line, character }: { line: number; character: number }): number {
    const before = this.text.split("\n").slice(0, line);
    return before.reduce((sum, one) => sum + one.length + 1, character);
  }

  slice({ start, end }: Reply): string {
    return this.text.slice(this.offset(start), this.offset(end));
  }

  edited(edits: readonly Reply[]): string {
    const last = [...edits].sort((a, b) => this.offset(b.range.start) - this.offset(a.range.start));
    return last.reduce((text: string, { range, newText }) => {
      return text.slice(0, this.offset(range.start)) + newText + text.slice(this.offset(range.end));
    }, this.text);
  }
}

/** Where the name of the last `let` stands, and where it is used after that. */
function lastLet(text: string): { name: string; start: number; use: number } {
  for (const found of [...text.matchAll(/\blet \(?(\w+)/g)].reverse()) {
    const name = found[1] as string;
    const start = found.index + found[0].length - name.length;
    const rest = text.slice(start + name.length);
    const use = new RegExp(`\\b${name}\\b`).exec(rest.slice(0, rest.indexOf("}")));
    if (use !== null) return { name, start, use: start + name.length + use.index };
  }
  throw new Error("no let is used");
}

describe.each(examples)("%s", (name) => {
  test("a session", async () => {
    const text = readFileSync(join(root, "examples", name), "utf8");
    const editor = new Editor(`file:///work/${name}`);
    const { capabilities, serverInfo } = await editor.request("initialize", { processId: null, capabilities: {} });
    expect(serverInfo.name).toBe("tirc");
    expect(capabilities.positionEncoding).toBe("utf-16");
    editor.write({ method: "initialized", params: {} });
    expect(await editor.open(text)).toEqual([]);

    // The user types an op that does not exist, gets the error, and undoes it.
    const fnStart = text.indexOf("fn ");
    const call = /\b([a-z]\w*)\(/g;
    call.lastIndex = text.indexOf("let", fnStart) >= 0 ? text.indexOf("let", fnStart) : text.indexOf("return", fnStart);
    const op = call.exec(text) as RegExpExecArray;
    const opName = op[1] as string;
    const wrong = await editor.type(op.index, op.index + opName.length, "qqqqqqqq");
    expect(wrong.map(({ code }) => code)).toEqual(["E0202"]);
    expect(editor.slice(wrong[0].range)).toBe("qqqqqqqq");
    expect(await editor.type(op.index, op.index + 8, opName)).toEqual([]);

    const onOp = await editor.at("hover", op.index + 1);
    expect(onOp.contents.value).toContain(`${opName}(`);
    expect(onOp.contents.value).toContain("Here it gives");
    expect(editor.slice(onOp.range)).toBe(opName);
    const { items } = await editor.at("completion", op.index + opName.length);
    const completion = items.find(({ label }: Reply) => label === opName);
    expect(editor.slice(completion.textEdit.range)).toBe(opName);

    const { name: value, start, use } = lastLet(text);
    const definition = await editor.at("definition", use);
    expect(definition.uri).toBe(editor.uri);
    expect(editor.offset(definition.range.start)).toBe(start);
    expect(editor.slice(definition.range)).toBe(value);
    const hints = await editor.request("textDocument/inlayHint", {
      textDocument: { uri: editor.uri },
      range: { start: { line: 0, character: 0 }, end: { line: 1e6, character: 0 } },
    });
    const hint = hints.find(({ position }: Reply) => editor.offset(position) === start + value.length);
    const onValue = await editor.at("hover", use);
    expect(onValue.contents.value).toContain(`let ${value}${hint.label}`);

    // The renamed program is still valid, and renaming it back changes as many places.
    const { changes } = await editor.at("rename", use, { newName: "another_name" });
    const renamed = editor.edited(changes[editor.uri]);
    expect(renamed.split("another_name").length - 1).toBe(changes[editor.uri].length);
    expect(await editor.type(0, text.length, renamed)).toEqual([]);
    expect(renamed.replaceAll("another_name", value)).toBe(text);
    expect(await editor.type(0, renamed.length, text)).toEqual([]);

    // The examples are formatted already; an unformatted one becomes formatted.
    const ask = () =>
      editor.request("textDocument/formatting", { textDocument: { uri: editor.uri }, options: { tabSize: 2 } });
    expect(await ask()).toEqual([]);
    await editor.type(op.index, op.index, "  ");
    expect(editor.edited(await ask())).toBe(text);

    const outline = await editor.request("textDocument/documentSymbol", { textDocument: { uri: editor.uri } });
    expect(outline.map((one: Reply) => one.name)).toContain(value);
    expect(await editor.request("shutdown")).toBeNull();
    editor.write({ method: "exit" });
    expect(await editor.ended).toBe(0);
    expect(editor.stderr).toBe("");
  });
});

test("an editor that is gone without a word leaves no server behind", async () => {
  const editor = new Editor("file:///a.tir");
  await editor.request("initialize", { capabilities: {} });
  editor.leave();
  expect(await editor.ended).toBe(1);
});
