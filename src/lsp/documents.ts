/** The documents that are open in the editor. */

import { Lines } from "./lines.ts";
import { errorCodes, RequestError } from "./messages.ts";
import type { Params } from "./params.ts";

export interface Document {
  readonly uri: string;
  readonly version: number;
  readonly lines: Lines;
}

export class Documents {
  private readonly open = new Map<string, Document>();

  /** @throws RequestError if it is not open. */
  get(uri: string): Document {
    const found = this.open.get(uri);
    if (found === undefined) throw new RequestError(errorCodes.invalidParams, `${uri} is not open`);
    return found;
  }

  has(uri: string): boolean {
    return this.open.has(uri);
  }

  didOpen(params: Params): string {
    const document = params.at("textDocument");
    const [uri, version] = [document.at("uri").string(), document.at("version").integer()];
    this.open.set(uri, { uri, version, lines: new Lines(document.at("text").string()) });
    return uri;
  }

  /** Applies the changes in order: the positions of each refer to the text after the one before. */
  didChange(params: Params): string {
    const uri = params.at("textDocument").at("uri").string();
    const version = params.at("textDocument").at("version").integer();
    let { lines } = this.get(uri);
    for (const change of params.at("contentChanges").list()) lines = changed(lines, change);
    this.open.set(uri, { uri, version, lines });
    return uri;
  }

  didClose(params: Params): string {
    const uri = params.at("textDocument").at("uri").string();
    this.open.delete(uri);
    return uri;
  }
}

function changed(lines: Lines, change: Params): Lines {
  const text = change.at("text").string();
  const range = change.at("range");
  if (!range.isGiven) return new Lines(text);
  const { start, end } = range.range();
  const [from, to] = [lines.offset(start), lines.offset(end)];
  return new Lines(lines.text.slice(0, from) + text + lines.text.slice(Math.max(from, to)));
}
