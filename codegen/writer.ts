/** Lines of WGSL, indented by their blocks. */
export class Writer {
  private readonly lines: string[] = [];
  private depth = 0;

  line(text: string): void {
    this.lines.push(text === "" ? "" : "  ".repeat(this.depth) + text);
  }

  /** `head { ... }`. */
  block(head: string, body: () => void): void {
    this.line(head === "" ? "{" : `${head} {`);
    this.depth++;
    body();
    this.depth--;
    this.line("}");
  }

  /** `body` under a condition; "" is no condition. */
  when(condition: string, body: () => void): void {
    if (condition === "") body();
    else this.block(`if (${condition})`, body);
  }

  /** The lines so far. */
  get text(): string {
    return this.lines.join("\n");
  }
}
