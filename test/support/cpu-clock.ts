/** What tests of growth and of limits measure: time that this process computed, whatever else the machine does. */

/** A clock that starts now: each call gives the user and system time since, in milliseconds. */
export function cpuClock(): () => number {
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
}
