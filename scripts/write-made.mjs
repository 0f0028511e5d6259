/** Files that are made from others. */
import { readFileSync, renameSync, writeFileSync } from "node:fs";

/** Writes a file where it is out of date: a URL and its text. */
export function writeMade(target, text) {
  if (readIfThere(target) === text) return;
  // Written aside and renamed, so that a process which imports it at the same time never sees half of it.
  const aside = new URL(`${target.href}.${process.pid}.tmp`);
  writeFileSync(aside, text);
  renameSync(aside, target);
}

function readIfThere(url) {
  try {
    return readFileSync(url, "utf8");
  } catch {
    return undefined;
  }
}
