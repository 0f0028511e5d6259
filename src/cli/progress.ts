/** How far something is that takes long: a line on a terminal that is written over and goes in the end. */

/** Milliseconds after which it is worth a word. */
const long = 2000;
/** Between two words of it. */
const pause = 100;

/** Where the line is written. */
interface Line {
  /** Puts it in the place of the last one. */
  overwrite(line: string): void;
}

export class Progress {
  readonly #line: Line;
  readonly #start = performance.now();
  #last = 0;

  constructor(line: Line) {
    this.#line = line;
  }

  /** Says what is being done, where the command has run for two seconds. */
  say(what: string): void {
    const now = performance.now();
    if (now - this.#start < long || now - this.#last < pause) return;
    this.#last = now;
    this.#line.overwrite(what);
  }
}
