/** Runs a measuring script in a new process with limits, and reports figures against what is asked of them. */
import { spawnSync } from "node:child_process";

/** The line that names an uncaught error, `RangeError: ...`, or else the last line. */
const thrown = (stderr) =>
  stderr.split("\n").find((line) => /^\w*Error\b/.test(line)) ?? stderr.trim().split("\n").at(-1);

/**
 * What a script prints as JSON, or `{ missing }`: why it printed nothing.
 * @param args the script, and its arguments.
 * @param limits the size of the heap in megabytes, and the time in seconds.
 */
export function measured(args, { megabytes, seconds }) {
  const { status, error, stdout, stderr } = spawnSync(
    process.execPath,
    [`--max-old-space-size=${megabytes}`, ...args.map(String)],
    { encoding: "utf8", timeout: seconds * 1000, killSignal: "SIGKILL" },
  );
  if (error?.code === "ETIMEDOUT") return { missing: `not done after ${seconds} s` };
  if (error !== undefined) return { missing: error.message };
  if (status === 0) return JSON.parse(stdout);
  return { missing: /heap out of memory/.test(stderr) ? `out of memory, with ${megabytes} MB` : thrown(stderr) };
}

/** Prints figures, and counts those that are missing or above their limits. */
export class Report {
  missed = 0;
  constructor(print = console.log) {
    this.print = print;
  }

  /** @param value a number, or why there is none: a text. */
  figure(what, value, unit, most) {
    const isMissing = typeof value === "string";
    const ok = !isMissing && value <= most;
    if (!ok) this.missed++;
    const asked = `(at most ${most}${isMissing ? ` ${unit}` : ""}) ${ok ? "ok" : "MISSED"}`;
    this.print(
      `${what.padEnd(58)} ${isMissing ? value : `${value.toFixed(2).padStart(8)} ${unit.padEnd(3)}`} ${asked}`,
    );
  }
}
