import type { Span } from "../src/diagnostics/diagnostic.ts";

/** A line of WGSL, and the place in the program that it comes from, where it comes from one. */
export interface Line {
  readonly text: string;
  readonly span: Span | undefined;
}

/** Lines of WGSL, indented by their blocks. */
export class Writer {
  private readonly written: Line[] = [];
  private depth = 0;

  line(text: string, span?: Span): void {
    this.written.push({ text: text === "" ? "" : "  ".repeat(this.depth) + text, span });
  }

  /** `head { ... }`. */
  block(head: string, body: () => void, span?: Span): void {
    this.line(head === "" ? "{" : `${head} {`, span);
    this.depth++;
    body();
    this.depth--;
    this.line("}", span);
  }

  /** A text of several lines that comes from nowhere in the program. */
  text(text: string): void {
    for (const line of text.split("\n")) this.line(line);
  }

  /** What another has written, a block deeper than here. */
  append(other: Writer): void {
    this.depth++;
    for (const { text, span } of other.lines) this.line(text, span);
    this.depth--;
  }

  /** The lines so far. */
  get lines(): readonly Line[] {
    return this.written;
  }
}
