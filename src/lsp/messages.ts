/** JSON-RPC 2.0 as the Language Server Protocol uses it: what a message may be, and what is answered to a wrong one. */

type Id = number | string;

export type Message =
  | { readonly kind: "request"; readonly id: Id; readonly method: string; readonly params: unknown }
  | { readonly kind: "notification"; readonly method: string; readonly params: unknown }
  /** The answer to a request of ours; we make none. */
  | { readonly kind: "response" }
  | { readonly kind: "wrong"; readonly id: Id | null; readonly code: number; readonly message: string };

/** Codes of the two specifications. */
export const errorCodes = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
  serverNotInitialized: -32002,
  /** The request is right, and what it asks for cannot be done. */
  requestFailed: -32803,
} as const;

/** Thrown by a handler: answered as an error of the protocol. */
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
  if (Array.isArray(value)) return wrong(null, "the protocol has no batches");
  if (typeof value !== "object" || value === null) return wrong(null, "a message is an object");
  const { jsonrpc, id, method, params } = value as Record<string, unknown>;
  const isId = typeof id === "string" || Number.isSafeInteger(id);
  const known = isId ? (id as Id) : null;
  if (jsonrpc !== "2.0") return wrong(known, '`jsonrpc` must be "2.0"');
  if (method === undefined && ("result" in value || "error" in value)) return { kind: "response" };
  if (typeof method !== "string") return wrong(known, "`method` must be a string");
  if (id === undefined) return { kind: "notification", method, params };
  return isId ? { kind: "request", id: id as Id, method, params } : wrong(null, "`id` must be an integer or a string");
}
