/** JSON-RPC 2.0 as the Language Server Protocol uses it: kinds of messages, and the errors for malformed ones. */

type Id = number | string;

export type Message =
  | { readonly kind: "request"; readonly id: Id; readonly method: string; readonly params: unknown }
  | { readonly kind: "notification"; readonly method: string; readonly params: unknown }
  /** A response to a request by the server. Ignored, since the server sends none. */
  | { readonly kind: "response" }
  | { readonly kind: "wrong"; readonly id: Id | null; readonly code: number; readonly message: string };

/** Error codes of JSON-RPC and of the Language Server Protocol. */
export const errorCodes = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
  serverNotInitialized: -32002,
  /** The request is valid but cannot be carried out. */
  requestFailed: -32803,
} as const;

/** Thrown by a handler, and sent to the editor as an error response. */
export class RequestError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.name = "RequestError";
    this.code = code;
  }
}

export function readMessage(body: string): Message {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (caught) {
    return { kind: "wrong", id: null, code: errorCodes.parseError, message: `not JSON: ${(caught as Error).message}` };
  }
  const wrong = (id: Id | null, message: string): Message => {
    return { kind: "wrong", id, code: errorCodes.invalidRequest, message };
  };
  if (Array.isArray(value)) return wrong(null, "batches are not supported");
  if (typeof value !== "object" || value === null) return wrong(null, "a message must be an object");
  const { jsonrpc, id, method, params } = value as Record<string, unknown>;
  const isId = typeof id === "string" || Number.isSafeInteger(id);
  const known = isId ? (id as Id) : null;
  if (jsonrpc !== "2.0") return wrong(known, '`jsonrpc` must be "2.0"');
  if (method === undefined && ("result" in value || "error" in value)) return { kind: "response" };
  if (typeof method !== "string") return wrong(known, "`method` must be a string");
  if (id === undefined) return { kind: "notification", method, params };
  return isId ? { kind: "request", id: id as Id, method, params } : wrong(null, "`id` must be an integer or a string");
}
