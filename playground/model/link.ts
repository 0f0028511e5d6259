/** The program in the address: `#code=...&target=...`, the text deflated and in base64url; an example by its name. */

export interface Shared {
  readonly text?: string;
  readonly example?: string;
  readonly target?: string;
}

/** A hash that says more than this much of text is no program. */
const mostBytes = 1_000_000;

/** The hash, with its `#`. */
export async function writeHash({ text, example, target }: Shared): Promise<string> {
  const fields = new URLSearchParams();
  if (example !== undefined) fields.set("example", example);
  else if (text !== undefined) fields.set("code", toBase64Url(await deflate(text)));
  if (target !== undefined) fields.set("target", target);
  return `#${fields}`;
}

/** @throws Error in words for the visitor, where the hash is damaged. */
export async function readHash(hash: string): Promise<Shared> {
  const fields = new URLSearchParams(hash.replace(/^#/, ""));
  const [code, example, target] = ["code", "example", "target"].map((name) => fields.get(name) ?? undefined);
  const text = code === undefined ? undefined : await readCode(code);
  return { ...(text !== undefined && { text }), ...(example && { example }), ...(target && { target }) };
}

async function readCode(code: string): Promise<string> {
  try {
    return await inflate(fromBase64Url(code));
  } catch {
    throw new Error("The address holds a program that cannot be read: it was cut off or changed on the way.");
  }
}

async function deflate(text: string): Promise<Uint8Array> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function inflate(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  for (const reader = stream.getReader(); ; ) {
    const { value, done } = await reader.read();
    if (done) return text + decoder.decode();
    text += decoder.decode(value, { stream: true });
    // A few bytes can inflate to gigabytes.
    if (text.length > mostBytes) throw new RangeError("too long");
  }
}

function toBase64Url(bytes: Uint8Array): string {
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
}
