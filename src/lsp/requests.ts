/** Handlers of requests about an open document. */

import * as language from "../language/index.ts";
import type { Document } from "./documents.ts";
import { difference } from "./lines.ts";
import { errorCodes, RequestError } from "./messages.ts";
import type { Params } from "./params.ts";
import { completionShape, editShape, fixShapes, flatSymbols, hoverShape, symbolShape } from "./shapes.ts";

/** Capabilities and settings of the editor. */
export interface Client {
  /** Whether it shows related locations of a diagnostic. */
  readonly relatedInformation: boolean;
  /** Whether it accepts the outline as a tree. */
  readonly symbolTree: boolean;
  /** Options that programs are checked with. */
  readonly check: language.CheckOptions;
}

/** A request about a document. */
interface Request {
  readonly document: Document;
  readonly params: Params;
  readonly client: Client;
}

type Handler = (request: Request) => unknown;

/** The text of the document, and the offset of the request's position in it. */
function placed({ document: { lines }, params }: Request): [text: string, offset: number] {
  return [lines.text, lines.offset(params.at("position").position())];
}

export const documentRequests: ReadonlyMap<string, Handler> = new Map(
  Object.entries({
    "textDocument/hover": hover,
    "textDocument/definition": definition,
    "textDocument/references": references,
    "textDocument/documentHighlight": documentHighlight,
    "textDocument/prepareRename": prepareRename,
    "textDocument/rename": rename,
    "textDocument/completion": completion,
    "textDocument/formatting": formatting,
    "textDocument/inlayHint": inlayHint,
    "textDocument/documentSymbol": documentSymbol,
    "textDocument/codeAction": codeAction,
  } satisfies Record<string, Handler>),
);

/** The server capabilities that `initialize` returns. */
export const capabilities = {
  positionEncoding: "utf-16",
  textDocumentSync: { openClose: true, change: 2 },
  hoverProvider: true,
  definitionProvider: true,
  referencesProvider: true,
  documentHighlightProvider: true,
  renameProvider: { prepareProvider: true },
  completionProvider: { triggerCharacters: ["(", "[", ",", "=", ":", "@"] },
  documentFormattingProvider: true,
  inlayHintProvider: true,
  documentSymbolProvider: true,
  codeActionProvider: { codeActionKinds: ["quickfix"] },
} as const;

function hover(request: Request) {
  const found = language.hover(...placed(request));
  return found === undefined ? null : hoverShape(request.document.lines, found);
}

function definition(request: Request) {
  const { uri, lines } = request.document;
  const found = language.definition(...placed(request));
  return found === undefined ? null : { uri, range: lines.range(found) };
}

function references(request: Request) {
  const { uri, lines } = request.document;
  const [text, offset] = placed(request);
  const all = request.params.at("context").at("includeDeclaration").isTrue();
  const own = all ? undefined : language.definition(text, offset)?.start;
  const found = language.references(text, offset).filter(({ start }) => start !== own);
  return found.map((range) => ({ uri, range: lines.range(range) }));
}

function documentHighlight(request: Request) {
  const { lines } = request.document;
  const [text, offset] = placed(request);
  const own = language.definition(text, offset)?.start;
  const [read, write] = [2, 3];
  return language.references(text, offset).map((range) => {
    return { range: lines.range(range), kind: range.start === own ? write : read };
  });
}

function prepareRename(request: Request) {
  const target = language.renameTarget(...placed(request));
  if (!target.ok) throw new RequestError(errorCodes.requestFailed, target.message);
  return { range: request.document.lines.range(target.range), placeholder: target.name };
}

function rename(request: Request) {
  const { uri, lines } = request.document;
  const result = language.rename(...placed(request), request.params.at("newName").string());
  if (!result.ok) throw new RequestError(errorCodes.requestFailed, result.message);
  return { changes: { [uri]: result.edits.map((edit) => editShape(lines, edit)) } };
}

function completion(request: Request) {
  const { lines } = request.document;
  const { range, items } = language.completions(...placed(request));
  const shown = lines.range(range);
  return { isIncomplete: false, items: items.map((item) => completionShape(shown, item)) };
}

/** Does nothing if the text does not parse, which its diagnostics report. Line endings are preserved. */
function formatting({ document: { lines } }: Request) {
  const formatted = language.format(lines.text);
  if (formatted === undefined) return [];
  const isDos = /^[^\n]*\r\n/.test(lines.text);
  const edit = difference(lines.text, isDos ? formatted.replaceAll("\n", "\r\n") : formatted);
  return edit === undefined ? [] : [editShape(lines, edit)];
}

function inlayHint({ document: { lines }, params }: Request) {
  const { start, end } = params.at("range").range();
  const [from, to] = [lines.offset(start), lines.offset(end)];
  const type = 1;
  return language
    .inlayHints(lines.text)
    .filter(({ offset }) => from <= offset && offset <= to)
    .map(({ offset, label }) => ({ position: lines.position(offset), label, kind: type }));
}

/** The fixes of the diagnostics in the requested range. */
function codeAction({ document, params, client }: Request) {
  const { lines } = document;
  const wanted = params.at("range").range();
  const [from, to] = [lines.offset(wanted.start), lines.offset(wanted.end)];
  const only = params.at("context").at("only");
  // A kind includes its subkinds, and "" includes all kinds.
  const isAsked = !only.isGiven || only.list().some((kind) => ["", "quickfix"].includes(kind.string()));
  if (!isAsked) return [];
  const found = language.diagnostics(lines.text, client.check);
  const here = found.filter(({ span }) => span !== undefined && span.start <= to && span.end >= from);
  return here.flatMap((diagnostic) => fixShapes(document, diagnostic, client.relatedInformation));
}

function documentSymbol({ document, client }: Request) {
  const found = language.symbols(document.lines.text);
  return client.symbolTree ? found.map((one) => symbolShape(document.lines, one)) : flatSymbols(document, found);
}
