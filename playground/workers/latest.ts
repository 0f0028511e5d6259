/** Keeps a slow worker up to date: at most one task is in progress, and of those waiting only the last is done. */
export class Latest<Task, Answer> {
  #busy = false;
  #waiting: Task | undefined;
  readonly #send: (task: Task) => void;
  readonly #receive: (answer: Answer) => void;

  constructor(send: (task: Task) => void, receive: (answer: Answer) => void) {
    this.#send = send;
    this.#receive = receive;
  }

  submit(task: Task): void {
    if (this.#busy) {
      this.#waiting = task;
      return;
    }
    this.#busy = true;
    this.#send(task);
  }

  answered(answer: Answer): void {
    const next = this.#waiting;
    this.#waiting = undefined;
    this.#busy = next !== undefined;
    // The next task runs while the page shows this answer.
    if (next !== undefined) this.#send(next);
    this.#receive(answer);
  }
}
