/** The names of the models in a folder; if prefixes are `chosen`, only those that match one. */

import { readdirSync } from "node:fs";

export function modelsIn(folder, chosen = []) {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".npz"))
    .map((file) => file.slice(0, -".npz".length))
    .filter((name) => chosen.length === 0 || chosen.some((start) => name.startsWith(start)))
    .toSorted();
}
