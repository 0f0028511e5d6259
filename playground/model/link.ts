/**
 * The state in the address: the program, deflated and in base64url, or the name of an example; the target, the tab, and
 * the extents of a run. `#code=...&target=portable&tab=run&dim.rows=64`; anything omitted has its default.
 */

export interface Shared {
  readonly text?: string;
  readonly example?: string;
  readonly target?: string;
  readonly tab?: string;
  /** Extents as typed, by dimension. */
  readonly dims?: Readonly<Record<string, string>>;
}

/** What an address without a program opens. */
export const firstExample = "prenorm-stream";

/** The names that are valid in an address. */
export interface Known {
  readonly examples: readonly string[];
  readonly targets: readonly string[];
  readonly tabs: readonly string[];
}

/** A hash that decodes to a longer text is rejected. */
const mostBytes = 1_000_000;
const dimPrefix = "dim.";
const isExtent = (written: string) => /^\d{1,10}$/.test(written);

/** The hash, with its `#`. Extents that are not numbers, such as half-typed ones, are left out. */
export async function writeHash({ text, example, target, tab, dims = {} }: Shared): Promise<string> {
  const fields = new URLSearchParams();
  if (example !== undefined) fields.set("example", example);
  else if (text !== undefined) fields.set("code", toBase64Url(await deflate(text)));
  if (target !== undefined) fields.set("target", target);
  if (tab !== undefined) fields.set("tab", tab);
  for (const [name, written] of Object.entries(dims)) if (isExtent(written)) fields.set(dimPrefix + name, written);
  return `#${fields}`;
}

/** @throws Error with a message for the visitor if the program is damaged. */
export async function readHash(hash: string): Promise<Shared> {
  const fields = new URLSearchParams(hash.replace(/^#/, ""));
  const [code, example, target, tab] = ["code", "example", "target", "tab"].map(
    (name) => fields.get(name) ?? undefined,
  );
  const text = code === undefined ? undefined : await readCode(code);
  const dims = [...fields].flatMap(([key, value]) =>
    key.startsWith(dimPrefix) ? [[key.slice(dimPrefix.length), value] as const] : [],
  );
  return {
    ...(text !== undefined && { text }),
    ...(example && { example }),
    ...(target && { target }),
    ...(tab && { tab }),
    ...(dims.length > 0 && { dims: Object.fromEntries(dims) }),
  };
}

/** The valid part of an address, and messages for the visitor about the rest. */
export function checkShared(shared: Shared, known: Known): { readonly shared: Shared; readonly problems: string[] } {
  const problems: string[] = [];
  const usable: Record<string, unknown> = { ...shared };
  const kinds = [
    ["example", known.examples],
    ["target", known.targets],
    ["tab", known.tabs],
  ] as const;
  for (const [kind, names] of kinds) {
    const name = shared[kind];
    if (name === undefined || names.includes(name)) continue;
    problems.push(`The address asks for the ${kind} \`${name}\`, which does not exist.`);
    delete usable[kind];
  }
  const dims = Object.entries(shared.dims ?? {});
  for (const [name, written] of dims.filter(([, written]) => !isExtent(written))) {
    problems.push(
      `The address gives the dimension \`${name}\` the extent \`${written}\`, which is not a whole number.`,
    );
  }
  if (dims.length > 0) usable.dims = Object.fromEntries(dims.filter(([, written]) => isExtent(written)));
  return { shared: usable, problems };
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
