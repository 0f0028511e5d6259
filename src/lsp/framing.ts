/**
 * Messages on a stream: `Content-Length: N`, an empty line, then N bytes of UTF-8.
 *
 * Bytes that are not a header are skipped up to the next `Content-Length`, so that a broken message does not end the session.
 */

type Frame = { readonly body: string } | { readonly problem: string };

/** No message of an editor is larger; a larger number is taken for a broken header. */
const largestBody = 256 * 2 ** 20;
/** A header has two lines; more bytes than this without its end are not a header. */
const largestHeader = 8192;

const ascii = new TextDecoder("latin1");
const utf8 = new TextDecoder();

export class FrameReader {
  private buffer = new Uint8Array(0);
  /** Chunks of a body that has not come whole: joined once, when it has. */
  private pending: Uint8Array[] = [];
  private pendingLength = 0;
  /** How many bytes must be there before looking is worth it. */
  private wanted = 0;

  /** The messages that are whole once `chunk` has come. */
  push(chunk: Uint8Array): Frame[] {
    this.pending.push(chunk);
    this.pendingLength += chunk.length;
    if (this.buffer.length + this.pendingLength < this.wanted) return [];
    this.join();
    const frames: Frame[] = [];
    for (let found = this.next(); found !== undefined; found = this.next()) frames.push(found);
    return frames;
  }

  private join(): void {
    const whole = new Uint8Array(this.buffer.length + this.pendingLength);
    whole.set(this.buffer);
    let at = this.buffer.length;
    for (const chunk of this.pending) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    this.buffer = whole;
    this.pending = [];
    this.pendingLength = 0;
  }

  private next(): Frame | undefined {
    this.wanted = 0;
    const head = ascii.decode(this.buffer.subarray(0, largestHeader));
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) return this.headerWithoutEnd(head);
    const header = head.slice(0, end);
    const problem = headerProblem(header);
    const length = lengthOf(header);
    if (length === undefined) {
      this.drop(end + 4);
      return { problem: problem ?? "a header without a usable Content-Length" };
    }
    if (problem !== undefined) {
      // Without what comes before the last Content-Length the rest may be a header.
      this.drop(header.toLowerCase().lastIndexOf("content-length") || end + 4);
      return { problem };
    }
    if (this.buffer.length < end + 4 + length) {
      this.wanted = end + 4 + length;
      return undefined;
    }
    const body = utf8.decode(this.buffer.subarray(end + 4, end + 4 + length));
    this.drop(end + 4 + length);
    return { body };
  }

  private headerWithoutEnd(head: string): Frame | undefined {
    if (head.length < largestHeader) return undefined;
    const at = head.toLowerCase().lastIndexOf("content-length");
    // The end of what is dropped may be the beginning of a header.
    this.drop(at > 0 ? at : largestHeader - "content-length".length);
    return { problem: `no end of a header in ${largestHeader} bytes` };
  }

  private drop(length: number): void {
    this.buffer = this.buffer.subarray(length);
  }
}

function lengthOf(header: string): number | undefined {
  const digits = /content-length:[ \t]*([0-9]+)[ \t]*(?:\r\n|$)/i.exec(header)?.[1];
  const length = digits === undefined ? Number.NaN : Number(digits);
  return length <= largestBody ? length : undefined;
}

/** What is wrong with the lines of a header, if something is. */
function headerProblem(header: string): string | undefined {
  const wrong = header.split("\r\n").find((line) => !/^[a-z][a-z-]*:/i.test(line));
  return wrong === undefined ? undefined : `not a header: ${JSON.stringify(wrong.slice(0, 80))}`;
}

/** A message as bytes for the stream. */
export function frame(message: unknown): Uint8Array {
  const body = new TextEncoder().encode(JSON.stringify(message));
  const header = new TextEncoder().encode(`Content-Length: ${body.length}\r\n\r\n`);
  const whole = new Uint8Array(header.length + body.length);
  whole.set(header);
  whole.set(body, header.length);
  return whole;
}
