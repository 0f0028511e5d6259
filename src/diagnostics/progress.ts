/**
 * Reports the progress of long computations to a listener, such as a command on a terminal. As with loggers, the listener is
 * global rather than an argument: it does not affect results, and every function in between would have to pass it on.
 */

type Watch = (what: string) => void;

let watching: Watch | undefined;

/** Sets the listener. @returns a function that restores the previous one. */
export function watchProgress(watch: Watch): () => void {
  const before = watching;
  watching = watch;
  return () => {
    watching = before;
  };
}

/** Reports progress; to be called in long-running loops. It costs next to nothing without a listener. */
export function progress(what: () => string): void {
  watching?.(what());
}
