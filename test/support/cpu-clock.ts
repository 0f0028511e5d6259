/** The clock of tests of growth and of limits: processor time of this process, independent of the machine's load. */

/** A clock that starts now: each call gives the user and system time since, in milliseconds. */
export function cpuClock(): () => number {
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
}

/**
 * The least time of at most five runs in milliseconds, of the first that is below `enough`: a busy machine and collections
 * of garbage add to what the work takes, and nothing takes away from it.
 */
export function leastTime(work: () => unknown, enough: number): number {
  let least = Infinity;
  for (let run = 0; run < 5 && least >= enough; run++) {
    const clock = cpuClock();
    work();
    least = Math.min(least, clock());
  }
  return least;
}
