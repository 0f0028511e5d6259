import type { Span } from "../src/diagnostics/diagnostic.ts";

/** A line of WGSL, and the span of the program that it comes from, if any. */
export interface Line {
  readonly text: string;
  readonly span: Span | undefined;
}

/** Collects lines of WGSL, indented by the blocks that they are in. */
export class Writer {
  readonly lines: Line[] = [];
  private depth = 0;

  line(text: string, span?: Span): void {
    this.lines.push({ text: text === "" ? "" : "  ".repeat(this.depth) + text, span });
  }

  /** `head { ... }`. */
  block(head: string, body: () => void, span?: Span): void {
    this.line(head === "" ? "{" : `${head} {`, span);
    this.depth++;
    body();
    this.depth--;
    this.line("}", span);
  }

  /** Writes several lines without a span. */
  text(text: string): void {
    for (const line of text.split("\n")) this.line(line);
  }

  /** Appends the lines of another writer, one block deeper. */
  append(other: Writer): void {
    this.depth++;
    for (const { text, span } of other.lines) this.line(text, span);
    this.depth--;
  }
}
