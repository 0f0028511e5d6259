/** Writes generated files. */
import { readFileSync, renameSync, writeFileSync } from "node:fs";

/** Writes `text` to the URL `target` if the file is out of date. */
export function writeMade(target, text) {
  if (readIfThere(target) === text) return;
  // Written under another name and renamed, so that a process importing it at the same time never sees half of it.
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
