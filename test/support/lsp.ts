/** The editor's side of the Language Server Protocol. */

import { FrameReader, frame } from "../../src/lsp/framing.ts";
import { Server } from "../../src/lsp/server.ts";

// biome-ignore lint/suspicious/noExplicitAny: a message is whatever the server says, and tests look at it.
export type Reply = any;

const utf8 = new TextEncoder();

/** `text` in a frame, or without its header. */
export const framed = (body: string): Uint8Array =>
  utf8.encode(`Content-Length: ${utf8.encode(body).length}\r\n\r\n${body}`);

/** A server in this process, and the messages that it has sent. */
export class InProcess {
  readonly sent: Reply[] = [];
  readonly server: Server;
  private readonly reader = new FrameReader();
  private lastId = 0;

  constructor() {
    this.server = new Server({ version: "1.2.3", send: (bytes) => this.read(bytes) });
  }

  private read(bytes: Uint8Array): void {
    for (const one of this.reader.push(bytes)) {
      if (!("body" in one)) throw new Error(`the server sends no frame: ${one.problem}`);
      this.sent.push(JSON.parse(one.body));
    }
  }

  /** What comes back for these bytes. */
  bytes(bytes: Uint8Array | string): Reply[] {
    const before = this.sent.length;
    this.server.receive(typeof bytes === "string" ? utf8.encode(bytes) : bytes);
    return this.sent.slice(before);
  }

  notify(method: string, params?: unknown): Reply[] {
    return this.bytes(frame({ jsonrpc: "2.0", method, params }));
  }

  /** The answer to a request. */
  request(method: string, params?: unknown): Reply {
    const id = ++this.lastId;
    const found = this.bytes(frame({ jsonrpc: "2.0", id, method, params })).filter((reply) => reply.id === id);
    if (found.length !== 1) throw new Error(`${found.length} answers to ${method}`);
    return found[0];
  }

  start(capabilities: object = {}): this {
    this.request("initialize", { processId: null, rootUri: null, capabilities });
    this.notify("initialized", {});
    return this;
  }

  open(text: string, uri = "file:///a.tir"): Reply[] {
    return this.notify("textDocument/didOpen", { textDocument: { uri, languageId: "tir", version: 1, text } });
  }
}
