/**
 * What a long computation is doing, told to who watches this process, as a command does on a terminal. A listener of the process
 * and not an argument, as with loggers: it changes nothing that is computed, and each level would have to hand it on.
 */

type Watch = (what: string) => void;

let watching: Watch | undefined;

/** Has `watch` told what is being done, in the place of who was. @returns what puts that one back */
export function watchProgress(watch: Watch): () => void {
  const before = watching;
  watching = watch;
  return () => {
    watching = before;
  };
}

/** To be called in loops whose rounds may take long: costs next to nothing where nobody watches. */
export function progress(what: () => string): void {
  watching?.(what());
}
