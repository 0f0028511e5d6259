/** How far something is that takes long: a line on a terminal that is written over and goes in the end. */

import type { Session } from "./session.ts";

/** Milliseconds after which it is worth a word. */
const long = 2000;
/** Between two words of it. */
const pause = 100;

export class Progress {
  readonly #session: Session;
  readonly #start = performance.now();
  #last = 0;

  constructor(session: Session) {
    this.#session = session;
  }

  /** Says what is being done, where that has gone on for two seconds and somebody looks. */
  say(what: string): void {
    const now = performance.now();
    if (!this.#session.io.terminal || now - this.#start < long || now - this.#last < pause) return;
    this.#last = now;
    this.#session.overwrite(what);
  }

  /** Takes the line away. */
  done(): void {
    this.#session.clear();
  }
}
