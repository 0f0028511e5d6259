/** Options of the measuring scripts: `--help` and invalid options print the usage. */

import { parseArgs } from "node:util";

function end(usage, wrong) {
  if (wrong === undefined) console.log(`Usage: ${usage}`);
  else console.error(`${wrong}\n\nUsage: ${usage}`);
  process.exit(wrong === undefined ? 0 : 2);
}

/** The result of Node's `parseArgs`. `usage` is how to call the script: `npm run bench -- [--quick] [--op NAME]...` */
export function scriptOptions(usage, config) {
  let found;
  try {
    found = parseArgs({ ...config, options: { ...config.options, help: { type: "boolean", short: "h" } } });
  } catch (caught) {
    return end(usage, caught.message);
  }
  if (found.values.help) end(usage);
  return found;
}

/** A script's only argument: the number of rounds. */
export function roundsOr(otherwise, name) {
  const usage = `npm run ${name} -- [ROUNDS]\n\nROUNDS: how often each is timed, ${otherwise} by default`;
  const [given = String(otherwise)] = scriptOptions(usage, { allowPositionals: true }).positionals;
  return /^[1-9]\d{0,4}$/.test(given) ? Number(given) : end(usage, `${given} is not a number of rounds`);
}
