/** The progress of a long operation: a line on a terminal that is overwritten, and removed at the end. */

/** Milliseconds before the first message. */
const long = 2000;
/** Milliseconds between two messages. */
const pause = 100;

/** Where the line is written. */
interface Line {
  /** Replaces the previous line. */
  overwrite(line: string): void;
}

export class Progress {
  readonly #line: Line;
  readonly #start = performance.now();
  #last = 0;

  constructor(line: Line) {
    this.#line = line;
  }

  /** Says what is being done, once the command has run for two seconds. */
  say(what: string): void {
    const now = performance.now();
    if (now - this.#start < long || now - this.#last < pause) return;
    this.#last = now;
    this.#line.overwrite(what);
  }
}
