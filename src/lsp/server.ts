/**
 * A server of the Language Server Protocol 3.17 for one editor: bytes in, bytes out. It answers malformed input with
 * the protocol's errors and goes on.
 */

import { type CheckOptions, diagnostics } from "../language/index.ts";
import { type Document, Documents } from "./documents.ts";
import { FrameReader, frame } from "./framing.ts";
import { errorCodes, type Message, RequestError, readMessage } from "./messages.ts";
import { Params } from "./params.ts";
import { type Client, capabilities, documentRequests } from "./requests.ts";
import { diagnosticShape } from "./shapes.ts";

interface ServerOptions {
  /** Version of the package, for the editor's log. */
  readonly version: string;
  readonly send: (bytes: Uint8Array) => void;
  /** Options that programs are checked with. */
  readonly check?: CheckOptions;
}

type Request = Message & { kind: "request" };
type Notification = Message & { kind: "notification" };

export class Server {
  private readonly options: ServerOptions;
  private readonly frames = new FrameReader();
  private readonly documents = new Documents();
  /** Documents changed since their diagnostics were last sent. */
  private readonly changed = new Set<string>();
  private client: Client;
  private state: "new" | "running" | "shutDown" = "new";
  private code: number | undefined;

  constructor(options: ServerOptions) {
    this.options = options;
    this.client = { relatedInformation: false, symbolTree: false, check: options.check ?? {} };
  }

  /** Set once the editor has sent `exit`: 0 if it sent `shutdown` before, else 1. */
  get exitCode(): number | undefined {
    return this.code;
  }

  /** Handles bytes from the editor; a message may arrive in several chunks. Never throws. */
  receive(chunk: Uint8Array): void {
    for (const found of this.frames.push(chunk)) {
      if (this.code !== undefined) return;
      if ("problem" in found) this.refuse(null, errorCodes.parseError, found.problem);
      else this.message(readMessage(found.body));
    }
    // Checked once per chunk: if a document changed several times, only its latest text matters.
    for (const uri of this.changed) this.publish(uri);
    this.changed.clear();
  }

  private message(message: Message): void {
    switch (message.kind) {
      case "wrong":
        this.refuse(message.id, message.code, message.message);
        break;
      case "request":
        this.request(message);
        break;
      case "notification":
        this.notification(message);
        break;
      case "response":
        break;
      default:
        message satisfies never;
    }
  }

  private send(message: object): void {
    this.options.send(frame({ jsonrpc: "2.0", ...message }));
  }

  private refuse(id: number | string | null, code: number, message: string): void {
    this.send({ id, error: { code, message } });
  }

  private request({ id, method, params }: Request): void {
    try {
      this.send({ id, result: this.answer(method, new Params(params)) });
    } catch (caught) {
      if (caught instanceof RequestError) this.refuse(id, caught.code, caught.message);
      else this.refuse(id, errorCodes.internalError, `${method}: ${String(caught)}`);
    }
  }

  private answer(method: string, params: Params): unknown {
    const { state } = this;
    if (state === "shutDown") throw new RequestError(errorCodes.invalidRequest, "the server has been shut down");
    if (method === "initialize") return this.initialize(params);
    if (state === "new")
      throw new RequestError(errorCodes.serverNotInitialized, "`initialize` must be the first request");
    if (method === "shutdown") {
      this.state = "shutDown";
      return null;
    }
    const handler = documentRequests.get(method);
    if (handler === undefined) throw new RequestError(errorCodes.methodNotFound, `unknown method ${method}`);
    const document = this.documents.get(params.at("textDocument").at("uri").string());
    return handler({ document, params, client: this.client });
  }

  private initialize(params: Params): unknown {
    if (this.state !== "new") throw new RequestError(errorCodes.invalidRequest, "`initialize` may be sent only once");
    const has = (...path: string[]) => params.maybe("capabilities", "textDocument", ...path).isTrue();
    this.client = {
      ...this.client,
      relatedInformation: has("publishDiagnostics", "relatedInformation"),
      symbolTree: has("documentSymbol", "hierarchicalDocumentSymbolSupport"),
    };
    this.state = "running";
    return { capabilities, serverInfo: { name: "tirc", version: this.options.version } };
  }

  /** A notification has no response, so its errors go to the editor's log. */
  private notification({ method, params }: Notification): void {
    if (method === "exit") this.code = this.state === "shutDown" ? 0 : 1;
    if (this.state !== "running") return;
    try {
      this.follow(method, new Params(params));
    } catch (caught) {
      this.log(`${method}: ${caught instanceof RequestError ? caught.message : String(caught)}`);
    }
  }

  private follow(method: string, params: Params): void {
    const { documents } = this;
    // Other notifications are not needed.
    if (method === "textDocument/didOpen") this.changed.add(documents.didOpen(params));
    if (method === "textDocument/didChange") this.changed.add(documents.didChange(params));
    if (method === "textDocument/didClose") this.changed.add(documents.didClose(params));
  }

  /** Sends the diagnostics of a document, or an empty list if it has been closed. */
  private publish(uri: string): void {
    if (!this.documents.has(uri)) {
      this.send({ method: "textDocument/publishDiagnostics", params: { uri, diagnostics: [] } });
      return;
    }
    const document = this.documents.get(uri);
    const found = this.problemsOf(document).map((one) =>
      diagnosticShape(document, one, this.client.relatedInformation),
    );
    const params = { uri, version: document.version, diagnostics: found };
    this.send({ method: "textDocument/publishDiagnostics", params });
  }

  private problemsOf({ uri, lines }: Document) {
    try {
      return diagnostics(lines.text, this.client.check);
    } catch (caught) {
      this.log(`${uri}: ${String(caught)}`);
      return [];
    }
  }

  /** Sends an error to the editor's log. */
  private log(message: string): void {
    this.send({ method: "window/logMessage", params: { type: 1, message } });
  }
}
