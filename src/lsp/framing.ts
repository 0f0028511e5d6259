/**
 * Message framing on a byte stream: `Content-Length: N`, an empty line, then N bytes of UTF-8.
 *
 * After a malformed header the reader skips to the next `Content-Length`, so that one broken message does not end the
 * session.
 */

type Frame = { readonly body: string } | { readonly problem: string };

/** No editor sends a larger message; a larger length is treated as a malformed header. */
const largestBody = 256 * 2 ** 20;
/** A header has at most two lines; if it does not end within this many bytes, it is not a header. */
const largestHeader = 8192;

const ascii = new TextDecoder("latin1");
const utf8 = new TextDecoder();

export class FrameReader {
  private buffer = new Uint8Array(0);
  /** Chunks of an incomplete body, joined once it is complete. */
  private pending: Uint8Array[] = [];
  private pendingLength = 0;
  /** The number of bytes at which the current message is complete; 0 if its length is not known yet. */
  private wanted = 0;

  /** Adds a chunk, and returns the messages that are now complete. */
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
      return { problem: problem ?? "the header has no valid Content-Length" };
    }
    if (problem !== undefined) {
      // A valid header may start at the last Content-Length.
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
    // The last bytes may be the start of "content-length", so they are not dropped.
    this.drop(at > 0 ? at : largestHeader - "content-length".length);
    return { problem: `the header does not end within ${largestHeader} bytes` };
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

/** Describes the first malformed line of a header; `undefined` if all are well-formed. */
function headerProblem(header: string): string | undefined {
  const wrong = header.split("\r\n").find((line) => !/^[a-z][a-z-]*:/i.test(line));
  return wrong === undefined ? undefined : `not a header: ${JSON.stringify(wrong.slice(0, 80))}`;
}

/** Encodes a message with its header. */
export function frame(message: unknown): Uint8Array {
  const body = new TextEncoder().encode(JSON.stringify(message));
  const header = new TextEncoder().encode(`Content-Length: ${body.length}\r\n\r\n`);
  const whole = new Uint8Array(header.length + body.length);
  whole.set(header);
  whole.set(body, header.length);
  return whole;
}
